"""Notes on enrollments and events, one call each."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person


@pytest.fixture
def filled(client: Client) -> Client:
    """One person with an enrollment and a visit."""
    payload = {"trackedEntities": [person()]}
    assert client.post("/api/tracker", json=payload, params={"async": "false"}).status_code == 200
    return client


@pytest.mark.parametrize("path", ["enrollments/EnPerson001", "events/EvPerson001"])
def test_a_note_is_answered_and_read_back(filled: Client, path: str) -> None:
    """The answer is the note, with who wrote it and when; it is then part of its object, which counts as updated."""
    before = filled.get(f"/api/tracker/{path}").json()
    first = filled.post(f"/api/tracker/{path}/note", json={"value": "hello"})
    assert first.status_code == 200
    assert first.json().keys() == {"note", "value", "storedAt", "storedBy", "createdBy"}
    second = filled.post(f"/api/tracker/{path}/note", json={"value": "again", "note": "NoChosen001"})
    found = filled.get(f"/api/tracker/{path}").json()
    assert found["notes"] == [first.json(), second.json()]
    assert [note["value"] for note in found["notes"]] == ["hello", "again"]
    assert found["notes"][1]["note"] == "NoChosen001"
    assert found["notes"][0]["createdBy"]["surname"] == "Er"
    assert found["updatedAt"] > before["updatedAt"]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("enrollments/EnPerson001", {}, 400, "Note cannot be empty"),
        ("enrollments/EnPerson001", {"value": " "}, 400, "Note cannot be empty"),
        ("enrollments/EnPerson001", {"value": 7}, 400, "Note cannot be empty"),
        ("enrollments/EnPerson001", {"value": "x", "note": "short"}, 400, "not valid for parameter note"),
        ("enrollments/EnPerson001", {"value": "x", "note": "NoChosen001"}, 400, "already exists"),
        ("enrollments/EnMissing00", {"value": "x"}, 404, "Enrollment with id EnMissing00 could not be found"),
        ("events/EvMissing00", {"value": "x"}, 404, "Event with id EvMissing00 could not be found"),
        ("events/EvPerson001", {"value": "x", "note": "NoChosen001"}, 400, "already exists"),
        ("events/odd", {"value": "x"}, 400, "not valid for parameter uid"),
        ("events/EvPerson001", ["x"], 400, "a JSON object was expected"),
        ("events/EvPerson001", {"value": "\x00"}, 400, "U+0000"),
    ],
)
def test_a_wrong_note_is_refused(filled: Client, path: str, body: Any, status: int, words: str) -> None:
    """Nothing is added."""
    filled.post("/api/tracker/enrollments/EnPerson001/note", json={"value": "one", "note": "NoChosen001"})
    answer = filled.post(f"/api/tracker/{path}/note", json=body)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text
    assert len(filled.get("/api/tracker/enrollments/EnPerson001").json()["notes"]) == 1


def test_broken_json_is_refused(filled: Client) -> None:
    """The answer says so."""
    answer = filled.post("/api/tracker/events/EvPerson001/note", content=b"{")
    assert (answer.status_code, answer.json()["message"][:20]) == (400, "Invalid JSON: unexpe")


def test_who_may_not_see_the_object_may_not_note(filled: Client, stranger: Client) -> None:
    """A user whose units are elsewhere is refused."""
    answer = stranger.post("/api/tracker/events/EvPerson001/note", json={"value": "x"})
    assert (answer.status_code, answer.json()["message"]) == (403, "User has no access to Event: EvPerson001")
