"""Codecs of diagnoses in ICD-10: several in a cell or in ranked columns, with their certainties."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from mappings.codecs.codec import Codec
from mappings.codecs.own import find_own, own_coding
from mappings.concepts import ConceptMap
from mappings.scope import Scope, Unfit
from terminology import icd10

MAP = "diagnosis"
Codings: TypeAlias = list[dict[str, str]]
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
    own = maps.get(MAP)
    read = read_diagnoses(_BETWEEN, own)
    return (
        Codec("diagnoses", read, write_diagnoses("; ", own), "fields"),
        Codec("diagnoses_comma", read, write_diagnoses(",", own), "fields"),
        Codec("diagnoses_undotted", read, write_diagnoses("; ", own, icd10.undotted), "fields"),
        Codec("ranked_diagnoses", read_ranked(own), write_ranked(own), "fields"),
    )


def parted_diagnoses(separator: str, maps: Mapping[str, ConceptMap]) -> Codec:
    """Return the codec of diagnoses that are parted by `separator` and by nothing else."""
    read = read_diagnoses(re.compile(re.escape(separator)), maps.get(MAP))
    return Codec(f"diagnoses:{separator}", read, write_diagnoses(separator, maps.get(MAP)), "fields")


def read_diagnoses(between: re.Pattern[str], concepts: ConceptMap | None) -> Callable[[list[str], Scope, Any], Any]:
    """Return the function that reads ICD-10 codes, parted by `between`, and their certainties, into Conditions.

    What is no ICD-10 code may be the EMR's own: the concept map `diagnosis` tells, where there is one; it is kept
    beside the code that it means.
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


def write_ranked(concepts: ConceptMap | None) -> Callable[[Any, Scope, Any], list[str]]:
    """Return the function that writes Conditions into pairs of columns, as many as there are."""

    def encode(conditions: Any, scope: Scope, _old: Any) -> list[str]:
        return [text for pair in _told(conditions, concepts, scope, str) for text in pair]

    return encode


def _conditions(pairs: Iterable[tuple[Codings, str]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for codings, certainty in pairs:
        condition: dict[str, Any] = {"code": {"coding": codings}}
        if certainty:
            condition["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": certainty}]}
        found.setdefault(codings[0]["code"], condition)
    return list(found.values())


def _codes(part: str, concepts: ConceptMap | None, scope: Scope) -> list[Codings]:
    """Return the codings of a part, or of each of its words when blanks part codes (`A17.0+ G01*`)."""
    whole = icd10.normal(part) or icd10.normal(_digits_for_letters(part))
    if whole is None and concepts is not None:
        target = scope.translate(concepts, part.strip())
        if target is None:
            raise Unfit(f"not a {concepts.name} we know", "unknown-code", concepts.name, part.strip())
        return [[{"system": icd10.SYSTEM, "code": target.code}, own_coding(part.strip(), concepts)]]
    codes = [whole] if whole else [icd10.normal(word) for word in part.split()]
    if None in codes:
        raise Unfit(f"{part.strip()} is no ICD-10 code", "bad-code")
    return [[{"system": icd10.SYSTEM, "code": code}] for code in codes if code]


def _digits_for_letters(part: str) -> str:
    """Return a code with the letters O, I and l where only digits can stand read as the digits they look like."""
    text = part.strip()
    return text[:1] + text[1:3].translate(_LOOKALIKES) + text[3:] if len(text) > 2 else text


def _certainty(word: str) -> str:
    plain = word.strip().casefold()
    if plain and plain not in CERTAINTY:
        raise Unfit(f"{word.strip()} is no certainty", "unknown-code")
    return CERTAINTY.get(plain, "")


def write_diagnoses(
    separator: str, concepts: ConceptMap | None, form: Callable[[str], str] = str
) -> Callable[[Any, Scope, Any], list[str] | None]:
    """Return the function that writes Conditions as codes, and their certainties when one has any.

    A code is the EMR's own where it has one, else ICD-10 in a `form`.
    """

    def encode(conditions: Any, scope: Scope, _old: Any) -> list[str] | None:
        codes = _told(conditions, concepts, scope, form)
        certainties = [certainty for _, certainty in codes]
        while certainties and not certainties[-1]:
            certainties.pop()
        return [separator.join(code for code, _ in codes), "; ".join(certainties)]

    return encode


def _told(
    conditions: Any, concepts: ConceptMap | None, scope: Scope, form: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Return (code, certainty) of every Condition that ICD-10 has a code for."""
    told = []
    for condition in conditions:
        if code := _icd(condition):
            own = find_own(condition["code"]["coding"], concepts, scope) if concepts is not None else None
            word = str(own["code"]) if own else form(code)
            told.append((word, _code_in(condition.get("verificationStatus"), VERIFICATION)))
    return told


def _icd(condition: Mapping[str, Any]) -> str:
    return _code_in(condition.get("code"), icd10.SYSTEM)


def _code_in(concept: Any, system: str) -> str:
    codings = (concept or {}).get("coding") or []
    return next((str(c.get("code", "")) for c in codings if c.get("system") == system), "")
