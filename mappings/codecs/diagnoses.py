"""Codecs of diagnoses in ICD-10: several in a cell or in ranked columns, with their certainties."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mappings.codecs.codec import Codec
from mappings.concepts import ConceptMap
from mappings.scope import Scope, Unfit
from terminology import icd10

MAP = "diagnosis"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CERTAINTY = {
    "confirmed": "confirmed", "c": "confirmed", "final": "confirmed", "definite": "confirmed",
    "provisional": "provisional", "suspected": "provisional", "probable": "provisional", "presumptive": "provisional",
    "differential": "differential", "unconfirmed": "unconfirmed", "refuted": "refuted", "ruled out": "refuted",
    "excluded": "refuted",
}  # fmt: skip
_LOOKALIKES = str.maketrans("OoIl", "0011")
_BETWEEN = re.compile(r"[;,|/\n]+")


def diagnoses(maps: Mapping[str, ConceptMap]) -> tuple[Codec, ...]:
    """Return the codecs of a cell of diagnoses and one of their certainties, as they are written.

    `ranked_diagnoses` takes columns in pairs instead, a diagnosis and its certainty, the first pair the main one.
    """
    read = read_diagnoses(_BETWEEN, maps.get(MAP))
    return (
        Codec("diagnoses", read, write_diagnoses("; ", str), "fields"),
        Codec("diagnoses_comma", read, write_diagnoses(",", str), "fields"),
        Codec("diagnoses_undotted", read, write_diagnoses("; ", icd10.undotted), "fields"),
        Codec("ranked_diagnoses", read_ranked(maps.get(MAP)), write_ranked, "fields"),
    )


def parted_diagnoses(separator: str, maps: Mapping[str, ConceptMap]) -> Codec:
    """Return the codec of diagnoses that are parted by `separator` and by nothing else."""
    read = read_diagnoses(re.compile(re.escape(separator)), maps.get(MAP))
    return Codec(f"diagnoses:{separator}", read, write_diagnoses(separator, str), "fields")


def read_diagnoses(between: re.Pattern[str], concepts: ConceptMap | None) -> Callable[[list[str], Scope, Any], Any]:
    """Return the function that reads ICD-10 codes, parted by `between`, and their certainties, into Conditions.

    What is no ICD-10 code may be the EMR's own: the concept map `diagnosis` tells, where there is one.
    """

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        certainties = [_certainty(word) for word in texts[1].split(";")] if texts[1].strip() else []
        codes = [code for part in between.split(texts[0]) if part.strip() for code in _codes(part, concepts, scope)]
        if len(certainties) > len(codes):
            raise Unfit(f"{len(certainties)} certainties for {len(codes)} diagnoses")
        padded = [*certainties, *[""] * (len(codes) - len(certainties))]
        return _conditions(zip(codes, padded, strict=True))

    return decode


def read_ranked(concepts: ConceptMap | None) -> Callable[[list[str], Scope, Any], Any]:
    """Return the function that reads pairs of columns, a code and its certainty, into Conditions in their order."""

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        pairs = [(code, word) for code, word in zip(texts[::2], texts[1::2], strict=True) if code.strip()]
        return _conditions((code, _certainty(word)) for text, word in pairs for code in _codes(text, concepts, scope))

    return decode


def write_ranked(conditions: Any, _scope: Scope, _old: Any) -> list[str]:
    """Write Conditions into pairs of columns, as many as there are."""
    codes = [(code, _code_in(c.get("verificationStatus"), VERIFICATION)) for c in conditions if (code := _icd(c))]
    return [text for pair in codes for text in pair]


def _conditions(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for code, certainty in pairs:
        condition: dict[str, Any] = {"code": {"coding": [{"system": icd10.SYSTEM, "code": code}]}}
        if certainty:
            condition["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": certainty}]}
        found.setdefault(code, condition)
    return list(found.values())


def _codes(part: str, concepts: ConceptMap | None, scope: Scope) -> list[str]:
    """Return the code of a part, or the codes when blanks part them (`A17.0+ G01*`)."""
    whole = icd10.normal(part) or icd10.normal(_digits_for_letters(part))
    if whole is None and concepts is not None:
        target = scope.translate(concepts, part.strip())
        if target is None:
            raise Unfit(f"not a {concepts.name} we know", "unknown-code", concepts.name, part.strip())
        return [target.code]
    codes = [whole] if whole else [icd10.normal(word) for word in part.split()]
    if None in codes:
        raise Unfit(f"{part.strip()} is no ICD-10 code", "bad-code")
    return [code for code in codes if code]


def _digits_for_letters(part: str) -> str:
    """Return a code with the letters O, I and l where only digits can stand read as the digits they look like."""
    text = part.strip()
    return text[:1] + text[1:3].translate(_LOOKALIKES) + text[3:] if len(text) > 2 else text


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
