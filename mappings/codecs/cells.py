"""Codecs for the cells of flat files: what people and EMRs write into columns <-> FHIR values.

A cell reads in every spelling that means one thing, and is written in one: where the two differ, the file is corrected.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.dates import iso, iso_day, offset_text, read_date, read_datetime
from mappings.codecs.text import read_text, write_decimal, write_text
from mappings.concepts import ConceptMap
from mappings.paths import BadRow
from mappings.scope import Scope, Unfit
from terminology import icd10

UCUM = "http://unitsofmeasure.org"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CERTAINTY = {
    "confirmed": "confirmed", "c": "confirmed", "final": "confirmed", "definite": "confirmed",
    "provisional": "provisional", "suspected": "provisional", "probable": "provisional", "presumptive": "provisional",
    "differential": "differential", "unconfirmed": "unconfirmed", "refuted": "refuted", "ruled out": "refuted",
    "excluded": "refuted",
}  # fmt: skip
_SPELLINGS = {"Cel": ("°c", "c", "celsius"), "/min": ("bpm",), "mm[Hg]": ("mmhg",)}
_NUMBER = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(\D.*)?\Z")
_AGE = re.compile(r"(\d{1,3})\s*(y|yrs?|years?|m|mths?|months?|w|weeks?|d|days?)?\.?\Z", re.IGNORECASE)
_BETWEEN = re.compile(r"[;,|/\n]+")


def cell_codecs(maps: Mapping[str, ConceptMap], dates: tuple[str, ...] = ()) -> Callable[[str], Codec]:
    """Return the function that finds a codec by its name in a table; it raises `BadRow` for one that is not there.

    `maps` are the concept maps that `code:` and `concept:` name. `dates` are forms (`%d/%m/%Y`) that `date` and
    `dateTime` accept beside ISO; the first that fits counts, so an ambiguous day is never guessed.
    """
    plain = {codec.name: codec for codec in (*_PLAIN, *_dates(dates))}

    def find(name: str) -> Codec:
        if name in plain:
            return plain[name]
        kind, _, argument = name.partition(":")
        if kind == "quantity" and argument:
            return quantity(argument)
        if kind == "date" and argument:
            return day_as(argument)
        if kind in ("code", "concept") and argument in maps:
            return coded(kind, maps[argument])
        raise BadRow(f"there is no codec {name}")

    return find


def quantity(unit: str) -> Codec:
    """Return the codec of a number in a UCUM unit <-> Quantity. Digits stay as written; a decimal comma is a point."""
    spellings = {unit.casefold(), *_SPELLINGS.get(unit, ())}

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        match = _NUMBER.match(text.strip())
        if match is None:
            raise Unfit("not a number")
        if match[2] and match[2].strip().casefold() not in spellings:
            raise Unfit(f"not in {unit}")
        return {"value": Decimal(match[1].replace(",", ".")), "unit": unit, "system": UCUM, "code": unit}

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        if value.get("code", unit) != unit:
            raise Unfit(f"{value.get('code')} is not {unit}", "other-unit")
        return write_decimal(value.get("value"))

    return Codec(f"quantity:{unit}", decode, encode)


def coded(kind: str, concepts: ConceptMap) -> Codec:
    """Return the codec of a word of a concept map <-> its code (`code`) or its CodeableConcept (`concept`)."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        word = text.strip()
        spellings = (word, word.lower(), word.upper())
        target = next((found for spelling in spellings if (found := scope.translate(concepts, spelling))), None)
        if target is None:
            raise Unfit(f"not a {concepts.name} we know", "unknown-code", concepts.name, word)
        return target.code if kind == "code" else {"coding": [target.coding()]}

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        codings = [{"code": value}] if kind == "code" else value.get("coding") or []
        words = (concepts.inverse(coding.get("system", ""), coding.get("code", "")) for coding in codings)
        return next((word for word in words if word), None)

    return Codec(f"{kind}:{concepts.name}", decode, encode)


def day_as(pattern: str) -> Codec:
    """Return the codec of days written as `pattern` <-> date; a FHIR dateTime is written as its day."""

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        return _by_form(text.strip(), pattern).date().isoformat()

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        return date.fromisoformat(value[:10]).strftime(pattern) if len(value) >= 10 else None

    return Codec(f"date:{pattern}", decode, encode)


def _dates(forms: tuple[str, ...]) -> tuple[Codec, Codec]:
    """Return `date` and `dateTime` that also read the declared forms."""

    def day(text: str, scope: Scope, old: Any) -> Any:
        found = _declared(text, forms)
        return found.date().isoformat() if found else read_date(text, scope, old)

    def moment(text: str, scope: Scope, old: Any) -> Any:
        found = _declared(text, forms)
        if found is None:
            return read_datetime(text, scope, old)
        if (found.hour, found.minute, found.second) == (0, 0, 0) and ":" not in text:
            return found.date().isoformat()
        local = found.replace(tzinfo=None).isoformat(timespec="seconds")
        return local + offset_text(None, local, scope)

    return Codec("date", day, iso_day), Codec("dateTime", moment, iso)


def _declared(text: str, forms: tuple[str, ...]) -> datetime | None:
    for form in forms:
        try:
            return _by_form(text.strip(), form)
        except Unfit:
            continue
    return None


def _by_form(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the sender's zone is added by the caller
    except ValueError:
        raise Unfit(f"not a date of the form {form}") from None


def read_age(texts: list[str], _scope: Scope, _old: Any) -> Any:
    """Read an age (`34`, `8m`, `3 weeks`) at a day into a birth date no more precise than the age is."""
    age, at = texts[0].strip(), texts[1].strip()[:10]
    if not age:
        return MISSING
    match = _AGE.match(age)
    if match is None:
        raise Unfit("not an age")
    try:
        day = date.fromisoformat(at)
    except ValueError:
        return MISSING
    count, unit = int(match[1]), (match[2] or "y")[0].lower()
    if unit == "y":
        return f"{day.year - count:04d}"
    if unit == "m":
        months = day.year * 12 + day.month - 1 - count
        return f"{months // 12:04d}-{months % 12 + 1:02d}"
    return date.fromordinal(day.toordinal() - count * (7 if unit == "w" else 1)).isoformat()


def write_age(value: Any, _scope: Scope, _old: Any) -> list[str] | None:
    """An age cannot be told from a birth date alone: nothing is written."""
    del value
    return None


def read_diagnoses(texts: list[str], _scope: Scope, _old: Any) -> Any:
    """Read ICD-10 codes, parted in any usual way, and their certainties in the same order, into Conditions."""
    certainties = [_certainty(word) for word in texts[1].split(";")] if texts[1].strip() else []
    codes = [code for part in _BETWEEN.split(texts[0]) if part.strip() for code in _codes(part)]
    if len(certainties) > len(codes):
        raise Unfit(f"{len(certainties)} certainties for {len(codes)} diagnoses")
    found: dict[str, dict[str, Any]] = {}
    for at, code in enumerate(codes):
        condition: dict[str, Any] = {"code": {"coding": [{"system": icd10.SYSTEM, "code": code}]}}
        if at < len(certainties) and certainties[at]:
            condition["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": certainties[at]}]}
        found.setdefault(code, condition)
    return list(found.values())


def _codes(part: str) -> list[str]:
    """Return the code of a part, or the codes when blanks part them (`A17.0+ G01*`)."""
    whole = icd10.normal(part)
    codes = [whole] if whole else [icd10.normal(word) for word in part.split()]
    if None in codes:
        raise Unfit(f"{part.strip()} is no ICD-10 code", "bad-code")
    return [code for code in codes if code]


def _certainty(word: str) -> str:
    plain = word.strip().casefold()
    if plain and plain not in CERTAINTY:
        raise Unfit(f"{word.strip()} is no certainty", "unknown-code")
    return CERTAINTY.get(plain, "")


def write_diagnoses(separator: str, form: Callable[[str], str]) -> Callable[[Any, Scope, Any], list[str] | None]:
    """Return the function that writes Conditions as codes, and their certainties when one has any."""

    def encode(conditions: Any, _scope: Scope, _old: Any) -> list[str] | None:
        codes = [(code, _code_in(c.get("verificationStatus"), VERIFICATION)) for c in conditions if (code := _icd(c))]
        certainties = [certainty for _, certainty in codes]
        while certainties and not certainties[-1]:
            certainties.pop()
        return [separator.join(form(code) for code, _ in codes), "; ".join(certainties)]

    return encode


def _icd(condition: Mapping[str, Any]) -> str:
    return _code_in(condition.get("code"), icd10.SYSTEM)


def _code_in(concept: Any, system: str) -> str:
    codings = (concept or {}).get("coding") or []
    return next((str(c.get("code", "")) for c in codings if c.get("system") == system), "")


def _words(separator: str) -> Codec:
    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        words = text.split()
        # A list of the mapping language holds an item once: a name said twice stays one item.
        return [" ".join(words)] if len(set(words)) < len(words) else words or MISSING

    def encode(values: Any, _scope: Scope, _old: Any) -> str | None:
        return separator.join(values) or None

    return Codec("words", decode, encode)


_PLAIN = (
    Codec("text", lambda text, _scope, _old: read_text(text), lambda value, _scope, _old: write_text(value)),
    _words(" "),
    Codec("age", read_age, write_age, "fields"),
    Codec("diagnoses", read_diagnoses, write_diagnoses("; ", str), "fields"),
    Codec("diagnoses_comma", read_diagnoses, write_diagnoses(",", str), "fields"),
    Codec("diagnoses_undotted", read_diagnoses, write_diagnoses("; ", icd10.undotted), "fields"),
)

__all__ = ["CERTAINTY", "UCUM", "VERIFICATION", "cell_codecs"]
