"""Codecs for the cells of flat files: what people and EMRs write into columns <-> FHIR values.

A cell reads in every spelling that means one thing, and is written in one: where the two differ, the file is corrected.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.dates import iso, iso_day, offset_text, read_date, read_datetime
from mappings.codecs.diagnoses import CERTAINTY, VERIFICATION, diagnoses, parted_diagnoses
from mappings.codecs.entities import PARTS, coded_columns, keyed, omop_concept
from mappings.codecs.quantities import measured, quantity
from mappings.codecs.text import read_text, write_text
from mappings.concepts import ConceptMap
from mappings.paths import BadRow
from mappings.scope import Scope, Unfit

_AGE = re.compile(r"(\d{1,3})\s*(y|yrs?|years?|m|mths?|months?|w|weeks?|d|days?)?\.?\Z", re.IGNORECASE)


def cell_codecs(maps: Mapping[str, ConceptMap], dates: tuple[str, ...] = ()) -> Callable[[str], Codec]:
    """Return the function that finds a codec by its name in a table; it raises `BadRow` for one that is not there.

    `maps` are the concept maps that `code:` and `concept:` name. `dates` are forms (`%d/%m/%Y`) that `date` and
    `dateTime` accept beside ISO; the first that fits counts, so an ambiguous day is never guessed.
    """
    made_by_maps = (*diagnoses(maps), omop_concept(maps), measured(maps.get("finding")))
    plain = {codec.name: codec for codec in (*_PLAIN, *_dates(dates), *made_by_maps)}
    made: dict[str, Callable[[str], Codec]] = {
        "digits": digits,
        "quantity": quantity,
        "date": day_as,
        "coded": lambda argument: coded_columns(argument, maps),
        "diagnoses": lambda argument: parted_diagnoses(argument, maps),
    }

    def find(name: str) -> Codec:
        if name in plain:
            return plain[name]
        if name.startswith("key>"):
            return keyed(name.removeprefix("key>"))
        kind, _, argument = name.partition(":")
        if kind in made and argument:
            return made[kind](argument)
        if kind in ("code", "concept") and argument in maps:
            return coded(kind, maps[argument])
        raise BadRow(f"there is no codec {name}")

    return find


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
    """Return the codec of days written as `pattern` <-> date; a FHIR dateTime is written as its day.

    `_` in a pattern stands for a blank, which a table cannot hold.
    """
    pattern = pattern.replace("_", " ")

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


def read_age_precision(texts: list[str], scope: Scope, old: Any) -> Any:
    """Read how precise the birth date is that an age gives: `year`, `month` or `day`."""
    found = read_age(texts, scope, old)
    return found if found is MISSING else {4: "year", 7: "month"}.get(len(found), "day")


def write_age(value: Any, _scope: Scope, _old: Any) -> list[str] | None:
    """An age cannot be told from a birth date alone: nothing is written."""
    del value
    return None


def read_given(texts: list[str], _scope: Scope, _old: Any) -> Any:
    """Read first and middle names into given names."""
    return [text.strip() for text in texts if text.strip()]


def write_given(value: Any, _scope: Scope, _old: Any) -> list[str]:
    """Write given names as the first one and the rest."""
    names = value if isinstance(value, list) else [value]
    return [names[0], " ".join(names[1:])]


def read_joined(texts: list[str], _scope: Scope, _old: Any) -> Any:
    """Read several columns as one text, parted by `/`: the number of a thing that has none of its own."""
    return "/".join(text.strip() for text in texts) if all(text.strip() for text in texts) else MISSING


def digits(width: str) -> Codec:
    """Return the codec of numbers whose leading zeros a spreadsheet takes: `digits:8` <-> eight digits."""
    if not width.isdigit():
        raise BadRow(f"{width!r} is no number of digits")

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        number = text.strip().removesuffix(".0")
        return number.zfill(int(width)) if number.isdigit() else number

    return Codec(f"digits:{width}", decode, lambda value, _scope, _old: write_text(value))


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
    Codec("age_precision", read_age_precision, write_age, "fields"),
    Codec("joined", read_joined, lambda value, _scope, _old: str(value).rsplit("/", 1), "fields"),
    Codec("lower", lambda text, _scope, _old: text.strip().lower(), lambda value, _scope, _old: write_text(value)),
    Codec("given_names", read_given, write_given, "fields"),
    PARTS,
)

__all__ = ["CERTAINTY", "VERIFICATION", "cell_codecs"]
