"""Two hubs over a real socket: reports pushed, answers understood, values read back."""

import json
from typing import Any

import httpx
import pytest

from adapters.aggregate import ADAPTER
from adapters.aggregate.outbound import judge
from adapters.contract import Outgoing, Receipt
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported

ADX, JSON, MEASURE = "application/adx+xml", "application/json", "application/fhir+json"


def value(
    unit: str = "HealthPostA", text: str = "5", period: str = "202403", element: str = "MALARIA"
) -> dict[str, str]:
    """One data value, org unit by uid."""
    return {"dataElement": element, "period": period, "orgUnit": unit, "value": text}


def document(*values: dict[str, str], **envelope: Any) -> bytes:
    """A JSON data value set with data elements by code."""
    return json.dumps({"dataElementIdScheme": "CODE", "dataValues": values, **envelope}).encode()


def push(address: str | None, body: bytes, content_type: str = JSON, **settings: Any) -> Receipt:
    """Send bytes to a peer."""
    assert ADAPTER.send is not None
    peer = Peer(
        1, "ministry", "", "aggregate", address, {"content_type": content_type, **settings}, settings.get("secret")
    )
    return ADAPTER.send(Outgoing(body, content_type, "TH7", "dataValueSet"), peer)


def test_a_push_is_answered_value_by_value(receiver: Any, server: str) -> None:
    """What the receiver takes is acknowledged and what it refuses is refused, each at its own position."""
    receipt = push(server, document(value(), value("NowhereAAAA"), value(text="many")))
    assert receipt.accepted
    assert receipt.items["0"] == ""
    assert receipt.items["1"] == "E7612 Organisation unit not found or not accessible: `NowhereAAAA`"
    assert receipt.items["2"].startswith("E7619 ")
    assert [issue.code for issue in receipt.issues] == ["E7612", "E7619"]
    assert receiver.values() == {("MALARIA", "202403", "F1", "default"): "5"}


def test_adx_and_measure_reports_are_pushed_too(receiver: Any, server: str) -> None:
    """ADX goes to the value sets, one MeasureReport by PUT and several as a Bundle to the FHIR base."""
    adx = (
        '<adx xmlns="urn:ihe:qrph:adx:2015" exported="2024-04-01T00:00:00Z"><group orgUnit="F1"'
        ' period="2024-03-01/P1M" dataSet="IDSR_M"><dataValue dataElement="MALARIA" ageGroup="P0Y--P5Y" sex="M"'
        ' value="4"/><dataValue dataElement="CHOLERA" value="1"/></group></adx>'
    )
    receipt = push(server, adx.encode(), ADX)
    assert receipt.items == {"0": "", "1": "E7610 Data element not found or not accessible: `CHOLERA`"}
    report = {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": "urn:dhis2:dataSets:IDSR_M",
        "subject": {"reference": "#here"},
        "contained": [{"resourceType": "Location", "id": "here", "identifier": [{"value": "F2"}]}],
        "period": {"start": "2024-03-01", "end": "2024-03-31"},
        "group": [{"code": {"coding": [{"code": "PNEUMONIA"}]}, "population": [{"count": 9}]}],
    }
    assert push(f"{server}/api/madx", json.dumps(report).encode(), MEASURE).items == {"0": ""}
    wrong = {**report, "subject": {"reference": "Location/nowhere"}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": wrong}, {"resource": report}]}
    receipt = push(f"{server}/api/madx", json.dumps(bundle).encode(), MEASURE)
    assert receipt.items == {"0": "E7612 Organisation unit not found or not accessible: `nowhere`", "1": ""}
    assert receiver.values() == {
        ("MALARIA", "202403", "F1", "P0Y--P5Y, M"): "4",
        ("PNEUMONIA", "202403", "F2", "default"): "9",
    }


def test_a_closed_period_is_named_with_its_code(receiver: Any, server: str) -> None:
    """The receiver's lock comes back as E7640, by which the sender knows that the value is owed."""
    with receiver.session() as session:
        (doc,) = session.execute("select doc from metadata_object where type = 'dataSets'").fetchone()
    receiver.load({"dataSets": [{**doc, "expiryDays": 10}]})
    receipt = push(server, document(value()))
    assert receipt.items["0"].startswith("E7640 Current date is past expiry days for period: `202403`")


def test_values_are_read_back_in_every_format(receiver: Any, server: str) -> None:
    """What was pushed is exported below a parent, as JSON, ADX or MeasureReport; nothing found is an empty document."""
    push(server, document(value(), value("ClinicBBBBB", "3")))
    query = {"dataSet": "IDSR_M", "period": "202403", "orgUnit": "DistrictAAA", "children": "true"}
    url = f"{server}/api/41/dataValueSets"
    found = httpx.get(url, params=query | {"idScheme": "CODE"}).json()
    assert [(v["dataElement"], v["orgUnit"], v["value"]) for v in found["dataValues"]] == [
        ("MALARIA", "F2", "3"),
        ("MALARIA", "F1", "5"),
    ]
    for content_type, expected in ((ADX, b'value="5"'), (MEASURE, b'"MeasureReport"')):
        answer = httpx.get(url, params=query, headers={"accept": content_type})
        assert (answer.status_code, expected in answer.content) == (200, True)
        empty = httpx.get(url, params=query | {"period": "202001"}, headers={"accept": content_type})
        assert (empty.status_code, b"valu" in empty.content) == (200, False)
    assert httpx.get(url, params=query | {"period": "202001"}).json() == {"dataValues": []}


INCOMPLETE: list[tuple[dict[str, str], str]] = [
    ({}, "E2001"),
    ({"dataSet": "IDSR_M"}, "E2002"),
    ({"dataSet": "IDSR_M", "period": "202403"}, "E2006"),
    ({"dataSet": "IDSR_M", "period": "202403", "orgUnit": "F1", "startDate": "2024-01-01"}, "E2003"),
    ({"dataSet": "IDSR_M", "startDate": "2024-02-01", "endDate": "2024-01-01", "orgUnit": "F1"}, "E2004"),
    ({"dataSet": "IDSR_M", "lastUpdatedDuration": "2x", "orgUnit": "F1"}, "E2005"),
    ({"dataSet": "NONE"}, "'NONE' is not found in dataSets"),
    ({"dataSet": "IDSR_M", "startDate": "yesterday"}, "startDate is not a date"),
    ({"dataSet": "IDSR_M", "lastUpdated": "yesterday"}, "lastUpdated is not a date"),
]


def test_an_export_says_what_it_lacks(server: str) -> None:
    """A query without its required parts is 409 with DHIS2's code."""
    for query, code in INCOMPLETE:
        answer = httpx.get(f"{server}/api/dataValueSets", params=query)
        assert answer.status_code == 409
        assert answer.json()["message"].startswith(code)


def test_deltas_are_read_by_time_and_deletions_on_request(receiver: Any, server: str) -> None:
    """`lastUpdatedDuration` finds what changed, `includeDeleted` shows the deleted."""
    push(server, document(value(), value("ClinicBBBBB")))
    push(server, document({**value(), "deleted": True}))  # type: ignore[dict-item]
    url = f"{server}/api/dataValueSets"
    query = {"dataElement": "MALARIA", "lastUpdatedDuration": "1d", "orgUnit": "D1", "children": "true"}
    assert [v["orgUnit"] for v in httpx.get(url, params=query).json()["dataValues"]] == ["ClinicBBBBB"]
    found = httpx.get(url, params=query | {"includeDeleted": "true"}).json()["dataValues"]
    assert [(v["orgUnit"], v.get("deleted", False)) for v in found] == [("ClinicBBBBB", False), ("HealthPostA", True)]
    assert len(httpx.get(url, params=query | {"limit": "0"}).json()["dataValues"]) == 0
    later = {"dataElement": "MALARIA", "lastUpdated": "2999-01-01", "orgUnit": "D1", "children": "true"}
    assert httpx.get(url, params=later).json()["dataValues"] == []


def test_a_dry_run_stores_nothing(receiver: Any, server: str) -> None:
    """`dryRun=true` answers as the import would and leaves no trace."""
    answer = httpx.post(f"{server}/api/dataValueSets", params={"dryRun": "true"}, content=document(value()))
    assert answer.json()["response"]["importCount"]["imported"] == 1
    assert receiver.values() == {}


UNREADABLE = [
    (JSON, b"{", 400, "not JSON"),
    (JSON, b'{"dataValues": 3}', 400, "dataValues"),
    (JSON, b'{"dataValues": [3]}', 400, "every data value is an object"),
    (JSON, b"hello", 422, "neither ADX"),
    (ADX, b"<adx", 400, "not well-formed"),
    (ADX, b"<adx/>", 400, "not adx in the namespace"),
    (ADX, b'<adx xmlns="http://ihe.net/quality/schema/adx"/>', 422, "trial version"),
    (ADX, b'<!DOCTYPE adx [<!ENTITY a "b">]><adx xmlns="urn:ihe:qrph:adx:2015"/>', 400, "document type"),
    ("application/xml", b'<dataValueSet xmlns="urn:other"/>', 400, "namespace"),
    ("text/csv", b"", 400, "header row"),
    ("text/csv", b"period,value\n", 400, "lacks dataElement, orgUnit"),
    ("text/csv", b"\xff", 400, "UTF-8"),
    (MEASURE, b"[]", 422, "neither ADX"),
    (MEASURE, b'{"resourceType":"Patient"}', 422, "Patient is not taken here"),
    (MEASURE, b'{"resourceType":"MeasureReport","type":"individual"}', 422, "summary"),
    (MEASURE, b'{"resourceType":', 400, "not JSON"),
]


def test_what_cannot_be_read_is_refused(server: str) -> None:
    """Wrong bytes get a clear refusal in the format's own words, and nothing happens."""
    for content_type, body, status, text in UNREADABLE:
        answer = httpx.post(f"{server}/api/dataValueSets", content=body, headers={"content-type": content_type})
        assert answer.status_code == status, (body, answer.text)
        assert text in answer.text, (body, answer.text)


def test_entities_are_never_expanded(receiver: Any, server: str) -> None:
    """A document that reaches for a file is refused before anything is read from it."""
    body = (
        b'<!DOCTYPE adx [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
        b'<adx xmlns="urn:ihe:qrph:adx:2015"><group orgUnit="&secret;"/></adx>'
    )
    answer = httpx.post(f"{server}/api/dataValueSets", content=body, headers={"content-type": ADX})
    assert (answer.status_code, b"root:" in answer.content) == (400, False)


def test_a_receiver_that_is_away_is_asked_again(server: str) -> None:
    """No connection and 5xx raise Unavailable; a missing or foreign address is a fault of the settings."""
    with pytest.raises(Unavailable, match="cannot be reached"):
        push("http://127.0.0.1:9", document(value()))
    for address in (None, "ftp://example.org", "http://host:port"):
        with pytest.raises(Unsupported):
            push(address, document(value()))


def test_a_refusal_without_verdicts_is_final(server: str) -> None:
    """A 404 of a server that is no receiver refuses the whole message, whatever credentials came along."""
    for settings in (
        {"secret": "user:pass"},
        {"secret": "d2pat_x", "auth": "token"},
        {"secret": "x", "auth": "bearer"},
    ):
        receipt = push(f"{server}/elsewhere", document(value()), **settings)
        assert not receipt.accepted
        assert receipt.items == {}


SENT = Outgoing(document(value(), value("ClinicBBBBB")), JSON, "TH1", "dataValueSet")


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        ({"status": "SUCCESS", "importCount": {"ignored": 0}}, {"0": "", "1": ""}),
        (
            {"response": {"importCount": {"ignored": 1}, "rejectedIndexes": [1]}},
            {"0": "", "1": "refused by the receiver"},
        ),
        (
            {"importCount": {"ignored": 1}, "conflicts": [{"object": "ClinicBBBBB", "value": "no such unit"}]},
            {"0": "", "1": "refused no such unit"},
        ),
        (
            {"importCount": {"ignored": 2}, "conflicts": [{"object": "x", "value": "locked", "errorCode": "E8030"}]},
            {"0": "E8030 locked", "1": "E8030 locked"},
        ),
        (
            {"importCount": {"ignored": 0}, "status": "ERROR", "description": "broken"},
            {"0": "broken", "1": "broken"},
        ),
        (
            {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "processing"}]},
            {"0": "processing", "1": "processing"},
        ),
    ],
)
def test_answers_of_many_servers_are_understood(answer: dict[str, Any], items: dict[str, str]) -> None:
    """Positions, objects, or neither: what is not clearly taken stays open with what the receiver said."""
    assert judge(409, json.dumps(answer).encode(), SENT).items == items


@pytest.mark.parametrize(
    ("status", "body", "accepted"), [(200, b"", True), (200, b"<html>", True), (401, b"[]", False)]
)
def test_answers_without_a_summary_go_by_their_status(status: int, body: bytes, accepted: bool) -> None:
    """A body that says nothing leaves the status to decide."""
    receipt = judge(status, body, SENT)
    assert (receipt.accepted, receipt.items) == (accepted, {})
    assert bool(receipt.issues) != accepted


def test_faults_of_ours_and_refusals_have_a_web_message(receiver: Any) -> None:
    """The answer to an exception keeps its detail to itself unless it is one of the six."""
    from adapters.aggregate.answers import answer, status_of
    from adapters.contract import Envelope
    from tracker_core.issues import Report

    body = answer(b"{}", Envelope(), Report(rejected=True), ValueError("secret"))
    assert (status_of(body, ValueError("secret")), b"secret" in body) == (500, False)
    body = answer(b"?", Envelope(), Report(rejected=True), Unsupported("not that"))
    assert json.loads(body)["message"] == "not that"
