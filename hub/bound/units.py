"""Which org unit a record means: by identifier, by reference, by name, else by its person."""

from collections.abc import Iterable, Iterator
from typing import Any

from hub.bound.groups import ORG_UNIT_SYSTEM, Group, parse
from tracker_core import records
from tracker_core.database import Session
from tracker_core.metadata import Metadata


def units_of(session: Session, known: Metadata, groups: Iterable[Group]) -> dict[int, str]:
    """Return the org unit (uid) of each group by its key, as far as its Encounter names one.

    Asked in this order: the service provider, then the locations; of each its identifiers, the id it refers to, what
    the record behind the reference has as identifiers, and its name.
    """
    places = {group.key: list(_places(group)) for group in groups}
    wanted = {_target(place) for found in places.values() for place in found} - {("", "")}
    behind = {key: parse(one) for key, one in records.read(session, sorted(wanted)).items() if not one.deleted}
    found: dict[int, str] = {}
    for key, named in places.items():
        keys = (word for place in named for word in _words(place, behind.get(_target(place), {})))
        unit = next((uid for word in keys if (uid := known.uid_of("organisationUnits", word))), None)
        if unit:
            found[key] = unit
    return found


def place_of(known: Metadata, org_unit: str) -> dict[str, Any] | None:
    """Return the reference by which a record made here names its org unit."""
    unit = known.org_units.get(org_unit)
    if unit is None:
        return None
    return {"identifier": {"system": ORG_UNIT_SYSTEM, "value": unit.code or unit.uid}, "display": unit.name}


def _places(group: Group) -> Iterator[dict[str, Any]]:
    for encounter in group.documents.get("Encounter", ()):
        if encounter.get("serviceProvider"):
            yield encounter["serviceProvider"]
        for location in encounter.get("location") or ():
            if location.get("location"):
                yield location["location"]


def _target(place: dict[str, Any]) -> tuple[str, str]:
    parts = str(place.get("reference") or "").split("/")
    return (parts[-2], parts[-1]) if len(parts) >= 2 else ("", "")


def _words(place: dict[str, Any], behind: dict[str, Any]) -> Iterator[str]:
    identifiers = [place.get("identifier") or {}, *(behind.get("identifier") or ())]
    yield from (str(one["value"]) for one in identifiers if one.get("value"))
    yield _target(place)[1]
    yield from (str(name) for name in (place.get("display"), behind.get("name")) if name)
