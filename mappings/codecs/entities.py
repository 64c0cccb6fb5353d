"""Codecs of files with one row an entity: keys that refer to other files' rows, coded columns, dates in parts."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.keyed import record_reference
from mappings.codecs.own import NO_EQUIVALENT, find_own, own_coding
from mappings.concepts import ConceptMap
from mappings.naming import SYSTEMS, expand
from mappings.paths import BadRow
from mappings.scope import Scope, Unfit
from terminology import icd10
from tracker_core.issues import Issue

OHDSI = "https://fhir-terminology.ohdsi.org"
# How EMRs and vocabularies call code systems -> the system.
NAMES = {
    "snomed": SYSTEMS["sct"], "snomed-ct": SYSTEMS["sct"], "snomed ct": SYSTEMS["sct"], "sct": SYSTEMS["sct"],
    "icd10": icd10.SYSTEM, "icd-10": icd10.SYSTEM, "icd10cm": icd10.SYSTEM_CM, "icd-10-cm": icd10.SYSTEM_CM,
    "loinc": SYSTEMS["loinc"], "rxnorm": SYSTEMS["rxnorm"], "cvx": SYSTEMS["cvx"],
    "atc": SYSTEMS["atc"], "icd11": SYSTEMS["icd-11"], "cpt4": "http://www.ama-assn.org/go/cpt",
    "hcpcs": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
}  # fmt: skip
_SHAPES = {SYSTEMS["loinc"]: re.compile(r"\d{1,6}-\d"), SYSTEMS["sct"]: re.compile(r"\d{6,18}")}


def keyed(type_: str) -> Codec:
    """Return the codec of the key of another record <-> a reference to it; it need not have come yet."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        key = text.strip()
        reference = record_reference(scope.profile.domain, type_, key)
        scope.keys[reference["reference"]] = key
        return reference

    def encode(value: Any, scope: Scope, _old: Any) -> str | None:
        return scope.keys.get(str(value.get("reference", "")))

    return Codec(f"key>{type_}", decode, encode)


def coded_columns(argument: str, maps: Mapping[str, ConceptMap]) -> Codec:
    """Return the codec of the columns code, display and system <-> CodeableConcept.

    `argument` is the system of codes that name none, then perhaps `/MAP`: a code that has not that system's shape is
    the EMR's own, and is put beside what the concept map has for it. Without a map's answer it stays alone, a warning
    says so, and the code waits for a person.
    """
    name, _, map_name = argument.partition("/")
    system = expand(name)
    concepts = maps.get(map_name)
    if map_name and concepts is None:
        raise BadRow(f"no concept map {map_name}")

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        code, display, told = (*(text.strip() for text in texts), "", "")[:3]
        if not code:
            return MISSING
        if concepts is not None and not told and not _fits(code, system):
            return {"coding": _local(code, display, concepts, scope)} | ({"text": display} if display else {})
        coding = {"system": _system(told) or system, "code": code} | ({"display": display} if display else {})
        return {"coding": [_normal(coding)]}

    def encode(value: Any, scope: Scope, _old: Any) -> list[str | None] | None:
        codings = value.get("coding") or []
        own = find_own(codings, concepts, scope) if concepts is not None else None
        if own is not None:
            return [own.get("code"), own.get("display") or value.get("text"), None]
        found = next((c for c in codings if c.get("system") == system), codings[0] if codings else {})
        told = None if found.get("system") == system else found.get("system")
        return [found.get("code"), found.get("display") or value.get("text"), told]

    return Codec(f"coded:{argument}", decode, encode, "fields")


def _local(code: str, display: str, concepts: ConceptMap, scope: Scope) -> list[dict[str, str]]:
    own = own_coding(code, concepts, display)
    target = scope.translate(concepts, code)
    if target is None:
        row = str(scope.row) if scope.row else ""
        text = f"{code} is not in the concept map {concepts.name}: it is kept as the EMR's own"
        scope.issues.append(Issue("unknown-code", text, "warning", _place(scope), code, row, concepts.name))
        return [own]
    return [target.coding(), own]


def _place(scope: Scope) -> str:
    return scope.where + (scope.row.left.split(",")[0] if scope.row else "")


def _fits(code: str, system: str) -> bool:
    if system in (icd10.SYSTEM, icd10.SYSTEM_CM):
        return icd10.read_code(code) is not None
    return system not in _SHAPES or _SHAPES[system].fullmatch(code) is not None


def _system(told: str) -> str:
    return NAMES.get(told.casefold(), told)


def _normal(coding: dict[str, str]) -> dict[str, str]:
    """Return a coding with an ICD-10 code in its normal form. Raises `Unfit` for one that is none."""
    if coding["system"] not in (icd10.SYSTEM, icd10.SYSTEM_CM):
        return coding
    code = icd10.normal(coding["code"])
    if code is None:
        raise Unfit(f"{coding['code']} is no ICD-10 code", "bad-code")
    return {**coding, "code": code}


def omop_concept(maps: Mapping[str, ConceptMap]) -> Codec:
    """Return the codec of concept id, vocabulary, code, name and source value <-> CodeableConcept.

    Vocabulary, code and name are what `concept.csv` says of the id. Without it the concept map `omop-concept` is
    asked; an id that neither knows is kept alone, and waits for a person. Id 0 is OMOP's "no matching concept".
    """
    concepts = maps.get("omop-concept") or ConceptMap("omop-concept", OHDSI, "")

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        id, vocabulary, code, name, source = (*(text.strip() for text in texts), "", "", "", "")[:5]
        if id in ("", "0"):
            return {"text": source} if source else MISSING
        own = {"system": OHDSI, "code": id}
        system = NAMES.get(vocabulary.casefold(), "")
        if system and code:
            coding = _normal({"system": system, "code": code} | ({"display": name} if name else {}))
            return {"coding": [coding, own]}
        target = scope.translate(concepts, id)
        if target is not None:
            return {"coding": [target.coding(), own]}
        text = f"the concept {id} is neither in concept.csv nor in the concept map omop-concept"
        scope.issues.append(Issue("unknown-code", text, "warning", _place(scope), id, "", concepts.name))
        return {"coding": [own]} | ({"text": name or source} if name or source else {})

    def encode(value: Any, scope: Scope, _old: Any) -> list[str | None] | None:
        codings = value.get("coding") or []
        id = next((c.get("code") for c in codings if c.get("system") == OHDSI), None)
        standard: dict[str, Any] = next((c for c in codings if c.get("system") != OHDSI), {})
        id = id or scope.inverse(concepts, standard.get("system", ""), standard.get("code", "")) or "0"
        if id == "0" and standard and not scope.returning:
            named = f"{standard.get('system', '')}|{standard.get('code', '')}"
            scope.warn(NO_EQUIVALENT, f"no concept of {concepts.name} means this", named, concepts.name)
        names = {system: name for name, system in reversed(_VOCABULARIES.items())}
        vocabulary = names.get(standard.get("system", ""))
        source = value.get("text") or standard.get("code")
        return [id, vocabulary, standard.get("code"), standard.get("display"), source]

    return Codec("omop", decode, encode, "fields")


_VOCABULARIES = {
    "SNOMED": SYSTEMS["sct"], "ICD10": icd10.SYSTEM, "ICD10CM": icd10.SYSTEM_CM, "LOINC": SYSTEMS["loinc"],
    "RxNorm": NAMES["rxnorm"], "CVX": SYSTEMS["cvx"], "ATC": SYSTEMS["atc"],
}  # fmt: skip


def read_parts(texts: list[str], _scope: Scope, _old: Any) -> Any:
    """Read year, month and day into a date as precise as they are filled. Raises `Unfit`."""
    parts = [text.strip() for text in texts]
    known = parts[: next((at for at, part in enumerate(parts) if not part), len(parts))]
    if not known:
        return MISSING
    try:
        numbers = [int(part) for part in known]
        date(*[*numbers, 1, 1][:3])
    except ValueError:
        raise Unfit("no such day") from None
    return "-".join(f"{number:0{4 if not at else 2}d}" for at, number in enumerate(numbers))


def write_parts(value: Any, _scope: Scope, _old: Any) -> list[str | None] | None:
    """Write a date as year, month and day, as far as it is known."""
    parts = [str(int(part)) for part in str(value)[:10].split("-")]
    return [*parts, *[None] * (3 - len(parts))]


PARTS = Codec("date_parts", read_parts, write_parts, "fields")
