"""Org units as pairs of Organization and Location under one id, the uid (IHE mCSD: facilities and jurisdictions)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mappings.catalogue.naming import (
    FACILITY,
    JURISDICTION,
    ORG_UNIT,
    ORG_UNIT_GROUP,
    PHYSICAL_TYPE,
)
from tracker_core.metadata import Object

_AREA = {"coding": [{"system": PHYSICAL_TYPE, "code": "jdn", "display": "Jurisdiction"}]}
_SITE = {"coding": [{"system": PHYSICAL_TYPE, "code": "si", "display": "Site"}]}


def places(units: Iterable[Mapping[str, Any]], groups: Iterable[Object], today: str) -> Iterator[dict[str, Any]]:
    """Yield an Organization and a Location for each org unit (its DHIS2 document, with `parent`, `path` and `leaf`).

    Both have the uid as id and refer to their parents by it. A unit with units below is a jurisdiction, another one a
    facility; the groups that list a unit are further types. One that is closed by `today` is inactive.
    """
    kinds = _kinds(groups)
    for unit in units:
        types = [_type(unit), *kinds.get(str(unit["id"]), ())]
        active = not str(unit.get("closedDate") or "9999")[:10] <= today
        yield _organization(unit, types, active=active)
        yield _location(unit, types, active=active)


def _kinds(groups: Iterable[Object]) -> dict[str, list[dict[str, Any]]]:
    """Return the concept of every group by the uids of the units in it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        coding = {"system": ORG_UNIT_GROUP, "code": group.code or group.uid, "display": group.name}
        for unit in group.doc.get("organisationUnits") or ():
            found.setdefault(str(unit.get("id")), []).append({"coding": [coding]})
    return found


def _type(unit: Mapping[str, Any]) -> dict[str, Any]:
    return {"coding": [FACILITY if unit["leaf"] else JURISDICTION]}


def _identifiers(unit: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    values = dict.fromkeys((str(unit.get("code") or unit["id"]), str(unit["id"])))
    return [{"system": ORG_UNIT, "value": value} for value in values]


def _organization(unit: Mapping[str, Any], types: Sequence[Any], *, active: bool) -> dict[str, Any]:
    parent = (unit.get("parent") or {}).get("id")
    made: dict[str, Any] = {
        "resourceType": "Organization",
        "id": unit["id"],
        "identifier": _identifiers(unit),
        "active": active,
        "type": types,
        "name": unit["name"],
    }
    if unit.get("shortName") and unit["shortName"] != unit["name"]:
        made["alias"] = [unit["shortName"]]
    made |= _contact(unit, listed=True)
    if parent:
        made["partOf"] = {"reference": f"Organization/{parent}"}
    return made


def _location(unit: Mapping[str, Any], types: Sequence[Any], *, active: bool) -> dict[str, Any]:
    parent = (unit.get("parent") or {}).get("id")
    made: dict[str, Any] = {
        "resourceType": "Location",
        "id": unit["id"],
        "identifier": _identifiers(unit),
        "status": "active" if active else "inactive",
        "name": unit["name"],
        "mode": "instance",
        "type": types,
        **_contact(unit, listed=False),
        "physicalType": _SITE if unit["leaf"] else _AREA,
        **_position(unit),
        "managingOrganization": {"reference": f"Organization/{unit['id']}"},
    }
    if unit.get("description"):
        made["description"] = unit["description"]
    if parent:
        made["partOf"] = {"reference": f"Location/{parent}"}
    return made


def _contact(unit: Mapping[str, Any], *, listed: bool) -> dict[str, Any]:
    """Return telecom and address; an Organization has a list of addresses, a Location one."""
    ways = (("phone", "phoneNumber"), ("email", "email"), ("url", "url"))
    telecom = [{"system": way, "value": str(unit[name])} for way, name in ways if unit.get(name)]
    found: dict[str, Any] = {"telecom": telecom} if telecom else {}
    if unit.get("address"):
        address = {"text": str(unit["address"])}
        found["address"] = [address] if listed else address
    return found


def _position(unit: Mapping[str, Any]) -> dict[str, Any]:
    geometry = unit.get("geometry")
    at = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if not isinstance(at, list) or len(at) < 2 or not all(isinstance(each, int | float) for each in at[:2]):
        return {}
    return {"position": {"longitude": at[0], "latitude": at[1]}}
