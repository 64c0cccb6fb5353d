"""A running hub with the contracts' district, shared by the tests of a module; each test registers its own persons."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import admin, app
from hub.access import HubAccess
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.settings import Settings
from hub.worker import Worker
from tests.conftest import copied, serving
from tests.contracts.dhis2 import district
from tracker_core import history, metadata, users
from tracker_core.database import open_pool, transaction
from tracker_core.uids import new_uid

PASSWORD = "District-1234"
# One works at Facility A and knows no more, one at Facility B and may search the whole district.
NURSES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("nurse", "Nora", "Nurse", {"organisationUnits": [{"id": district.ONE}]}),
    (
        "ella",
        "Ella",
        "Where",
        {"organisationUnits": [{"id": district.TWO}], "teiSearchOrganisationUnits": [{"id": district.ROOT}]},
    ),
]


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that serves: where, and a client of it as its administrator."""

    url: str
    admin: httpx.Client

    @contextmanager
    def as_user(self, username: str) -> Iterator[httpx.Client]:
        """Yield a client for another user of the district."""
        with httpx.Client(base_url=self.url, auth=(username, PASSWORD), timeout=30) as opened:
            yield opened


@pytest.fixture(scope="module")
def hub(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub on a database of its own with the district, `admin` and two nurses."""
    with (
        copied(server_url, template) as url,
        _running(url, tmp_path_factory.mktemp("hub")) as running,
    ):
        yield running


@contextmanager
def _running(url: str, data: Path) -> Iterator[Hub]:
    pool = open_pool(url, size=6)
    with transaction(pool) as session:
        metadata.bootstrap(session)
        users.ensure_admin(session, PASSWORD)
        report = metadata.import_objects(session, history.open_change_set(session, actor="admin"), district.district())
        assert report.issues == []
        for name, first, last, units in NURSES:
            users.create(session, name, PASSWORD, doc={"firstName": first, "surname": last, **units})
    runtime = Runtime(pool, ADAPTERS, files=data / "files")
    worker = Worker(runtime)
    worker.start()
    built = app.build(Settings(data=data), runtime, HubAccess(runtime), {}, admin.routes_for(runtime))
    with serving(built) as address, httpx.Client(base_url=address, auth=("admin", PASSWORD), timeout=30) as client:
        yield Hub(address, client)
    worker.stop()
    pool.close()


_numbers = count(100_000)


def child(**enrollment: Any) -> dict[str, Any]:
    """Return a new child as the registration form sends it: the enrollment without a uid, attributes twice."""
    values = {district.UNIQUE: str(next(_numbers)), district.FIRST: "Amina", district.LAST: "Test"}
    attributes = [{"attribute": uid, "value": value} for uid, value in values.items()]
    generated = {
        "attributeCategoryOptions": "",
        "status": "SCHEDULE",
        "scheduledAt": "2024-11-01",
        "event": new_uid(),
        "programStage": district.BIRTH,
        "program": district.PROGRAM,
        "orgUnit": district.ONE,
    }
    return {
        "trackedEntity": new_uid(),
        "orgUnit": district.ONE,
        "trackedEntityType": district.TYPE,
        "attributes": attributes,
        "enrollments": [
            {
                "program": district.PROGRAM,
                "status": "ACTIVE",
                "orgUnit": district.ONE,
                "enrolledAt": "2024-11-01",
                "attributes": [dict(attribute) for attribute in attributes],
                "events": [generated],
                **enrollment,
            }
        ],
    }


@dataclass(frozen=True, slots=True)
class Registered:
    """A child that the hub knows."""

    entity: str
    enrollment: str
    event: str
    number: str


@pytest.fixture
def registered(hub: Hub) -> Registered:
    """A child registered as the Capture app does it; the enrollment's uid is learned from the report."""
    return register(hub)


def register(hub: Hub, **enrollment: Any) -> Registered:
    """Register a child; return what the app keeps of the answer."""
    sent = child(**enrollment)
    answer = hub.admin.post("/api/42/tracker?async=false", json={"trackedEntities": [sent]})
    assert answer.status_code == 200, answer.text
    reports = answer.json()["bundleReport"]["typeReportMap"]
    [entity], [enrolled] = (reports[type]["objectReports"] for type in ("TRACKED_ENTITY", "ENROLLMENT"))
    event = sent["enrollments"][0]["events"][0]["event"]
    return Registered(entity["uid"], enrolled["uid"], event, sent["attributes"][0]["value"])
