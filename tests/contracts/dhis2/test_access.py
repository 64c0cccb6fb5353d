"""Access levels as clients meet them: what a nurse of one facility reads of a child that the other one owns."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contracts.dhis2.conftest import Hub, Registered, register
from tests.contracts.dhis2.district import LAST, ONE, PROGRAM, TWO, UNIQUE, WEIGHT, district
from tests.contracts.dhis2.shapes import lacking
from tests.contracts.dhis2.test_working import TRACKER, opened, send

OVERRIDE, TRANSFER = f"{TRACKER}/ownership/override", f"{TRACKER}/ownership/transfer"


@pytest.fixture
def elsewhere(hub: Hub) -> Iterator[httpx.Client]:
    """A nurse who captures at Facility B and may search the whole district."""
    with hub.as_user("ella") as client:
        yield client


def set_level(hub: Hub, level: str) -> None:
    """Give the program an access level."""
    [program] = [p for p in district()["programs"] if p["id"] == PROGRAM]
    answer = hub.admin.post("/api/metadata", json={"programs": [{**program, "accessLevel": level}]})
    assert answer.status_code == 200, answer.text


def read(client: httpx.Client, child: Registered) -> tuple[int, str]:
    """Read the child in the program; return the status, and the message of a refusal."""
    answer = client.get(f"{TRACKER}/trackedEntities/{child.entity}?program={PROGRAM}")
    return answer.status_code, str(answer.json().get("message", ""))


@pytest.mark.parametrize(
    ("level", "status", "reason"),
    [
        ("OPEN", 200, ""),
        ("AUDITED", 200, ""),
        ("PROTECTED", 403, "OWNERSHIP_ACCESS_DENIED"),
        ("CLOSED", 403, "PROGRAM_ACCESS_CLOSED"),
    ],
)
def test_each_level_lets_in_whom_it_should(
    hub: Hub, registered: Registered, elsewhere: httpx.Client, level: str, status: int, reason: str
) -> None:
    """Within the search scope: full access, logged access, access after a reason, none; a search agrees."""
    set_level(hub, level)
    found, message = read(elsewhere, registered)
    assert (found, reason in message) == (status, True), message
    sought = f"{TRACKER}/trackedEntities?program={PROGRAM}&fields=trackedEntity&filter={UNIQUE}:eq:{registered.number}"
    listed = elsewhere.get(sought).json()["trackedEntities"]
    assert listed == ([{"trackedEntity": registered.entity}] if status == 200 else [])


def test_breaking_the_glass_opens_one_child(hub: Hub, registered: Registered, elsewhere: httpx.Client) -> None:
    """The app reads the reason of the refusal, sends one of its own, and may work with this child and no other."""
    set_level(hub, "PROTECTED")
    other = register(hub)
    assert "OWNERSHIP_ACCESS_DENIED" in read(elsewhere, registered)[1]
    asked = {"trackedEntity": registered.entity, "program": PROGRAM, "reason": "an emergency"}
    answer = elsewhere.post(OVERRIDE, params=asked)
    assert (answer.status_code, answer.json()["message"]) == (200, "Temporary Ownership granted")
    assert read(elsewhere, registered)[0] == 200
    assert elsewhere.get(f"{TRACKER}/events/{registered.event}").status_code == 200
    assert read(elsewhere, other)[0] == 403


def test_a_transfer_takes_the_child_out_of_sight(hub: Hub, registered: Registered, elsewhere: httpx.Client) -> None:
    """To the other facility, which has full access from then on; the old one loses it in a CLOSED program."""
    set_level(hub, "CLOSED")
    with hub.as_user("nurse") as nurse:
        assert read(nurse, registered)[0] == 200
        pair = {"trackedEntity": registered.entity, "program": PROGRAM, "orgUnit": TWO}
        assert nurse.put(TRANSFER, params=pair).status_code == 200
        assert read(nurse, registered)[0] in (403, 404)
    assert read(elsewhere, registered)[0] == 200


def change_logs(hub: Hub, path: str) -> list[dict[str, Any]]:
    """GET a change log."""
    answer = hub.admin.get(f"{TRACKER}/{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["changeLogs"]
    return found


def test_the_change_log_tells_who_changed_what(hub: Hub, registered: Registered) -> None:
    """Of the event its values, of the person its attributes: who, when, from what to what."""
    set_level(hub, "OPEN")
    for weight in ("3.2", "3.4"):
        values = [{"dataElement": WEIGHT, "value": weight}]
        send(hub, {"events": [opened(registered, dataValues=values)]}, "&importStrategy=UPDATE")
    paging = "page=1&pageSize=10&order=createdAt:desc"
    log = change_logs(hub, f"events/{registered.event}/changeLogs?{paging}&filter=dataElement:eq:{WEIGHT}")
    fields = "createdAt,createdBy[username,firstName,surname],type,change[dataValue[dataElement,currentValue]]"
    assert lacking(log, fields) == []
    newest = log[0]["change"]["dataValue"]
    assert (newest["previousValue"], newest["currentValue"], log[0]["type"]) == ("3.2", "3.4", "UPDATE")
    change = {"trackedEntity": registered.entity, "attributes": [{"attribute": LAST, "value": "Changed"}]}
    whole = hub.admin.get(f"{TRACKER}/trackedEntities/{registered.entity}").json() | change
    send(hub, {"trackedEntities": [whole]}, "&importStrategy=UPDATE")
    asked = f"trackedEntities/{registered.entity}/changeLogs?program={PROGRAM}&{paging}&filter=attribute:eq:{LAST}"
    newest = change_logs(hub, asked)[0]["change"]["attributeValue"]
    assert (newest["attribute"], newest["previousValue"], newest["currentValue"]) == (LAST, "Test", "Changed")


def test_a_nurse_saves_within_her_facility_only(hub: Hub, registered: Registered) -> None:
    """Her own facility's events, and nobody else's org unit (E1000)."""
    set_level(hub, "OPEN")
    with hub.as_user("nurse") as nurse:
        path = f"{TRACKER}?async=false&importStrategy=UPDATE"
        assert nurse.post(path, json={"events": [opened(registered)]}).status_code == 200
        moved = nurse.post(path, json={"events": [opened(registered, orgUnit=TWO)]})
    assert moved.status_code == 409
    assert "E1000" in [error["errorCode"] for error in moved.json()["validationReport"]["errorReports"]]
    assert hub.admin.get(f"{TRACKER}/events/{registered.event}?fields=orgUnit").json() == {"orgUnit": ONE}
