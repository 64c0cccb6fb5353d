"""Metadata by other identifiers than uids in what is exported (Web API 2.42, "idScheme values")."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tracker_core.database import Session
from tracker_core.errors import Malformed, Unsupported
from tracker_core.metadata import Metadata, org_units
from tracker_core.metadata.compiling import reference
from tracker_core.uids import is_uid

_UNITS = "organisationUnits"
# property of a document -> (type of metadata, the parameter that sets its scheme apart from `idScheme`)
_PROPERTIES = {
    "orgUnit": (_UNITS, "orgUnitIdScheme"),
    "program": ("programs", "programIdScheme"),
    "programStage": ("programStages", "programStageIdScheme"),
    "dataElement": ("dataElements", "dataElementIdScheme"),
    "attributeOptionCombo": ("categoryOptionCombos", "categoryOptionComboIdScheme"),
    "attributeCategoryOptions": ("categoryOptions", "categoryOptionIdScheme"),
    "trackedEntityType": ("trackedEntityTypes", ""),
    "attribute": ("trackedEntityAttributes", ""),
}
PARAMETERS = ("idScheme", *(name for _, name in _PROPERTIES.values() if name))
_NESTED = ("enrollments", "events", "dataValues", "attributes", "programOwners", "relationships")


@dataclass(frozen=True, slots=True)
class Scheme:
    """How metadata is named: `UID`, `CODE`, `NAME`, or `ATTRIBUTE` with the uid of one."""

    name: str = "UID"
    attribute: str = ""


Schemes = Mapping[str, Scheme]


def read_schemes(given: Mapping[str, str]) -> Schemes:
    """Return the scheme of every property that has another one than uids. Raises `Malformed`."""
    general = _scheme(given, "idScheme") or Scheme()
    chosen = {name: (_scheme(given, own) if own else None) or general for name, (_, own) in _PROPERTIES.items()}
    return {name: scheme for name, scheme in chosen.items() if scheme.name != "UID"}


def name_by(session: Session, known: Metadata, schemes: Schemes, docs: Iterable[dict[str, Any]]) -> None:
    """Put other identifiers in the place of uids, everywhere in `docs`.

    Raises `Unsupported` when an object has no identifier of the scheme asked for.
    """
    if not schemes:
        return
    every = [inner for doc in docs for inner in _inner(doc)]
    missing: set[str] = set()
    for name, scheme in schemes.items():
        type, _ = _PROPERTIES[name]
        places = [doc for doc in every if isinstance(doc.get(name), str)]
        uids = {uid for doc in places for uid in doc[name].split(",") if uid}
        names = _names(session, known, type, scheme, uids)
        missing |= {f"{type} {uid}" for uid in uids if not names.get(uid)}
        for doc in places:
            doc[name] = ",".join(names.get(uid, "") for uid in doc[name].split(","))
    if missing:
        raise Unsupported(
            "Not all metadata has an identifier for the requested idScheme. Either change the requested idScheme or"
            f" add the missing identifiers to the metadata: {', '.join(sorted(missing))}"
        )


def _scheme(given: Mapping[str, str], name: str) -> Scheme | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    kind, _, attribute = text.partition(":")
    if kind.upper() in ("UID", "CODE", "NAME") and not attribute:
        return Scheme(kind.upper())
    if kind.upper() == "ATTRIBUTE" and is_uid(attribute):
        return Scheme("ATTRIBUTE", attribute)
    raise Malformed(
        f"Value '{text}' is not valid for parameter {name}. Valid values are: [UID, CODE, NAME, ATTRIBUTE:attributeUid]"
    )


def _names(session: Session, known: Metadata, type: str, scheme: Scheme, uids: set[str]) -> dict[str, str]:
    if type == _UNITS and scheme.name == "ATTRIBUTE":
        docs = {str(doc["id"]): doc for doc in org_units.documents(session, sorted(uids))}
        return {uid: _custom(doc, scheme.attribute) for uid, doc in docs.items()}
    objects: Mapping[str, Any] = known.org_units if type == _UNITS else known.objects.get(type, {})
    found = {uid: objects[uid] for uid in uids if uid in objects}
    if scheme.name == "ATTRIBUTE":
        return {uid: _custom(one.doc, scheme.attribute) for uid, one in found.items()}
    return {uid: (one.code if scheme.name == "CODE" else one.name) or "" for uid, one in found.items()}


def _custom(doc: Mapping[str, Any], attribute: str) -> str:
    """Return the value of a custom attribute, empty when there is none."""
    for held in doc.get("attributeValues") or ():
        if isinstance(held, dict) and reference(held.get("attribute")) == attribute:
            return str(held.get("value") or "")
    return ""


def _inner(doc: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield doc
    for part in _NESTED:
        for item in doc.get(part) or ():
            yield from _inner(item)
    for side in ("from", "to"):
        for item in (doc.get(side) or {}).values():
            yield from _inner(item)
