"""The invented persons, and users who see more or less of them."""

from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from adapters.dhis2 import ADAPTER
from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, logged_in
from tests.adapters.dhis2.exports.model import Model, is_under
from tests.adapters.dhis2.exports.people import MALARIA, payload, prepare
from tracker_core import users
from tracker_core.context import User

NURSE_CAPTURE, NURSE_SEARCH = ("OuClinicA00",), ("OuNorth0000",)


@dataclass(frozen=True, slots=True)
class Ward:
    """The hub with its persons: `root` may everything, `nurse` captures at Alder and searches the north."""

    root: Client
    nurse: Client
    everything: Model
    hers: Model
    nurse_uid: str


def client_as(way: HubAccess, username: str) -> Client:
    """Return a client of the face for an account of this database."""
    assert ADAPTER.face is not None
    user = User(f"Us{username:0<9}"[:11], username)
    return Client(Starlette(routes=list(ADAPTER.face.routes(way)), middleware=[Middleware(logged_in, user)]))


def sees_as_nurse(program: str, unit: str) -> bool:
    """Malaria is PROTECTED: the capture units count; everything else is open to the search units."""
    return is_under(unit, NURSE_CAPTURE if program == MALARIA else NURSE_SEARCH)


@pytest.fixture
def ward(way: HubAccess, client: Client) -> Ward:
    """The ward, filled."""
    with way.session() as session:
        doc = {
            "organisationUnits": [{"id": uid} for uid in NURSE_CAPTURE],
            "teiSearchOrganisationUnits": [{"id": uid} for uid in NURSE_SEARCH],
            "firstName": "Nora",
            "surname": "Nurse",
        }
        nurse = users.create(session, "nurse", "secret-Nurse-1", [], doc=doc)
    prepare(client, accessLevel="PROTECTED")
    given = payload()
    answer = client.post("/api/tracker", json=given, params={"async": "false"})
    assert answer.status_code == 200, answer.text
    everything, hers = Model(given, lambda *_: True), Model(given, sees_as_nurse)
    with way.session() as session:
        stored = [row[0] for row in session.execute("select uid from event order by pk").fetchall()]
    for model in (everything, hers):
        model.events.sort(key=lambda event: stored.index(event["event"]))
    return Ward(client, client_as(way, "nurse"), everything, hers, nurse.uid)
