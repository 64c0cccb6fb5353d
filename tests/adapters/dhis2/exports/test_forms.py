"""CSV, archives, id schemes: read back with the standard library and compared with the JSON of the same list."""

import csv
import gzip
import io
import json
import zipfile
from typing import Any

import httpx

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.exports import people as p
from tests.adapters.dhis2.exports.conftest import Ward

EVENTS, ENTITIES = "/api/tracker/events", "/api/tracker/trackedEntities"
VISITS = {"program": p.MALARIA, "pageSize": "7", "fields": "*"}


def rows(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV with a header."""
    return list(csv.DictReader(io.StringIO(body.decode())))


def unzipped(body: bytes, name: str) -> bytes:
    """The one file of an archive, which must have this name."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == [name]
        return archive.read(name)


def test_events_as_csv_have_a_row_per_value(ward: Ward) -> None:
    """Every value of the JSON stands in one row, its event's columns repeated; times are in UTC with `Z`."""
    listed = ward.root.get(EVENTS, params=VISITS).json()["events"]
    response = ward.root.get(f"{EVENTS}.csv", params=VISITS)
    assert response.headers["content-type"] == "application/csv; charset=UTF-8"
    assert response.headers["content-disposition"] == "attachment; filename=events.csv"
    found = rows(response.content)
    expected = [(e["event"], v["dataElement"], v["value"]) for e in listed for v in e["dataValues"] or [{}] if v]
    assert [(r["event"], r["dataElement"], r["value"]) for r in found if r["dataElement"]] == expected
    assert {r["event"] for r in found} == {e["event"] for e in listed}
    by_uid = {e["event"]: e for e in listed}
    for row in found:
        event = by_uid[row["event"]]
        assert (row["status"], row["orgUnit"], row["followUp"]) == (
            event["status"],
            event["orgUnit"],
            str(event["followUp"]).lower(),
        )
        assert row["createdAt"] == event["createdAt"] + "Z"
        assert row["assignedUser"] == event.get("assignedUser", {}).get("username", "")


def test_entities_as_csv_have_a_row_per_attribute(ward: Ward) -> None:
    """A point becomes well-known text with its coordinates in columns of their own."""
    p.change(ward.root, "trackedEntityTypes", p.PERSON, featureType="POINT")
    place = {"type": "Point", "coordinates": [30.5, -1.25]}
    moved = {"trackedEntity": "TePerson001", "trackedEntityType": p.PERSON, "orgUnit": p.CLINICS[0], "geometry": place}
    answer = ward.root.post("/api/tracker", json={"trackedEntities": [moved]}, params={"async": "false"})
    assert answer.status_code == 200, answer.text
    asked = {"trackedEntityType": p.PERSON, "order": "trackedEntity", "pageSize": "3"}
    listed = ward.root.get(ENTITIES, params=asked).json()["trackedEntities"]
    found = rows(ward.root.get(ENTITIES, params=asked, headers={"Accept": "text/csv"}).content)
    expected = [(e["trackedEntity"], a["attribute"], a["value"]) for e in listed for a in e["attributes"]]
    assert [(r["trackedEntity"], r["attribute"], r["value"]) for r in found] == expected
    [pointed] = [r for r in found if r["trackedEntity"] == "TePerson001"]
    assert (pointed["geometry"], pointed["longitude"], pointed["latitude"]) == ("POINT (30.5 -1.25)", "30.5", "-1.25")
    assert (pointed["createdBy"], pointed["valueType"]) == ("tester", "TEXT")


def test_a_header_may_be_left_out_and_a_file_renamed(ward: Ward) -> None:
    """`skipHeader` and `attachment`."""
    asked = {**VISITS, "skipHeader": "true", "attachment": 'mine".csv'}
    response = ward.root.get(f"{EVENTS}.csv", params=asked)
    assert not response.text.startswith("event,")
    assert response.headers["content-disposition"] == "attachment; filename=mine_.csv"


FORMS: list[tuple[str, str, str]] = [
    ("json.gz", "application/json+gzip", "events.json.gz"),
    ("json.zip", "application/json+zip", "events.json.zip"),
    ("csv.gz", "application/csv+gzip", "events.csv.gz"),
    ("csv.zip", "application/csv+zip", "events.csv.zip"),
]


def test_archives_hold_what_the_plain_list_says(ward: Ward) -> None:
    """By suffix and by `Accept` alike."""
    for form, media, name in FORMS:
        text, packed = form.split(".")
        plain = ward.root.get(f"{EVENTS}.csv" if text == "csv" else EVENTS, params=VISITS).content
        for response in (
            ward.root.get(f"{EVENTS}.{form}", params=VISITS),
            ward.root.get(EVENTS, params=VISITS, headers={"Accept": f"{media}, */*"}),
        ):
            assert response.headers["content-type"] == media
            assert response.headers["content-disposition"] == f"attachment; filename={name}"
            body = gzip.decompress(response.content) if packed == "gz" else unzipped(response.content, f"events.{text}")
            assert uids(body, text) == uids(plain, text)


def uids(body: bytes, text: str) -> list[str]:
    """The events of a body."""
    return [r["event"] for r in (rows(body) if text == "csv" else json.loads(body)["events"])]


def test_entities_are_packed_too(ward: Ward) -> None:
    """The archive is called after its list."""
    asked = {"trackedEntityType": p.PERSON, "fields": "trackedEntity"}
    body = ward.root.get(f"{ENTITIES}.json.zip", params=asked).content
    assert len(json.loads(unzipped(body, "trackedEntities.json"))["trackedEntities"]) == 16


def test_an_unknown_form_is_not_there(ward: Ward) -> None:
    """404 for a suffix that no form has."""
    assert ward.root.get(f"{EVENTS}.parquet", params=VISITS).status_code == 404


def _one(client: Client, path: str, **given: str) -> Any:
    response: httpx.Response = client.get(path, params=given)
    assert response.status_code == 200, response.text
    return response.json()


def test_metadata_is_named_as_asked(ward: Ward) -> None:
    """`idScheme` for everything, others for one kind each; the last word is the more special one's."""
    uid = ward.root.get(EVENTS, params={"program": p.MALARIA, "status": "COMPLETED"}).json()["events"][0]["event"]
    path, fields = (
        f"{EVENTS}/{uid}",
        "program,orgUnit,attributeOptionCombo,attributeCategoryOptions,dataValues[dataElement]",
    )
    plain = _one(ward.root, path, fields=fields)
    named = _one(ward.root, path, fields=fields, idScheme="NAME", orgUnitIdScheme="code", dataElementIdScheme="UID")
    assert named["program"] == "Malaria cases"
    assert named["orgUnit"] == plain["orgUnit"].removeprefix("Ou").upper().replace("CLINIC", "CLINIC_").rstrip("0")
    assert (named["attributeOptionCombo"], named["attributeCategoryOptions"]) == ("default", "default")
    assert named["dataValues"] == plain["dataValues"]
    coded = _one(ward.root, path, fields=fields, dataElementIdScheme="CODE", programIdScheme="CODE")
    assert coded["program"] == "MALARIA"
    assert {v["dataElement"] for v in coded["dataValues"]} <= {"DETEMP", "DERESULT", "DENOTE"}


def test_custom_attributes_name_metadata(ward: Ward) -> None:
    """`ATTRIBUTE:uid` takes the value of a custom attribute, of org units too; who has none makes it 422."""
    attribute = {"id": "AtForeign00", "name": "Foreign id", "shortName": "Foreign id", "valueType": "TEXT"}
    attribute |= {"programAttribute": True, "organisationUnitAttribute": True}
    assert ward.root.post("/api/metadata", json={"attributes": [attribute]}).status_code == 200
    held = [{"attribute": {"id": "AtForeign00"}, "value": "X-17"}]
    p.change(ward.root, "programs", p.MALARIA, attributeValues=held)
    for number, uid in enumerate(p.CLINICS):
        own = [{"attribute": {"id": "AtForeign00"}, "value": f"U{number}"}]
        p.change(ward.root, "organisationUnits", uid, attributeValues=own)
    scheme, fields = "ATTRIBUTE:AtForeign00", "program,orgUnit,events[program]"
    asked = {"program": p.MALARIA, "programIdScheme": scheme, "orgUnitIdScheme": scheme, "fields": fields}
    listed = _one(ward.root, "/api/tracker/enrollments", **asked)["enrollments"]
    assert {n["program"] for n in listed} == {"X-17"}
    assert {n["orgUnit"] for n in listed} <= {"U0", "U1", "U2"}
    refused = ward.root.get("/api/tracker/enrollments", params={"programIdScheme": scheme})
    assert (refused.status_code, p.BIRTH in refused.json()["message"]) == (422, True)


def test_wrong_schemes_are_refused(ward: Ward) -> None:
    """400 with the parameter's name."""
    for scheme in ("ID", "CODE:x", "ATTRIBUTE", "ATTRIBUTE:short", "colour"):
        response = ward.root.get(EVENTS, params={"program": p.MALARIA, "orgUnitIdScheme": scheme})
        assert (response.status_code, "orgUnitIdScheme" in response.json()["message"]) == (400, True)
