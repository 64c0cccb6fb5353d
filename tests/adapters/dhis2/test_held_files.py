"""Values that name files: checked on import, held, let go, and read through their object."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person
from tests.adapters.dhis2.test_files import PNG, message, send
from tests.samples.metadata import country
from tracker_core import history, metadata
from tracker_core.database import Pool, transaction

TRACKER = "/api/tracker"
FORM, SCAN, PHOTO = "DeConsent00", "DeScan00000", "TePhoto0000"


@pytest.fixture
def filled(client: Client, pool: Pool) -> Client:
    """The country with a consent form, a scan and a photograph; one person with a visit."""
    payload = country()
    kept = {"sharing": {"public": "rw------"}}
    elements = [
        {"id": uid, "name": uid, "shortName": uid, "valueType": type, "domainType": "TRACKER", **kept}
        for uid, type in ((FORM, "FILE_RESOURCE"), (SCAN, "IMAGE"))
    ]
    photo = {"id": PHOTO, "name": PHOTO, "shortName": PHOTO, "valueType": "IMAGE", **kept}
    [stage] = [s for s in payload["programStages"] if s["id"] == "PsVisit0000"]
    stage["programStageDataElements"] += [{"id": f"Ps{uid[:9]}", "dataElement": {"id": uid}} for uid in (FORM, SCAN)]
    [program] = [p for p in payload["programs"] if p["id"] == "PrMalaria00"]
    program["programTrackedEntityAttributes"].append({"id": "PaPhoto0000", "trackedEntityAttribute": {"id": PHOTO}})
    more = {"dataElements": elements, "trackedEntityAttributes": [photo], "programStages": [stage]}
    with transaction(pool) as session:
        context = history.open_change_set(session, actor="system")
        report = metadata.import_objects(session, context, {**more, "programs": [program]})
        assert report.issues == [], report.issues
    answer = client.post(TRACKER, json={"trackedEntities": [person()]}, params={"async": "false"})
    assert answer.status_code == 200, answer.text
    return client


def uploaded(client: Client, name: str = "form.pdf", content: bytes = b"%PDF-1.7") -> str:
    """Upload a file; return its uid."""
    uid = send(client, name, content).json()["response"]["fileResource"]["id"]
    return str(uid)


def save(client: Client, values: dict[str, str | None], event: str = "EvPerson001") -> list[str]:
    """Save data values of an event; return the error codes."""
    given = [{"dataElement": uid, "value": value} for uid, value in values.items()]
    sent = {"event": event, "occurredAt": "2024-03-02", "dataValues": given}
    answer = client.post(TRACKER, json={"events": [sent]}, params={"async": "false", "importStrategy": "UPDATE"})
    return [error["errorCode"] for error in answer.json()["validationReport"]["errorReports"]]


def save_photo(client: Client, value: str | None) -> list[str]:
    """Save the photograph of the person; return the error codes."""
    given = [{"attribute": PHOTO, "value": value}]
    sent = {"enrollment": "EnPerson001", "enrolledAt": "2024-03-01", "attributes": given}
    answer = client.post(TRACKER, json={"enrollments": [sent]}, params={"async": "false", "importStrategy": "UPDATE"})
    return [error["errorCode"] for error in answer.json()["validationReport"]["errorReports"]]


def assigned(client: Client, uid: str) -> bool:
    """Whether a value holds the file."""
    return bool(client.get(f"/api/fileResources/{uid}").json()["assigned"])


def test_a_data_value_holds_its_file(filled: Client) -> None:
    """Held once named; another file lets the first go; sent back unchanged nothing happens; cleared, it is free."""
    first, second = uploaded(filled), uploaded(filled)
    assert save(filled, {FORM: first}) == []
    assert (assigned(filled, first), assigned(filled, second)) == (True, False)
    assert save(filled, {FORM: first}) == []
    assert save(filled, {FORM: second}) == []
    assert (assigned(filled, first), assigned(filled, second)) == (False, True)
    assert save(filled, {FORM: None}) == []
    assert not assigned(filled, second)


def test_an_attribute_holds_its_picture(filled: Client) -> None:
    """On the person, though it came with the enrollment."""
    uid = uploaded(filled, "a.png", PNG)
    assert save_photo(filled, uid) == []
    assert assigned(filled, uid)
    path = f"{TRACKER}/trackedEntities/TePerson001/attributes/{PHOTO}"
    for answer in (filled.get(f"{path}/image", params={"dimension": "LARGE"}), filled.get(f"{path}/file")):
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    within = filled.get(f"{path}/image", params={"program": "PrMalaria00"})
    assert within.status_code == 200
    tag = {"If-None-Match": within.headers["etag"]}
    assert filled.get(f"{path}/image", headers=tag).status_code == 304


def test_new_objects_hold_files_at_once(filled: Client) -> None:
    """A person who is registered with a photograph and a visit with a form."""
    photo, form = uploaded(filled, "a.png", PNG), uploaded(filled)
    sent = person("TePerson002")
    sent["enrollments"][0]["attributes"].append({"attribute": PHOTO, "value": photo})
    sent["enrollments"][0]["events"][0]["dataValues"].append({"dataElement": FORM, "value": form})
    answer = filled.post(TRACKER, json={"trackedEntities": [sent]}, params={"async": "false"})
    assert answer.status_code == 200, answer.text
    assert (assigned(filled, photo), assigned(filled, form)) == (True, True)
    read = filled.get(f"{TRACKER}/events/EvPerson002/dataValues/{FORM}/file")
    assert (read.status_code, read.content) == (200, b"%PDF-1.7")


def test_a_value_must_name_a_file(filled: Client) -> None:
    """One that exists; an image where one is asked for; and one that nothing else holds."""
    held = uploaded(filled)
    assert save(filled, {FORM: held}) == []
    assert save(filled, {SCAN: uploaded(filled)}) == ["E1302"]
    assert save(filled, {FORM: "FiMissing00"}) == ["E1302"]
    assert save(filled, {FORM: "no uid"}) == ["E1302"]
    assert save_photo(filled, "FiMissing00") == ["E1007"]
    picture = uploaded(filled, "a.png", PNG)
    assert save(filled, {FORM: picture, SCAN: picture}) == ["E1009"]
    assert save(filled, {SCAN: picture}) == []
    assert save_photo(filled, picture) == ["E1009"]
    assert assigned(filled, held)


@pytest.mark.parametrize(
    ("path", "parameters", "status", "words"),
    [
        ("events/EvMissing00/dataValues/DeConsent00/file", {}, 404, "Event with id EvMissing00"),
        ("events/EvPerson001/dataValues/DeMissing00/file", {}, 404, "DataElement with id DeMissing00"),
        ("events/EvPerson001/dataValues/DeConsent00/file", {}, 404, "There is no file for EvPerson001"),
        ("events/EvPerson001/dataValues/DeTemp00000/file", {}, 409, "The value type of DeTemp00000 is NUMBER"),
        ("events/EvPerson001/dataValues/DeConsent00/image", {}, 409, "is FILE_RESOURCE"),
        ("events/EvPerson001/dataValues/DeScan00000/image", {"dimension": "HUGE"}, 400, "parameter dimension"),
        ("events/EvPerson001/dataValues/DeConsent00/file", {"dimension": "SMALL"}, 400, "only supported for images"),
        ("events/odd/dataValues/DeConsent00/file", {}, 400, "parameter uid"),
        ("trackedEntities/TeMissing00/attributes/TePhoto0000/image", {}, 404, "TrackedEntity with id TeMissing00"),
        ("trackedEntities/TePerson001/attributes/TeMissing00/image", {}, 404, "TrackedEntityAttribute with id"),
        ("trackedEntities/TePerson001/attributes/TePhoto0000/image", {}, 404, "There is no file for TePerson001"),
        ("trackedEntities/TePerson001/attributes/TeVillage00/file", {}, 409, "is TEXT"),
        (
            "trackedEntities/TePerson001/attributes/TePhoto0000/image",
            {"program": "PrMissing00"},
            404,
            "Program with id PrMissing00",
        ),
    ],
)
def test_a_wrong_read_is_refused(
    filled: Client, path: str, parameters: dict[str, Any], status: int, words: str
) -> None:
    """In DHIS2's words."""
    found = message(filled.get(f"{TRACKER}/{path}", params=parameters))
    assert (found[0], words in found[2]) == (status, True), found


def test_who_may_not_see_the_object_gets_no_file(filled: Client, stranger: Client) -> None:
    """Neither through the object nor by the file's uid."""
    uid = uploaded(filled)
    save(filled, {FORM: uid})
    assert stranger.get(f"{TRACKER}/events/EvPerson001/dataValues/{FORM}/file").status_code == 404
    assert stranger.get(f"/api/fileResources/{uid}/data").status_code == 403
    photo = f"{TRACKER}/trackedEntities/TePerson001/attributes/{PHOTO}/image"
    for parameters in ({}, {"program": "PrMalaria00"}):
        assert stranger.get(photo, params=parameters).status_code == 404
