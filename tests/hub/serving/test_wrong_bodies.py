"""Wrong bodies at a running hub: a clear error in the caller's own protocol, kept for replay, nothing half applied."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Start = Callable[..., Any]  # see conftest: HubProcess
Until = Callable[[Callable[[], object]], None]

MEGABYTES = b"x" * 20_000_000
WHOLE = (
    b"MSH|^~\\&|REG|CLINIC|HUB|DISTRICT|20260301080000||ADT^A04|9|P|2.5\r"
    b"EVN||20260301080000\rPID|1||4711^^^CLINIC^MR||Okello^Amina||19900412|F\rPV1|1|O\r"
)


@pytest.fixture
def hub(serve: Start) -> Any:
    """A hub that is up."""
    return serve().wait_until_up()


@pytest.fixture
def client(hub: Any) -> Iterator[httpx.Client]:
    """A client logged in as admin."""
    with hub.client() as opened:
        yield opened


def records(client: httpx.Client) -> int:
    """How many Patients the hub holds."""
    return int(client.get("/fhir/Patient", params={"_summary": "count"}).json()["total"])


def newest(client: httpx.Client) -> dict[str, Any]:
    """The message that came last."""
    found: dict[str, Any] = client.get("/hub/messages").json()["messages"][0]
    return found


def test_wrong_bodies(hub: Any, client: httpx.Client, until: Until) -> None:
    """One hub, every wrong body of every face; at the end it holds nothing but the bytes, and works."""
    _fhir(client)
    _dhis2(client)
    _emr(client)
    _hl7v2(hub, client, until)
    assert records(client) == 0
    assert client.get("/health/ready").status_code == 200
    assert b"MSA|AA|9" in hub.ask_mllp(WHOLE)
    assert records(client) == 1


def _fhir(client: httpx.Client) -> None:
    """FHIR answers in OperationOutcomes."""
    for body, status in ((b"{not json", 400), (b"", 400), (b'"text"', 400), (MEGABYTES, 413)):
        answer = client.post("/fhir", content=body, headers={"Content-Type": "application/fhir+json"})
        assert answer.status_code == status, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert answer.json()["issue"][0]["severity"] in {"error", "fatal"}
    half = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
            {
                "resource": {"resourceType": "Patient", "gender": "bogus"},
                "request": {"method": "POST", "url": "Patient"},
            },
        ],
    }
    refused = client.post("/fhir", json=half, headers={"Content-Type": "application/fhir+json"})
    assert refused.status_code in {400, 422}
    assert "gender" in refused.text
    kept = newest(client)
    assert (kept["format"], kept["state"]) == ("fhir", "rejected")
    assert client.get(f"/hub/messages/{kept['id']}/body").json() == half


def _dhis2(client: httpx.Client) -> None:
    """DHIS2 answers in WebMessages."""
    for body, status in ((b"{not json", 400), (MEGABYTES, 413)):
        answer = client.post("/api/tracker?async=false", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, answer.text
        assert (answer.json()["httpStatusCode"], answer.json()["status"]) == (status, "ERROR")
    unknown = {"trackedEntities": [{"trackedEntityType": "aaaaaaaaaaa", "orgUnit": "bbbbbbbbbbb"}]}
    refused = client.post("/api/tracker?async=false", json=unknown)
    assert refused.status_code == 409
    codes = {report["errorCode"] for report in refused.json()["validationReport"]["errorReports"]}
    assert codes >= {"E1005", "E1049"}


def _emr(client: httpx.Client) -> None:
    """Flat files are answered by a result file."""
    answer = client.post("/hub/emr/clinic", content=b"no,such,columns\n1,2,3\n", headers={"Content-Type": "text/csv"})
    assert answer.status_code in {400, 422}, answer.text
    assert "column" in answer.text
    assert newest(client)["state"] == "rejected"


def _hl7v2(hub: Any, client: httpx.Client, until: Until) -> None:
    """MLLP answers by acknowledgement, HTTP likewise; bytes that are no message are kept too."""
    cut = WHOLE[: WHOLE.index(b"4711")].replace(b"|9|P", b"|7|P")
    assert b"MSA|AE|7" in hub.ask_mllp(cut)
    assert newest(client)["state"] == "rejected"
    with socket.create_connection(hub.mllp) as wire:
        wire.sendall(b"\x0b" + WHOLE[:60])
    until(lambda: newest(client)["type"] == "fault")
    fault = newest(client)
    assert (fault["state"], client.get(f"/hub/messages/{fault['id']}/body").content) == ("rejected", WHOLE[:60])
    assert b"MSA|AR" in hub.ask_mllp(b"MSH|^~\\&|REG|CLINIC|||20260301||ADT^A04|8|P|2.5\rNTE|1||" + MEGABYTES)
    assert b"MSA|A" in hub.ask_mllp(b"not a message at all")
    refused = client.post("/hl7v2", content=MEGABYTES, headers={"Content-Type": "application/hl7-v2"})
    assert (refused.status_code, b"MSA|AR" in refused.content) == (400, True)  # a batch may be that large
