"""Cases arrive as FHIR, leave as a monthly report to a second hub, and a late edit follows as a delta."""

import json
from typing import Any

import pytest

from adapters.aggregate import ADAPTER
from adapters.contract import Envelope
from hub import work
from hub.access import HubAccess
from hub.runtime import Runtime
from tests.flows.faces import serving
from tracker_core import aggregates, history, messages, metadata, peers
from tracker_core.aggregates import definitions, reports
from tracker_core.aggregates.exporting import Selection, select
from tracker_core.context import Peer
from tracker_core.database import transaction

REPORT: dict[str, Any] = {
    "code": "FLOW",
    "dataSet": "FLOW_M",
    "source": {"kind": "diagnoses", "count": "conditions", "place": "visit"},
    "groups": [{"dataElement": "FLOW_MALARIA", "codes": ["B50-B54"]}],
    "age": {"category": "flowAge", "options": ["P0Y--P5Y", "P5Y--P9999Y"]},
    "sex": {"category": "flowSex", "options": ["M", "F"]},
}
UNIT = {"id": "FlowUnitAAA", "code": "FU1", "name": "Flow clinic", "openingDate": "2000-01-01"}


def equip(runtime: Runtime) -> None:
    """Give a hub the report's metadata and its clinic."""
    definition, issues = definitions.parse(REPORT)
    assert definition is not None, issues
    with transaction(runtime.pool) as session:
        payload = {"organisationUnits": [UNIT], **aggregates.metadata_of(definition)}
        report = metadata.import_objects(session, history.open_change_set(session, "tester"), payload)
        assert not report.errors, report.errors


def send_case(runtime: Runtime, clinic: Peer, name: str, code: str, born: str = "2022-02-02") -> int:
    """Post a transaction with one person's visit and diagnosis; return the message's id."""
    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": f"p{name}", "birthDate": born, "gender": "female"},
        {"resourceType": "Encounter", "id": f"v{name}", "status": "finished", "class": {"code": "AMB"}}
        | {"subject": {"reference": f"Patient/p{name}"}, "period": {"start": "2024-03-05T09:00:00+03:00"}}
        | {"serviceProvider": {"identifier": {"value": "FU1"}}},
        {"resourceType": "Condition", "id": f"c{name}", "subject": {"reference": f"Patient/p{name}"}}
        | {"encounter": {"reference": f"Encounter/v{name}"}}
        | {"code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]}},
    ]
    requests = [
        {"resource": entry, "request": {"method": "PUT", "url": f"{entry['resourceType']}/{entry['id']}"}}
        for entry in entries
    ]
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": requests}).encode()
    envelope = Envelope(content_type="application/fhir+json", method="POST", target="/fhir")
    done = work.accept(runtime, clinic, body, envelope, "tester")
    assert not done.report.errors, done.report.errors
    return done.message


def report_to(runtime: Runtime, ministry: Peer) -> int | None:
    """Compute the month, submit what the ministry lacks, and deliver it; return the submission."""
    with transaction(runtime.pool) as session:
        aggregates.run(session, history.open_change_set(session, "tester"), "FLOW", "202403")
        context = history.open_change_set(session, "tester")
        submission = aggregates.submit(session, context, ministry, "FLOW", "202403")
        if submission is not None:
            aggregates.queue(session, ministry, submission)
    for message in work.claim(runtime, "out", "test", 10):
        if message.peer == ministry.id:
            receipt = work.send(runtime, message)
            assert receipt is not None
            assert receipt.accepted
    return submission


def received(runtime: Runtime) -> dict[str, str]:
    """What a hub has of the report: option combo -> value."""
    with transaction(runtime.pool) as session:
        known = metadata.load(session)
        elements = [str(known.uid_of("dataElements", "FLOW_MALARIA"))]
        cells = select(session, Selection(elements=elements, periods=["202403"], org_units=[UNIT["id"]]))
    return {cell["categoryOptionCombo"]["name"]: cell["value"] for cell in cells}


@pytest.mark.parametrize(
    ("content_type", "path"),
    [("application/adx+xml", ""), ("application/json", ""), ("application/fhir+json", "/api/madx")],
)
def test_a_month_is_reported_and_corrected(runtime: Runtime, second: Runtime, content_type: str, path: str) -> None:
    """Both hubs end with the same numbers; the correction carries two cells; the old number keeps its old cases."""
    equip(runtime)
    equip(second)
    assert ADAPTER.face is not None
    with serving(ADAPTER.face, HubAccess(second)) as client, transaction(runtime.pool) as session:
        address = str(client.base_url).rstrip("/") + path
        clinic = peers.save(session, "clinic", "fhir")
        ministry = peers.save(
            session, "ministry", "aggregate", address=address, settings={"content_type": content_type}
        )
        assert reports.save(session, history.open_change_set(session, "tester"), REPORT) == []
        session.commit()
        send_case(runtime, clinic, "1", "B50.9")
        first = send_case(runtime, clinic, "2", "B54")
        submission = report_to(runtime, ministry)
        assert submission is not None
        assert received(second) == received(runtime) == {"P0Y--P5Y, F": "2"}
        assert report_to(runtime, ministry) is None

        send_case(runtime, clinic, "2", "B54", born="1990-01-01")
        correction = report_to(runtime, ministry)
        assert correction is not None
        assert received(second) == {"P0Y--P5Y, F": "1", "P5Y--P9999Y, F": "1"}

        states = session.execute("select distinct state from submission_value").fetchall()
        assert states == [("acknowledged",)]
        assert aggregates.owed(session, ministry) == []
        (value,) = session.execute(
            "select value from submission_value where submission = %s", (submission,)
        ).fetchone() or (0,)
        then = aggregates.why(session, value, submission)
        assert (then.number, sorted(fact.id for fact in then.facts)) == ("2", ["c1", "c2"])
        origins = {fact.id: fact.origin for fact in then.facts}
        origin = origins["c2"]
        assert origin is not None
        assert origin.message == first
        kept = messages.read(session, first)
        assert (origin.size, origin.peer, origin.type) == (len(kept.body or b""), "clinic", kept.type)
