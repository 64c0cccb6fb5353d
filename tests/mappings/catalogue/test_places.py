"""Org units as Organization and Location, users as Practitioner and PractitionerRole."""

from typing import Any

from mappings.catalogue import people, places
from tracker_core.metadata import Object

TODAY = "2026-03-01"


def unit(**more: Any) -> dict[str, Any]:
    """A clinic's document as the metadata give it."""
    return {"id": "ClinicAaaaa", "name": "Clinic A", "leaf": True, "parent": {"id": "DistrictAaa"}, **more}


def group(**doc: Any) -> Object:
    """A group of org units."""
    return Object(1, "organisationUnitGroups", "GroupAaaaaa", "HOSP", "Hospitals", doc)


def test_a_unit_is_two_resources_below_its_parent() -> None:
    """Both have the uid as id, refer to their parents, and to each other."""
    organization, location = places([unit(code="CLINIC-A")], [], TODAY)
    assert (organization["id"], location["id"]) == ("ClinicAaaaa", "ClinicAaaaa")
    assert organization["partOf"] == {"reference": "Organization/DistrictAaa"}
    assert location["partOf"] == {"reference": "Location/DistrictAaa"}
    assert location["managingOrganization"] == {"reference": "Organization/ClinicAaaaa"}
    values = [one["value"] for one in organization["identifier"]]
    assert values == ["CLINIC-A", "ClinicAaaaa"]


def test_areas_and_facilities_are_told_apart() -> None:
    """What has units below it is a jurisdiction; groups are further types."""
    listed = group(organisationUnits=[{"id": "ClinicAaaaa"}])
    _, clinic = places([unit()], [listed], TODAY)
    _, area = places([unit(leaf=False, parent=None)], [], TODAY)
    assert [kind["coding"][0]["code"].rpartition(":")[2] for kind in clinic["type"]] == ["facility", "HOSP"]
    assert area["type"][0]["coding"][0]["display"] == "Jurisdiction"
    assert area["physicalType"]["coding"][0]["code"] == "jdn"
    assert "partOf" not in area


def test_what_is_known_of_a_place_is_shown() -> None:
    """Position, contact, address and description, each where R4 has it; other geometries have no position."""
    known = unit(
        geometry={"type": "Point", "coordinates": [36.8, -1.29]},
        phoneNumber="+254 20 1",
        email="a@clinic.example",
        address="Hill Road 1",
        description="Behind the market",
        shortName="A",
    )
    organization, location = places([known], [], TODAY)
    assert location["position"] == {"longitude": 36.8, "latitude": -1.29}
    assert location["address"] == organization["address"][0] == {"text": "Hill Road 1"}
    assert [one["system"] for one in location["telecom"]] == ["phone", "email"]
    assert (organization["alias"], location["description"]) == (["A"], "Behind the market")
    shape = unit(geometry={"type": "Polygon", "coordinates": [[[1, 1]]]})
    assert all("position" not in one for one in places([shape], [], TODAY))


def test_a_closed_unit_is_inactive_from_its_day() -> None:
    """Not before."""
    closed = unit(closedDate="2026-03-01T00:00:00.000")
    organization, location = places([closed], [], TODAY)
    assert (organization["active"], location["status"]) == (False, "inactive")
    assert next(places([closed], [], "2026-02-28"))["active"]


def test_a_user_has_a_role_at_each_unit() -> None:
    """A Practitioner without ways to reach the person, and a PractitionerRole per org unit with the user's roles."""
    role = Object(1, "userRoles", "RoleAaaaaaa", None, "Nurse", {})
    user = {
        "id": "UserAaaaaaa",
        "username": "rose",
        "name": "Rose Auma",
        "firstName": "Rose",
        "surname": "Auma",
        "email": "rose@example.org",
        "disabled": True,
        "organisationUnits": [{"id": "ClinicAaaaa"}, {"id": "ClinicBbbbb"}],
        "userRoles": [{"id": "RoleAaaaaaa"}, {"id": "gone"}],
    }
    person, first, second = people([user], {"RoleAaaaaaa": role})
    assert person["name"] == [{"text": "Rose Auma", "family": "Auma", "given": ["Rose"]}]
    assert person["active"] is first["active"] is False
    assert "telecom" not in person
    assert (first["id"], second["location"]) == ("UserAaaaaaa-ClinicAaaaa", [{"reference": "Location/ClinicBbbbb"}])
    assert [one["coding"][0]["display"] for one in first["code"]] == ["Nurse"]
    bare = next(people([{"id": "UserBbbbbbb", "username": "kit", "name": "kit"}], {}))
    assert bare["name"] == [{"text": "kit"}]
