"""Transfer of ownership and breaking the glass, over HTTP."""

from typing import Any

import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tests.adapters.dhis2.samples import person
from tests.samples.metadata import country
from tracker_core import history, metadata, users
from tracker_core.database import Pool, transaction

PAIR = {"trackedEntity": "TePerson001", "program": "PrMalaria00"}
TRANSFER, OVERRIDE = "/api/tracker/ownership/transfer", "/api/tracker/ownership/override"


@pytest.fixture
def filled(client: Client) -> Client:
    """One person, enrolled for malaria at Clinic Alder."""
    payload = {"trackedEntities": [person()]}
    assert client.post("/api/tracker", json=payload, params={"async": "false"}).status_code == 200
    return client


def set_level(pool: Pool, level: str) -> None:
    """Give the malaria program an access level."""
    payload = country()
    [program] = [p for p in payload["programs"] if p["id"] == "PrMalaria00"]
    with transaction(pool) as session:
        context = history.open_change_set(session, actor="system")
        metadata.import_objects(session, context, {"programs": [program | {"accessLevel": level}]})


def owner(client: Client) -> str:
    """The org unit that owns the person in the malaria program."""
    found = client.get("/api/tracker/trackedEntities/TePerson001", params={"fields": "programOwners"}).json()
    [one] = found["programOwners"]
    assert one["program"] == "PrMalaria00"
    return str(one["orgUnit"])


def put(client: Client, parameters: dict[str, Any]) -> tuple[int, str]:
    """PUT a transfer; return status and message."""
    answer = client.put(TRANSFER, params=parameters)
    return answer.status_code, answer.json()["message"]


def test_a_transfer_changes_the_owner(filled: Client) -> None:
    """The new owner shows at once; the older name of the parameter works too."""
    assert owner(filled) == "OuClinicA00"
    assert put(filled, {**PAIR, "orgUnit": "OuClinicB00"}) == (200, "Ownership transferred")
    assert owner(filled) == "OuClinicB00"
    assert put(filled, {**PAIR, "ou": "OuClinicA00"}) == (200, "Ownership transferred")
    assert owner(filled) == "OuClinicA00"


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"orgUnit": "OuClinicA00"}, 400, "is already OuClinicA00"),
        ({"orgUnit": "OuMissing00"}, 404, "Org unit supplied does not exist"),
        ({"orgUnit": ""}, 400, "'orgUnit' is not present"),
        ({"ou": "OuClinicA00"}, 400, "Only one parameter"),
        ({"trackedEntity": ""}, 400, "'trackedEntity' is not present"),
        ({"trackedEntity": "TeMissing00"}, 404, "TrackedEntity with id TeMissing00 could not be found"),
        ({"trackedEntity": "no uid"}, 400, "is not valid for parameter trackedEntity"),
        ({"program": "PrMissing00"}, 404, "Program with id PrMissing00 could not be found"),
        ({"program": "PrBirth0000"}, 400, "No owner found for the combination"),
        ({"orgUnit": "OuNorth0000"}, 403, "is not associated to the org unit"),
    ],
)
def test_a_wrong_transfer_is_refused(filled: Client, changed: dict[str, str], status: int, words: str) -> None:
    """Each refusal has DHIS2's status and says what is wrong; the owner stays."""
    found, message = put(filled, {**PAIR, "orgUnit": "OuClinicB00", **changed})
    assert (found, words in message) == (status, True), message
    assert owner(filled) == "OuClinicA00"


def worker(
    way: HubAccess, username: str, *, search: str = "OuCountry00", authorities: list[str] | None = None
) -> Client:
    """A client of the face whose user captures at Clinic Birch and searches from `search` down."""
    doc = {"organisationUnits": [{"id": "OuClinicB00"}], "teiSearchOrganisationUnits": [{"id": search}]}
    with way.session() as session:
        users.create(session, username, "secret", authorities or [], doc=doc)
    return client_of(way, authorities or [], username)


def test_the_glass_is_broken_with_a_reason(filled: Client, way: HubAccess, pool: Pool) -> None:
    """A user is let in to a PROTECTED program elsewhere, for a while; the reason is kept."""
    set_level(pool, "PROTECTED")
    nurse = worker(way, "nurse")
    before = put(nurse, {**PAIR, "orgUnit": "OuClinicB00"})
    assert (before[0], before[1].endswith("OWNERSHIP_ACCESS_DENIED")) == (403, True)
    answer = nurse.post(OVERRIDE, params={**PAIR, "reason": "an emergency"})
    assert (answer.status_code, answer.json()["message"]) == (200, "Temporary Ownership granted")
    with transaction(pool) as session:
        [(username, reason, hours)] = session.execute(
            "select username, reason, extract(hour from until - at)::int from program_access where until is not null"
        )
    assert (username, reason, hours) == ("nurse", "an emergency", 3)
    assert put(nurse, {**PAIR, "orgUnit": "OuClinicB00"}) == (200, "Ownership transferred")


def test_out_of_sight_nobody_transfers(filled: Client, way: HubAccess, pool: Pool) -> None:
    """A CLOSED program elsewhere is refused with its reason, an OPEN one beyond the search scope without."""
    set_level(pool, "CLOSED")
    status, message = put(worker(way, "nurse"), {**PAIR, "orgUnit": "OuClinicB00"})
    assert (status, message.endswith("PROGRAM_ACCESS_CLOSED")) == (403, True)
    set_level(pool, "OPEN")
    status, message = put(worker(way, "other", search="OuClinicB00"), {**PAIR, "orgUnit": "OuClinicB00"})
    assert (status, message.endswith("entity-program combination")) == (403, True)
    assert put(worker(way, "third"), {**PAIR, "orgUnit": "OuClinicB00"})[0] == 200


@pytest.mark.parametrize(
    ("level", "user", "changed", "status", "words"),
    [
        ("OPEN", {}, {}, 403, "only be granted to protected programs. PrMalaria00 access level is OPEN"),
        ("CLOSED", {}, {}, 403, "access level is CLOSED"),
        ("PROTECTED", {"authorities": ["ALL"]}, {}, 403, "Current user is a superuser"),
        ("PROTECTED", {"search": "OuClinicB00"}, {}, 403, "is not in the user's search scope"),
        ("PROTECTED", {}, {"reason": " "}, 400, "'reason' is not present"),
        ("PROTECTED", {}, {"trackedEntity": "TeMissing00"}, 404, "could not be found"),
        ("PROTECTED", {}, {"program": "PrWater0000"}, 400, "is not a tracker program"),
    ],
)
def test_a_wrong_override_is_refused(
    filled: Client,
    way: HubAccess,
    pool: Pool,
    level: str,
    user: dict[str, Any],
    changed: dict[str, str],
    status: int,
    words: str,
) -> None:
    """Only PROTECTED programs within the search scope have a glass, and a superuser has nothing to break."""
    set_level(pool, level)
    asked = {**PAIR, "reason": "an emergency", **changed}
    answer = worker(way, "nurse", **user).post(OVERRIDE, params=asked)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text
