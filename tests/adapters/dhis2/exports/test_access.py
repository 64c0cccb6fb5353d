"""What several users see of the same persons: single objects, nested parts, relationships, searches far away."""

from typing import Any

import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.exports import people as p
from tests.adapters.dhis2.exports.conftest import client_as
from tracker_core import settings, users

TRACKER = "/api/tracker"
ADA, BEN, CLEO = "TeWard00001", "TeWard00002", "TeWard00003"


def case(number: int, unit: str, program: str = p.MALARIA) -> dict[str, Any]:
    """A person with one enrollment and one visit at a unit."""
    uid = f"Ward{number:05d}"
    day = "2024-03-01"
    values = [{"dataElement": p.RESULT, "value": "POS"}]
    visit = {"event": f"Ev{uid}", "programStage": p.VISIT, "orgUnit": unit, "occurredAt": day, "dataValues": values}
    enrolled = {
        "enrollment": f"En{uid}",
        "program": program,
        "orgUnit": unit,
        "enrolledAt": day,
        "occurredAt": day,
        "events": [visit] if program == p.MALARIA else [],
    }
    return {
        "trackedEntity": f"Te{uid}",
        "trackedEntityType": p.PERSON,
        "orgUnit": unit,
        "attributes": [{"attribute": p.GIVEN, "value": f"Person {number}"}],
        "enrollments": [enrolled],
    }


def link(uid: str, source: str, target: str) -> dict[str, Any]:
    """A parent and a child."""
    sides = {"from": {"trackedEntity": {"trackedEntity": source}}, "to": {"trackedEntity": {"trackedEntity": target}}}
    return {"relationship": uid, "relationshipType": "RtParent000", **sides}


@pytest.fixture
def district(way: HubAccess, client: Client) -> Client:
    """Ada at Alder, Ben at Birch, Cleo at Cedar, all with malaria; Ada is Ben's and Cleo's parent."""
    p.prepare(client)
    persons = [case(number, unit) for number, unit in enumerate(p.CLINICS, 1)]
    links = [link("ReWard00001", ADA, BEN), link("ReWard00002", ADA, CLEO)]
    answer = client.post(TRACKER, json={"trackedEntities": persons, "relationships": links}, params={"async": "false"})
    assert answer.status_code == 200, answer.text
    return client


def user(
    way: HubAccess, name: str, capture: list[str], search: list[str], authorities: list[str] | None = None
) -> Client:
    """A new account with these org units, as a client."""
    doc = {
        "organisationUnits": [{"id": uid} for uid in capture],
        "teiSearchOrganisationUnits": [{"id": uid} for uid in search],
    }
    with way.session() as session:
        users.create(session, name, "secret-Word-1", authorities or [], doc=doc)
    return client_as(way, name)


def refused(client: Client, path: str, **parameters: str) -> tuple[int, str]:
    """Status and message of an answer that must be an error."""
    response = client.get(f"{TRACKER}/{path}", params=parameters)
    assert response.json()["status"] == "ERROR"
    return response.status_code, response.json()["message"]


def uids(client: Client, path: str, id_: str, **parameters: str) -> set[str]:
    """The uids of a list."""
    response = client.get(f"{TRACKER}/{path}", params={**parameters, "paging": "false"})
    assert response.status_code == 200, response.text
    return {item[id_] for item in response.json()[path]}


def test_a_closed_or_protected_program_refuses_with_its_reason(way: HubAccess, district: Client) -> None:
    """403 with DHIS2's words for what lies outside of the capture units; one's own opens."""
    nurse = user(way, "wardnurse", ["OuClinicA00"], ["OuNorth0000"])
    for level, reason in (("PROTECTED", "OWNERSHIP_ACCESS_DENIED"), ("CLOSED", "PROGRAM_ACCESS_CLOSED")):
        p.change(district, "programs", p.MALARIA, accessLevel=level)
        assert refused(nurse, f"trackedEntities/{BEN}", program=p.MALARIA) == (403, reason)
        assert refused(nurse, f"trackedEntities/{BEN}") == (403, reason)
        assert refused(nurse, "enrollments/EnWard00002") == (403, reason)
        assert refused(nurse, "events/EvWard00002") == (403, reason)
        assert refused(nurse, "events/EvWard00002/changeLogs") == (403, reason)
        assert nurse.get(f"{TRACKER}/trackedEntities/{ADA}", params={"program": p.MALARIA}).status_code == 200
    p.change(district, "programs", p.MALARIA, accessLevel="OPEN")
    assert nurse.get(f"{TRACKER}/events/EvWard00002").status_code == 200
    assert refused(nurse, "events/EvWard00003")[0] == 403


def test_breaking_the_glass_opens_one_person(way: HubAccess, district: Client) -> None:
    """After an override with a reason the person, the enrollment and the event are there, in lists too."""
    p.change(district, "programs", p.MALARIA, accessLevel="PROTECTED")
    nurse = user(way, "wardnurse", ["OuClinicA00"], ["OuNorth0000"])
    given = {"trackedEntity": BEN, "program": p.MALARIA, "reason": "emergency"}
    assert nurse.post(f"{TRACKER}/ownership/override", params=given).status_code == 200
    assert nurse.get(f"{TRACKER}/trackedEntities/{BEN}", params={"program": p.MALARIA}).status_code == 200
    assert uids(nurse, "events", "event", program=p.MALARIA) == {"EvWard00001", "EvWard00002"}


def test_reads_of_an_audited_program_are_logged(way: HubAccess, district: Client) -> None:
    """Only what lies outside of the capture units is worth a line."""
    p.change(district, "programs", p.MALARIA, accessLevel="AUDITED")
    nurse = user(way, "wardnurse", ["OuClinicA00"], ["OuNorth0000"])
    for uid in (ADA, BEN):
        assert nurse.get(f"{TRACKER}/trackedEntities/{uid}", params={"program": p.MALARIA}).status_code == 200
    with way.session() as session:
        rows = session.execute(
            "select t.uid, a.username from program_access a join tracked_entity t on t.pk = a.entity"
        ).fetchall()
    assert rows == [(BEN, "wardnurse")]


def test_nested_parts_hold_what_the_user_may_see(way: HubAccess, district: Client) -> None:
    """A stage that isn't shared keeps its events back, a far person the relationship, a program its owner."""
    nurse = user(way, "wardnurse", ["OuNorth0000"], [])
    fields = {"fields": "enrollments[enrollment,events[event]],relationships[relationship],programOwners[program]"}
    path = f"{TRACKER}/trackedEntities/{ADA}"
    found = nurse.get(path, params=fields).json()
    assert found["enrollments"] == [{"enrollment": "EnWard00001", "events": [{"event": "EvWard00001"}]}]
    assert found["relationships"] == [{"relationship": "ReWard00001"}]
    assert found["programOwners"] == [{"program": p.MALARIA}]
    p.change(district, "programStages", p.VISIT, sharing={"public": "rw------"})
    assert nurse.get(path, params=fields).json()["enrollments"] == [{"enrollment": "EnWard00001", "events": []}]
    p.change(district, "programs", p.MALARIA, sharing={"public": "rw------"})
    found = nurse.get(path, params=fields).json()
    assert (found["enrollments"], found["programOwners"]) == ([], [])


def test_what_is_not_shared_is_refused_by_name(way: HubAccess, district: Client) -> None:
    """403 that says which program, stage or type."""
    nurse = user(way, "wardnurse", ["OuCountry00"], [])
    p.change(district, "programStages", p.VISIT, sharing={"public": "rw------"})
    assert refused(nurse, "events", programStage=p.VISIT) == (403, f"User has no access to program stage: {p.VISIT}")
    assert refused(nurse, "events/EvWard00001")[0] == 403
    assert uids(nurse, "events", "event", program=p.MALARIA) == set()
    p.change(district, "programs", p.MALARIA, sharing={"public": "rw------"})
    assert refused(nurse, "events", program=p.MALARIA) == (403, f"User has no access to program: {p.MALARIA}")
    assert refused(nurse, "enrollments", program=p.MALARIA)[0] == 403
    assert refused(nurse, f"trackedEntities/{ADA}", program=p.MALARIA)[0] == 403
    assert refused(nurse, f"trackedEntities/{ADA}/changeLogs", program=p.MALARIA)[0] == 403
    p.change(district, "programStages", p.VISIT, sharing={"public": "rwrw----"})
    assert uids(nurse, "events", "event", programStage=p.VISIT) == set()
    p.change(district, "trackedEntityTypes", p.PERSON, sharing={"public": "rw------"})
    for parameters in ({"trackedEntityType": p.PERSON}, {"program": p.BIRTH}):
        assert refused(nurse, "trackedEntities", **parameters)[0] == 403
    assert refused(nurse, "enrollments", trackedEntity=ADA)[0] == 403
    assert refused(nurse, f"trackedEntities/{ADA}")[0] == 403


def test_a_user_without_org_units_is_told_so(way: HubAccess, district: Client) -> None:
    """400, as DHIS2 answers."""
    nobody = user(way, "nobody", [], [])
    status, message = refused(nobody, "trackedEntities", trackedEntityType=p.PERSON)
    assert (status, "needs to be assigned" in message) == (400, True)
    seeker = user(way, "seeker", [], ["OuNorth0000"])
    assert refused(seeker, "events", program=p.MALARIA, orgUnitMode="CAPTURE")[0] == 400


def test_all_org_units_need_an_authority(way: HubAccess, district: Client) -> None:
    """With it the search units end nowhere; without it the mode is refused."""
    nurse = user(way, "wardnurse", ["OuClinicA00"], ["OuNorth0000"])
    asked = {"trackedEntityType": p.PERSON, "orgUnitMode": "ALL"}
    assert refused(nurse, "trackedEntities", **asked)[0] == 400
    finder = user(way, "finder", ["OuClinicA00"], [], ["F_TRACKED_ENTITY_INSTANCE_SEARCH_IN_ALL_ORGUNITS"])
    assert uids(finder, "trackedEntities", "trackedEntity", **asked) == {ADA, BEN, CLEO}
    assert uids(finder, "trackedEntities", "trackedEntity", trackedEntityType=p.PERSON) == {ADA}


def test_a_search_beyond_the_capture_units_has_limits(way: HubAccess, district: Client) -> None:
    """Attributes must be searchable, enough of them, and not too much may be found; local searches are free."""
    nurse = user(way, "wardnurse", ["OuClinicA00"], ["OuCountry00"])
    p.change(district, "programs", p.MALARIA, minAttributesRequiredToSearch=1, maxTeiCountToReturn=2)
    asked = {"program": p.MALARIA}
    assert refused(nurse, "trackedEntities", **asked) == (
        409,
        "At least 1 attributes should be mentioned in the search criteria.",
    )
    far = refused(nurse, "trackedEntities", **asked, filter=f"{p.GIVEN}:like:person")
    assert far == (409, "maxteicountreached")
    found = uids(nurse, "trackedEntities", "trackedEntity", **asked, filter=f"{p.GIVEN}:like:person 3")
    assert found == {CLEO}
    assert uids(nurse, "trackedEntities", "trackedEntity", **asked, orgUnitMode="CAPTURE") == {ADA}
    assert uids(nurse, "trackedEntities", "trackedEntity", **asked, trackedEntities=f"{ADA},{BEN}") == {ADA, BEN}
    status, message = refused(nurse, "trackedEntities", trackedEntityType=p.PERSON, filter=f"{p.AGE}:eq:5")
    assert (status, p.AGE in message) == (409, True)


def test_too_short_a_word_is_refused(district: Client) -> None:
    """`minCharactersToSearch` of the attribute, even for who may everything."""
    p.change(district, "trackedEntityAttributes", p.GIVEN, minCharactersToSearch=3)
    asked = {"trackedEntityType": p.PERSON}
    status, message = refused(district, "trackedEntities", **asked, filter=f"{p.GIVEN}:like:pe")
    assert (status, "3 character(s)" in message) == (409, True)
    assert uids(district, "trackedEntities", "trackedEntity", **asked, filter=f"{p.GIVEN}:sw:per") == {ADA, BEN, CLEO}


def test_a_page_may_not_exceed_the_systems_limit(way: HubAccess, district: Client) -> None:
    """`KeyTrackedEntityMaxLimit` refuses larger pages and ends unpaged lists; 0 lifts it."""
    asked = {"trackedEntityType": p.PERSON}
    with way.session() as session:
        settings.set_system(session, {"KeyTrackedEntityMaxLimit": 2}, "tester")
    status, message = refused(district, "trackedEntities", **asked, pageSize="3")
    assert (status, "KeyTrackedEntityMaxLimit 2" in message) == (400, True)
    assert len(uids(district, "trackedEntities", "trackedEntity", **asked)) == 2
    with way.session() as session:
        settings.set_system(session, {"KeyTrackedEntityMaxLimit": 0}, "tester")
    assert len(uids(district, "trackedEntities", "trackedEntity", **asked)) == 3


def test_relationships_show_when_both_sides_do(way: HubAccess, district: Client) -> None:
    """Lists and single ones; from either side."""
    nurse = user(way, "wardnurse", ["OuNorth0000"], [])
    assert uids(district, "relationships", "relationship", trackedEntity=ADA) == {"ReWard00001", "ReWard00002"}
    assert uids(nurse, "relationships", "relationship", trackedEntity=ADA) == {"ReWard00001"}
    assert uids(nurse, "relationships", "relationship", trackedEntity=BEN) == {"ReWard00001"}
    assert nurse.get(f"{TRACKER}/relationships/ReWard00001").status_code == 200
    assert refused(nurse, "relationships/ReWard00002")[0] == 403
    assert refused(nurse, "relationships", trackedEntity=CLEO)[0] == 404
