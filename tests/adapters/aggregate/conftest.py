"""A receiving hub for the tests of aggregate formats: metadata, the way in, and its HTTP face on a real socket."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.aggregate import ADAPTER
from adapters.contract import Accepted, Envelope, Reading, Sender
from tests.conftest import serving
from tracker_core import aggregates, history, metadata, peers
from tracker_core.aggregates import blueprint, definitions
from tracker_core.context import Peer, User
from tracker_core.database import AsyncPool, Pool, Session, reading, transaction
from tracker_core.errors import HubError
from tracker_core.issues import Issue, Report

REPORT = {
    "code": "IDSR",
    "name": "Monthly disease report",
    "dataSet": "IDSR_M",
    "source": {"kind": "diagnoses", "count": "conditions", "place": "visit"},
    "groups": [{"dataElement": "MALARIA", "codes": ["B50-B54"]}, {"dataElement": "PNEUMONIA", "codes": ["J12-J18"]}],
    "age": {"category": "ageGroup", "options": ["P0Y--P5Y", "P5Y--P9999Y"]},
    "sex": {"category": "sex", "options": ["M", "F"]},
}
UNITS = [
    {"id": "DistrictAAA", "code": "D1", "name": "District", "openingDate": "2000-01-01"},
    {
        "id": "HealthPostA",
        "code": "F1",
        "name": "Health post",
        "openingDate": "2000-01-01",
        "parent": {"id": "DistrictAAA"},
    },
    {"id": "ClinicBBBBB", "code": "F2", "name": "Clinic", "openingDate": "2000-01-01", "parent": {"id": "DistrictAAA"}},
]


@dataclass
class Receiver:
    """Takes documents as a hub does: parse, read, apply in one transaction, answer."""

    pool: Pool
    peer: Peer
    direct: AsyncPool | None = None

    def load(self, payload: dict[str, Any]) -> None:
        """Import metadata."""
        with transaction(self.pool) as session:
            report = metadata.import_objects(session, history.open_change_set(session, "tester"), payload)
            assert not report.errors, report.errors

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Process bytes and return the end of it."""
        sender = Sender(self.peer, datetime.now(UTC), envelope.parameters)
        report, error = Report(rejected=True), None
        try:
            reading: Reading = ADAPTER.read(ADAPTER.parse(raw, envelope), sender)
            with transaction(self.pool) as session:
                context = history.open_change_set(session, user.username, self.peer)
                outcomes, issues = aggregates.apply_values(session, context, reading.changes.aggregates)
                report = Report(outcomes, [*reading.issues, *issues])
                if reading.dry_run:
                    session.rollback()
        except HubError as failure:
            report.issues.append(Issue("refused", failure.detail))
            error = failure
        return Accepted(1, report, ADAPTER.answer(raw, envelope, report, error), error)

    def reading(self) -> AbstractContextManager[Session]:
        """A session for reading."""
        return reading(self.pool)

    def session(self) -> AbstractContextManager[Session]:
        """A session for reading."""
        return transaction(self.pool)

    def values(self) -> dict[tuple[str, str, str, str], str]:
        """Everything stored: (element code, period, org unit code, option combo name) -> value."""
        with transaction(self.pool) as session:
            rows = session.execute(
                "select coalesce(e.code, e.uid), v.period, u.code, coalesce(o.name, 'default'), v.value"
                " from aggregate_value v join org_unit u on u.pk = v.org_unit"
                " join metadata_object e on e.uid = v.data_element"
                " left join metadata_object o on o.uid = v.category_option_combo where not v.deleted"
            )
            return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}


@pytest.fixture
def bare(pool: Pool) -> Receiver:
    """A hub as it is born, with one peer."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        return Receiver(pool, peers.save(session, "sender", "aggregate"))


@pytest.fixture
def receiver(bare: Receiver) -> Receiver:
    """A hub that knows the report's metadata and three org units."""
    definition, issues = definitions.parse(REPORT)
    assert definition is not None, issues
    bare.load({"organisationUnits": UNITS, **blueprint.metadata_of(definition)})
    return bare


@pytest.fixture
def server(receiver: Receiver) -> Iterator[str]:
    """The receiver's face on a real socket; yields its address."""
    app = Starlette(
        routes=list(ADAPTER.face.routes(receiver)) if ADAPTER.face else [],
        middleware=[Middleware(_log_in)],
        exception_handlers={HubError: _refusal},
    )
    with serving(app) as address:
        yield address


def _log_in(app: ASGIApp) -> ASGIApp:
    async def logged_in(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["user"] = User("UserAAAAAAA", "tester")
        await app(scope, receive, send)

    return logged_in


def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    assert ADAPTER.face is not None
    body, content_type = ADAPTER.face.refuse(409, error.detail)
    return Response(body, 409, media_type=content_type)
