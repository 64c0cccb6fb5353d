"""Relationships as RelatedPerson and Group, and immunizations of a binding."""

from typing import Any

import pytest

from hub import bound
from tests.hub.bound.district import CASE, MALARIA, PERSON, District, captured, settle
from tracker_core import history, metadata
from tracker_core.changes import ChangeSet, EntityChange, EventChange, RecordChange, RelationshipChange
from tracker_core.database import Session

KIN, PAIR, HOME = "KinTypeAaaa", "PairTypeAaa", "HomeTypeAaa"
HOUSE = "HouseTypeAa"


def side(type: str) -> dict[str, Any]:
    """What one side of a relationship may be."""
    return {"relationshipEntity": "TRACKED_ENTITY_INSTANCE", "trackedEntityType": {"id": type}}


def kind(uid: str, name: str, source: str, bidirectional: bool = False) -> dict[str, Any]:
    """A relationship type towards persons."""
    ends = {"fromConstraint": side(source), "toConstraint": side(PERSON)}
    return {"id": uid, "name": name, "fromToName": name, "toFromName": name, "bidirectional": bidirectional, **ends}


@pytest.fixture
def district(session: Session) -> District:
    """A district with two persons and a household."""
    made = settle(session)
    types = [kind(KIN, "Mother of", PERSON), kind(PAIR, "Sibling", PERSON, True), kind(HOME, "Member", HOUSE)]
    payload = {
        "trackedEntityTypes": [{"id": HOUSE, "name": "Household", "shortName": "Household"}],
        "relationshipTypes": types,
    }
    assert metadata.import_objects(session, history.open_change_set(session, "tester"), payload).errors == []
    made.capture(
        ChangeSet(
            entities=[
                EntityChange("PersonAaaaa", PERSON, "ClinicAaaaa", {"sB1IHYu2xQT": "Otim"}),
                EntityChange("PersonBbbbb", PERSON, "ClinicAaaaa", {"sB1IHYu2xQT": "Rose", "oindugucx72": "FEMALE"}),
                EntityChange("HouseAaaaaa", HOUSE, "ClinicAaaaa"),
            ]
        )
    )
    return made


def relate(district: District, uid: str, type: str, source: str, target: str, **more: Any) -> None:
    """Write a relationship."""
    sides = ("trackedEntity", source), ("trackedEntity", target)
    district.capture(ChangeSet(relationships=[RelationshipChange(uid, type, *sides, **more)]))
    assert district.report.issues == []


def test_a_relative_is_a_related_person(district: District) -> None:
    """Of the person that the relationship starts from, described as it is; deleted with the relationship."""
    relate(district, "RelatAaaaaa", KIN, "PersonAaaaa", "PersonBbbbb")
    (made,) = district.documents("RelatedPerson")
    by_uid = {one["identifier"][0]["value"]: f"Patient/{one['id']}" for one in district.documents("Patient")}
    assert made["patient"] == {"reference": by_uid["PersonAaaaa"]}
    assert (made["name"], made["gender"]) == ([{"given": ["Rose"]}], "female")
    assert made["relationship"][0]["coding"][0]["display"] == "Mother of"
    assert {one["value"] for one in made["identifier"]} == {"RelatAaaaaa", "PersonBbbbb"}
    relate(district, "RelatAaaaaa", KIN, "PersonAaaaa", "PersonBbbbb", delete=True)
    assert district.documents("RelatedPerson") == []


def test_a_relationship_that_goes_both_ways_is_two(district: District) -> None:
    """Each person has the other."""
    relate(district, "RelatAaaaaa", PAIR, "PersonAaaaa", "PersonBbbbb")
    assert sorted(one["id"] for one in district.documents("RelatedPerson")) == ["RelatAaaaaa", "RelatAaaaaa-inverse"]


def test_a_household_is_a_group(district: District) -> None:
    """Its members are the persons it is related to; without any there is none."""
    relate(district, "RelatAaaaaa", HOME, "HouseAaaaaa", "PersonAaaaa")
    relate(district, "RelatBbbbbb", HOME, "HouseAaaaaa", "PersonBbbbb")
    (made,) = district.documents("Group")
    assert (made["id"], made["name"], made["quantity"]) == ("HouseAaaaaa", "Household", 2)
    relate(district, "RelatAaaaaa", HOME, "HouseAaaaaa", "PersonAaaaa", delete=True)
    assert district.documents("Group")[0]["quantity"] == 1
    relate(district, "RelatBbbbbb", HOME, "HouseAaaaaa", "PersonBbbbb", delete=True)
    assert district.documents("Group") == []


VACCINES = """binding malaria
program MALARIA_CASE
concepts given fhir:event-status
  POSITIVE  completed
  NEGATIVE  not-done
stage MAL_CASE
dataValues.MAL_RDT  <-> Immunization[vaccineCode=cvx|05].status  code:given
new Immunization  patient=@person  encounter=@Encounter  occurrenceDateTime=@occurredAt
"""


def test_a_value_is_an_immunization(district: District) -> None:
    """Given, edited as FHIR, withdrawn."""
    bound.save(district.session, district.context(), VACCINES, "malaria")
    district.capture(captured(CASE, MALARIA, {"ThDeMalRdt0": "POSITIVE"}))
    (made,) = district.documents("Immunization")
    assert (made["status"], made["occurrenceDateTime"]) == ("completed", "2026-03-05")
    assert made["vaccineCode"]["coding"] == [{"system": "http://hl7.org/fhir/sid/cvx", "code": "05"}]
    edited = {**made, "status": "not-done", "lotNumber": "L1"}
    district.receive(RecordChange("Immunization", edited, "put", id=made["id"]), peer="lab")
    assert district.events()[0][3] == {"MAL_RDT": "NEGATIVE"}
    district.capture(ChangeSet(events=[EventChange("EventAaaaaa", data={"ThDeMalRdt0": None})]))
    (gone,) = district.documents("Immunization")
    assert (gone["status"], gone["lotNumber"]) == ("entered-in-error", "L1")
