"""`POST /api/tracker`: payload forms, parameters, reports, jobs, and refusals."""

import json
from typing import Any

import pytest

from adapters.contract import Envelope
from adapters.dhis2 import ADAPTER
from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person
from tracker_core.issues import Report

SYNC = {"async": "false"}


def post(client: Client, payload: Any, status: int = 200, **parameters: str) -> dict[str, Any]:
    """Import and return the answer, whose HTTP status must be `status`."""
    response = client.post("/api/tracker", json=payload, params=SYNC | parameters)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_nested_payload_is_stored_whole(client: Client) -> None:
    """One nested person makes an entity, an enrollment and an event; the report has DHIS2's shape."""
    report = post(client, {"trackedEntities": [person()]})
    assert report["status"] == "OK"
    assert report["validationReport"] == {"errorReports": [], "warningReports": []}
    assert report["stats"] == {"created": 3, "updated": 0, "deleted": 0, "ignored": 0, "total": 3}
    types = report["bundleReport"]["typeReportMap"]
    assert list(types) == ["TRACKED_ENTITY", "ENROLLMENT", "EVENT", "RELATIONSHIP"]
    assert types["EVENT"] == {
        "trackerType": "EVENT",
        "stats": {"created": 1, "updated": 0, "deleted": 0, "ignored": 0, "total": 1},
        "objectReports": [{"trackerType": "EVENT", "uid": "EvPerson001", "index": 0, "errorReports": []}],
    }
    assert types["RELATIONSHIP"]["stats"]["total"] == 0


def test_a_flat_payload_means_the_same(client: Client) -> None:
    """Four lists with references make what the nested form makes; relationships may stand at any level."""
    nested = person()
    [enrolled] = nested.pop("enrollments")
    [visit] = enrolled.pop("events")
    enrolled["trackedEntity"], visit["enrollment"] = nested["trackedEntity"], enrolled["enrollment"]
    other = person("TePerson002", enrollments=[])
    link = {
        "relationshipType": "RtParent000",
        "from": {"trackedEntity": {"trackedEntity": "TePerson001"}},
        "to": {"trackedEntity": "TePerson002"},
    }
    flat = {"trackedEntities": [nested, other], "enrollments": [enrolled], "events": [visit], "relationships": [link]}
    assert post(client, flat)["stats"]["created"] == 5
    found = client.get("/api/tracker/trackedEntities/TePerson001", params={"fields": "*"}).json()
    assert [item["event"] for item in found["enrollments"][0]["events"]] == ["EvPerson001"]
    assert found["relationships"][0]["to"]["trackedEntity"]["trackedEntity"] == "TePerson002"


def test_missing_uids_are_generated_and_reported(client: Client) -> None:
    """A nested payload without any uid hangs together, and the report tells the new uids."""
    payload = person()
    for doc, key in ((payload, "trackedEntity"), (payload["enrollments"][0], "enrollment")):
        del doc[key]
    del payload["enrollments"][0]["events"][0]["event"]
    report = post(client, {"trackedEntities": [payload]})
    made = report["bundleReport"]["typeReportMap"]["TRACKED_ENTITY"]["objectReports"][0]["uid"]
    found = client.get(f"/api/tracker/trackedEntities/{made}", params={"fields": "enrollments[events[event]]"}).json()
    assert len(found["enrollments"][0]["events"]) == 1


def test_an_update_replaces_scalars_and_keeps_collections(client: Client) -> None:
    """A value that is not mentioned stays, `null` deletes, a scalar that is left out is cleared."""
    payload = person()
    payload["enrollments"][0]["events"][0]["scheduledAt"] = "2024-03-01"
    post(client, {"trackedEntities": [payload]})
    changed = {
        "event": "EvPerson001",
        "programStage": "PsVisit0000",
        "enrollment": "EnPerson001",
        "orgUnit": "OuClinicA00",
        "occurredAt": "2024-03-05",
        "dataValues": [{"dataElement": "DeTemp00000", "value": None}, {"dataElement": "DeWeight000", "value": 61.50}],
    }
    assert post(client, {"events": [changed]})["stats"]["updated"] == 1
    found = client.get("/api/tracker/events/EvPerson001").json()
    assert {v["dataElement"]: v["value"] for v in found["dataValues"]} == {"DeResult000": "POS", "DeWeight000": "61.5"}
    assert found["occurredAt"] == "2024-03-05T00:00:00.000"
    assert "scheduledAt" not in found


def test_numbers_keep_their_digits(client: Client) -> None:
    """A JSON number is stored as it was written."""
    payload = person()
    payload["enrollments"][0]["events"][0]["dataValues"] = [{"dataElement": "DeTemp00000", "value": "VALUE"}]
    body = json.dumps({"trackedEntities": [payload]}).replace('"VALUE"', "38.50")
    client.post("/api/tracker", content=body, params=SYNC, headers={"content-type": "application/json"})
    found = client.get("/api/tracker/events/EvPerson001").json()
    assert [value["value"] for value in found["dataValues"]] == ["38.50"]


def test_errors_name_code_object_and_arguments(client: Client) -> None:
    """A wrong payload answers 409 with the same body; with ALL nothing is stored and nothing reported per type."""
    payload = person(orgUnit="Nowhere0001")
    report = post(client, {"trackedEntities": [payload]}, 409)
    assert report["status"] == "ERROR"
    assert report["validationReport"]["errorReports"][0] == {
        "message": "Could not find OrganisationUnit: `Nowhere0001` linked to TrackedEntity.",
        "errorCode": "E1049",
        "trackerType": "TRACKED_ENTITY",
        "uid": "TePerson001",
        "args": ["Nowhere0001"],
    }
    assert report["stats"] == {"created": 0, "updated": 0, "deleted": 0, "ignored": 3, "total": 3}
    assert report["bundleReport"] == {"typeReportMap": {}}
    assert client.get("/api/tracker/trackedEntities/TePerson001").status_code == 404


def test_object_mode_stores_what_is_right(client: Client) -> None:
    """With OBJECT the status stays ERROR and the stats show what was stored: the call itself has not failed."""
    bad = person("TePerson002", orgUnit="Nowhere0001")
    report = post(client, {"trackedEntities": [person(), bad]}, 200, atomicMode="OBJECT")
    assert report["status"] == "ERROR"
    assert report["stats"] == {"created": 3, "updated": 0, "deleted": 0, "ignored": 3, "total": 6}
    entities = report["bundleReport"]["typeReportMap"]["TRACKED_ENTITY"]
    assert [item["uid"] for item in entities["objectReports"]] == ["TePerson001"]


def test_validate_stores_nothing(client: Client) -> None:
    """`importMode=VALIDATE` reports as an import would and leaves no trace."""
    report = post(client, {"trackedEntities": [person()]}, importMode="VALIDATE", reportMode="FULL")
    assert (report["status"], report["stats"]["ignored"]) == ("OK", 3)
    assert list(report["timingsStats"]["timers"]) == ["preheat", "validation", "commit", "totalImport"]
    assert client.get("/api/tracker/trackedEntities/TePerson001").status_code == 404


def test_strategies(client: Client) -> None:
    """UPDATE needs what exists, CREATE what does not, DELETE only uids."""
    payload = {"trackedEntities": [person()]}
    codes = [
        e["errorCode"] for e in post(client, payload, 409, importStrategy="UPDATE")["validationReport"]["errorReports"]
    ]
    assert codes[0] == "E1063"
    post(client, payload, importStrategy="CREATE", reportMode="WARNINGS")
    codes = [
        e["errorCode"] for e in post(client, payload, 409, importStrategy="create")["validationReport"]["errorReports"]
    ]
    assert codes[:3] == ["E1002", "E1080", "E1030"]
    gone = post(client, {"trackedEntities": [{"trackedEntity": "TePerson001"}]}, importStrategy="DELETE")
    assert gone["stats"]["deleted"] == 1
    assert client.get("/api/tracker/events/EvPerson001").status_code == 404


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ([], "JSON object"),
        ({"trackedEntities": {}}, "must be a list"),
        ({"events": ["x"]}, "list of objects"),
        ({"trackedEntities": [{"trackedEntity": "short"}]}, "must be a UID"),
        ({"trackedEntities": [{"trackedEntity": 7}]}, "must be a UID"),
        ({"events": [{"occurredAt": "yesterday"}]}, "ISO 8601"),
        ({"events": [{"dataValues": [{"dataElement": "DeTemp00000", "value": {}}]}]}, "text, a number or a boolean"),
        ({"events": [{"assignedUser": "nurse"}]}, "assignedUser"),
        ({"relationships": [{"from": "x"}]}, "side of a relationship"),
        ({"events": [{"status": "a\u0000b"}]}, "U+0000"),
    ],
)
def test_misshapen_payloads_are_400(client: Client, payload: Any, words: str) -> None:
    """What is not of a payload's shape is refused in DHIS2's envelope, saying what and where."""
    answer = post(client, payload, 400)
    assert answer["httpStatus"] == "Bad Request"
    assert words in answer["message"]


def test_bytes_that_are_not_json_are_400(client: Client) -> None:
    """A body that is no JSON is refused; another content type is not offered."""
    headers = {"content-type": "application/json"}
    assert client.post("/api/tracker", content=b"{not json", params=SYNC, headers=headers).status_code == 400
    assert client.post("/api/tracker", content=b"\xff\xfe", params=SYNC, headers=headers).status_code == 400
    xml = client.post("/api/tracker", content=b"<a/>", params=SYNC, headers={"content-type": "application/xml"})
    assert xml.status_code == 415
    assert xml.json()["status"] == "ERROR"


@pytest.mark.parametrize(
    ("name", "value"),
    [("importStrategy", "UPSERT"), ("atomicMode", "x"), ("async", "maybe"), ("orgUnitIdScheme", "COLOUR")],
)
def test_wrong_parameters_are_400(client: Client, name: str, value: str) -> None:
    """A value that is none of a parameter's choices is refused before anything is stored."""
    answer = client.post("/api/tracker", json={}, params=SYNC | {name: value})
    assert answer.status_code == 400
    assert name in answer.json()["message"]


def test_a_side_that_names_several_objects_is_e4001(client: Client) -> None:
    """A relationship item must name exactly one object."""
    link = {
        "relationshipType": "RtParent000",
        "from": {"trackedEntity": {"trackedEntity": "TePerson001"}, "event": {"event": "EvPerson001"}},
        "to": {"enrollment": {}},
    }
    report = post(client, {"relationships": [link]}, 409)
    assert {error["errorCode"] for error in report["validationReport"]["errorReports"]} == {"E4001"}


def test_assigned_users_and_notes(client: Client) -> None:
    """A stage that allows no assignment warns of one; notes come back with author and time, and are written once."""
    payload = person()
    visit = payload["enrollments"][0]["events"][0]
    visit["notes"], payload["enrollments"][0]["notes"] = (
        [{"value": "seen"}],
        [{"value": "moved", "note": "NoNote00001"}],
    )
    post(client, {"trackedEntities": [payload]})
    found = client.get("/api/tracker/enrollments/EnPerson001", params={"fields": "notes,events[notes]"}).json()
    assert found["notes"][0]["note"] == "NoNote00001"
    assert found["events"][0]["notes"][0]["storedBy"] == "tester"
    visit["assignedUser"] = {"username": "tester"}
    report = post(client, {"trackedEntities": [payload]}, reportMode="WARNINGS")
    assert report["status"] == "WARNING"
    codes = [warning["errorCode"] for warning in report["validationReport"]["warningReports"]]
    assert codes == ["E1119", "E1120"]


def test_geometries_and_client_times_come_back(client: Client) -> None:
    """A geometry keeps its shape and numbers; client clocks are kept; null attributes clear."""
    place = {"id": "TtPlace0000", "name": "Place", "featureType": "POINT"}
    assert client.post("/api/metadata", json={"trackedEntityTypes": [place]}).status_code == 200
    payload = {
        "trackedEntity": "TePlace0001",
        "trackedEntityType": "TtPlace0000",
        "orgUnit": "OuClinicA00",
        "geometry": {"type": "Point", "coordinates": [36.817223, -1.286389]},
        "createdAtClient": "2024-01-01T10:00:00.000",
        "attributes": [{"attribute": "TeVillage00", "value": True}],
    }
    post(client, {"trackedEntities": [payload]})
    found = client.get("/api/tracker/trackedEntities/TePlace0001").json()
    assert found["geometry"] == payload["geometry"]
    assert found["createdAtClient"] == "2024-01-01T10:00:00.000"
    payload["attributes"] = [{"attribute": "TeVillage00", "value": None}]
    del payload["geometry"]
    post(client, {"trackedEntities": [payload]})
    assert "geometry" not in client.get("/api/tracker/trackedEntities/TePlace0001").json()


def test_every_arrival_is_its_own_message() -> None:
    """DHIS2 clients send no control id: equal bytes twice are two imports."""
    identity = ADAPTER.identify(b"{}", Envelope())
    assert (identity.type, identity.dedup) == ("tracker", "")


def test_a_bug_is_answered_without_its_details() -> None:
    """An exception that is none of the six says nothing of its text to the caller; a refusal has DHIS2's envelope."""
    answer = json.loads(ADAPTER.answer(b"", Envelope(), Report(rejected=True), ValueError("secret")))
    assert (answer["httpStatusCode"], "secret" in answer["message"]) == (500, False)
    assert ADAPTER.face is not None
    body, content_type = ADAPTER.face.refuse(413, "too large")
    assert (json.loads(body)["httpStatusCode"], content_type) == (413, "application/json")
