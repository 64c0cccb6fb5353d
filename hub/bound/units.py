"""Which org unit the records of an encounter mean, and how a record made here names its own."""

from collections.abc import Iterable
from typing import Any

from hub.bound.groups import ORG_UNIT_SYSTEM, Group
from tracker_core.aggregates.extraction import visit
from tracker_core.aggregates.places import Place, find_org_units
from tracker_core.database import Session
from tracker_core.metadata import Metadata


def units_of(session: Session, known: Metadata, groups: Iterable[Group]) -> dict[int, str]:
    """Return the org unit (uid) of each group by its key, as far as its encounter or its sender tells.

    By the same rule as case reports, so that a case is counted where it was enrolled (`find_org_units`).
    """
    places = {str(group.key): _place(group) for group in groups}
    uids = {unit.pk: unit.uid for unit in known.org_units.values()}
    return {int(key): uids[pk] for key, pk in find_org_units(session, places).items() if pk in uids}


def _place(group: Group) -> Place:
    sources = [record.source for record in group.stored.values() if record.source is not None]
    keys = [key for encounter in group.documents.get("Encounter", ()) for key in visit(encounter).places]
    return Place(tuple(keys), sources[0] if sources else None)


def place_of(known: Metadata, org_unit: str) -> dict[str, Any] | None:
    """Return the reference by which a record made here names its org unit."""
    unit = known.org_units.get(org_unit)
    if unit is None:
        return None
    return {"identifier": {"system": ORG_UNIT_SYSTEM, "value": unit.code or unit.uid}, "display": unit.name}


def author_unit(document: dict[str, Any]) -> str:
    """Return the org unit (uid) for which the author of a record acts: an Organization, or a role of a user there."""
    type, _, id = str((document.get("author") or {}).get("reference") or "").rpartition("/")
    if type.endswith("PractitionerRole"):
        return id.partition("-")[2]
    return id if type.endswith("Organization") else ""
