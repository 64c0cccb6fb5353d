"""Org units merged and split over HTTP."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person

UNITS = "/api/organisationUnits"
COUNTRY, NORTH, SOUTH = "OuCountry00", "OuNorth0000", "OuSouth0000"
ALDER, BIRCH, CEDAR = "OuClinicA00", "OuClinicB00", "OuClinicC00"


def register(client: Client) -> None:
    """Register a person with an enrollment and an event at Clinic Alder."""
    answer = client.post("/api/tracker?async=false", json={"trackedEntities": [person()]})
    assert answer.status_code == 200, answer.text


def places(client: Client) -> list[str]:
    """Where the person, the enrollment and the event are."""
    fields = "orgUnit,enrollments[orgUnit,events[orgUnit]]"
    found = client.get(f"/api/tracker/trackedEntities/TePerson001?program=PrMalaria00&fields={fields}").json()
    enrollment = found["enrollments"][0]
    return [found["orgUnit"], enrollment["orgUnit"], enrollment["events"][0]["orgUnit"]]


def program_units(client: Client) -> list[str]:
    """Where the malaria program is offered."""
    found = client.get("/api/programs/PrMalaria00?fields=organisationUnits~pluck").json()["organisationUnits"]
    return sorted(found)


def test_a_merge_moves_what_was_captured_and_what_refers(client: Client, stranger: Client) -> None:
    """A district takes over another one with its clinics, a clinic's data, programs and users; sources are gone."""
    register(client)
    before = program_units(client)
    body: dict[str, Any] = {"sources": [{"id": ALDER}, {"id": CEDAR}], "target": {"id": BIRCH}}
    answer = client.post(f"{UNITS}/merge", json=body)
    assert (answer.status_code, answer.json()["message"]) == (200, "Organisation units merged")
    assert places(client) == [BIRCH, BIRCH, BIRCH]
    assert program_units(client) == sorted({BIRCH if uid in (ALDER, CEDAR) else uid for uid in before})
    assert stranger.get("/api/me?fields=organisationUnits[id]").json() == {"organisationUnits": [{"id": BIRCH}]}
    assert client.get(f"{UNITS}/{ALDER}").status_code == 404
    merged = client.post(f"{UNITS}/merge", json={"sources": [NORTH], "target": SOUTH})
    assert merged.status_code == 200
    found = client.get(f"{UNITS}/{BIRCH}?fields=path,level").json()
    assert found == {"path": f"/{COUNTRY}/{SOUTH}/{BIRCH}", "level": 3}


def test_sources_may_stay(client: Client) -> None:
    """Asked not to delete, a merge leaves the emptied units."""
    register(client)
    body = {"sources": [{"id": ALDER}], "target": {"id": CEDAR}, "deleteSources": False}
    assert client.post(f"{UNITS}/merge", json=body).status_code == 200
    assert places(client) == [CEDAR] * 3
    assert client.get(f"{UNITS}/{ALDER}").status_code == 200
    assert ALDER not in program_units(client)


def test_a_split_shares_references_and_gives_data_to_one(client: Client) -> None:
    """Programs are offered at every target, data moves to the primary one, the source is gone."""
    register(client)
    body = {"source": {"id": ALDER}, "targets": [{"id": BIRCH}, {"id": CEDAR}], "primaryTarget": {"id": CEDAR}}
    answer = client.post(f"{UNITS}/split", json=body)
    assert (answer.status_code, answer.json()["message"]) == (200, "Organisation unit split")
    assert places(client) == [CEDAR] * 3
    assert {BIRCH, CEDAR} <= set(program_units(client))
    assert ALDER not in program_units(client)
    assert client.get(f"{UNITS}/{ALDER}").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("merge", {"target": ALDER}, "E1500"),
        ("merge", {"sources": [ALDER]}, "E1501"),
        ("merge", {"sources": [ALDER, BIRCH], "target": ALDER}, "E1502"),
        ("merge", {"sources": ["OuNowhere00"], "target": ALDER}, "E1503"),
        ("merge", {"sources": [ALDER], "target": "OuNowhere00"}, "E1503"),
        ("merge", {"sources": [NORTH], "target": ALDER}, "E1504"),
        ("split", {"targets": [ALDER, BIRCH]}, "E1510"),
        ("split", {"source": ALDER, "targets": [BIRCH]}, "E1511"),
        ("split", {"source": ALDER, "targets": [ALDER, BIRCH]}, "E1512"),
        ("split", {"source": ALDER, "targets": [BIRCH, CEDAR], "primaryTarget": NORTH}, "E1514"),
        ("split", {"source": ALDER, "targets": [BIRCH, "OuNowhere00"]}, "E1515"),
        ("split", {"source": NORTH, "targets": [ALDER, CEDAR]}, "E1516"),
    ],
)
def test_what_is_refused(client: Client, path: str, body: dict[str, Any], code: str) -> None:
    """Each has its code, and the tree stays as it was."""
    answer = client.post(f"{UNITS}/{path}", json=body)
    assert (answer.status_code, answer.json().get("errorCode")) == (409, code)
    assert client.get(f"{UNITS}/{ALDER}?fields=path").json() == {"path": f"/{COUNTRY}/{NORTH}/{ALDER}"}


def test_who_may(limited: Client) -> None:
    """Both need their authority."""
    body = {"sources": [ALDER], "target": BIRCH}
    assert limited.post(f"{UNITS}/merge", json=body).status_code == 403
    assert limited.post(f"{UNITS}/split", json={}).status_code == 403
