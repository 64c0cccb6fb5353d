"""Concepts as codings and back: by the mappings an OpenMRS keeps for them, CIEL among them, and by its own uuids."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import mappings
from adapters.openmrs.names import concept_system
from mappings.concepts import ConceptMap, parse_concept_map
from tracker_core.context import Peer

CIEL = "https://cielterminology.org"
LOINC = "http://loinc.org"
SYSTEMS = {
    "CIEL": CIEL,
    "LOINC": LOINC,
    "SNOMED CT": "http://snomed.info/sct",
    "SNOMED NP": "http://snomed.info/sct",
    "ICD-10-WHO": "http://hl7.org/fhir/sid/icd-10",
    "ICD-11-WHO": "http://id.who.int/icd/release/11/mms",
    "RxNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
_SOURCES = {system: name for name, system in reversed(SYSTEMS.items())}
# The units of CIEL's numeric concepts, which the API shows for some kinds of concepts only.
_UNITS = {
    "5085": "mm[Hg]",
    "5086": "mm[Hg]",
    "5087": "/min",
    "5088": "Cel",
    "5089": "kg",
    "5090": "cm",
    "5092": "%",
    "5242": "/min",
    "21": "g/dL",
}


@lru_cache(maxsize=1)
def _ciel() -> ConceptMap:
    path = Path(mappings.__file__).parent / "tables" / "openmrs" / "ciel.map"
    return parse_concept_map(path.read_text("utf-8"), path.name)


def codeable(peer: Peer, concept: dict[str, Any]) -> dict[str, Any]:
    """Return a concept as a CodeableConcept: what it is mapped to, standard systems first, then its own uuid.

    A CIEL code whose LOINC code the EMR does not name gets it from the hub's table.
    """
    display = str(concept.get("display") or "")
    codings = [coding for one in concept.get("mappings") or () if (coding := _coding(peer, one))]
    if not any(coding["system"] == LOINC for coding in codings):
        known = (_ciel().translate(coding["code"]) for coding in codings if coding["system"] == CIEL)
        codings += [target.coding() for target in known if target]
    order = list(SYSTEMS.values())
    codings.sort(key=lambda one: order.index(one["system"]) if one["system"] in order else len(order))
    codings.sort(key=lambda one: one["system"] == CIEL)  # what others know comes before the dictionary's own
    own = {"system": concept_system(peer), "code": str(concept["uuid"]), **({"display": display} if display else {})}
    return {"coding": [*codings, own], **({"text": display} if display else {})}


def _coding(peer: Peer, mapping: dict[str, Any]) -> dict[str, str] | None:
    term = mapping.get("conceptReferenceTerm") or {}
    code, source = term.get("code"), (term.get("conceptSource") or {}).get("name")
    if not code or not source:
        return None
    system = SYSTEMS.get(str(source)) or f"urn:tracker-hub:peer:{peer.code}:source:{source}"
    return {"system": str(peer.settings.get("naming", {}).get(source, system)), "code": str(code)}


def unit_of(peer: Peer, code: dict[str, Any]) -> str:
    """Return the UCUM unit of a number: by the peer's `units` (`{"CIEL:5089": "kg"}`, or by uuid), else CIEL's."""
    told = peer.settings.get("units", {})
    for coding in code["coding"]:
        named = told.get(f"{_SOURCES.get(coding['system'], '')}:{coding['code']}") or told.get(coding["code"])
        known = _UNITS.get(coding["code"]) if coding["system"] == CIEL else None
        if named or known:
            return str(named or known)
    return ""


def concept_of(peer: Peer, code: dict[str, Any]) -> str:
    """Return what OpenMRS takes for a concept: a uuid, or `SOURCE:code`; empty when no coding says which it is.

    The peer's `concepts` (`{"http://loinc.org|648-6": "uuid or CIEL:307"}`) come first, then its own uuids, then CIEL,
    then sources that any OpenMRS knows.
    """
    told = peer.settings.get("concepts", {})
    codings = [one for one in code.get("coding") or () if one.get("code")]
    ways = (
        (told.get(f"{one.get('system', '')}|{one['code']}") for one in codings),
        (one["code"] for one in codings if one.get("system") == concept_system(peer)),
        (f"CIEL:{one['code']}" for one in codings if one.get("system") == CIEL),
        (f"CIEL:{found}" for one in codings if (found := _ciel().inverse(one.get("system", ""), one["code"]))),
        (f"{_SOURCES[one['system']]}:{one['code']}" for one in codings if one.get("system") in _SOURCES),
    )
    return next((str(found) for way in ways for found in way if found), "")
