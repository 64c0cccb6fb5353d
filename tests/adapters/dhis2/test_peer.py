"""Sending persons to a DHIS2 instance: the payload, the wire, and what its answers mean."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest

from adapters.contract import Outgoing, Sender, View
from adapters.dhis2 import peer
from hub.access import HubAccess
from hub.views import load_person
from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported


def national(address: str | None = None, secret: str | None = None, **settings: Any) -> Peer:
    """A peer that is a DHIS2 instance."""
    return Peer(1, "national", "National", "dhis2", address, settings, secret)


@pytest.fixture
def view(way: HubAccess, client: Client) -> View:
    """A stored person, as loaded at send time."""
    client.post("/api/tracker", json={"trackedEntities": [person()]}, params={"async": "false"})
    with way.session() as session:
        [(pk,)] = session.execute("select pk from tracked_entity").fetchall()
        return load_person(session, "tracker", pk)


def test_what_is_sent_can_be_imported(view: View, client: Client) -> None:
    """The payload of a stored person is one that the import takes, and changes nothing where it came from."""
    sender = Sender(national(), datetime.now(UTC))
    raw = peer.render(peer.write(view, sender, "c1"), sender)
    [sent] = orjson.loads(raw)["trackedEntities"]
    assert "createdAt" not in sent
    values = {value["dataElement"]: value for value in sent["enrollments"][0]["events"][0]["dataValues"]}
    assert values["DeResult000"]["providedElsewhere"] is True
    answer = client.post("/api/tracker", json={"trackedEntities": [sent]}, params={"async": "false"})
    assert answer.json()["stats"] == {"created": 0, "updated": 3, "deleted": 0, "ignored": 0, "total": 3}


def test_metadata_may_be_called_otherwise_there(view: View) -> None:
    """The peer's `uids` translate metadata, never the objects themselves."""
    sender = Sender(national(uids={"OuClinicA00": "OuTheirs001", "DeTemp00000": "DeTheirs001"}), datetime.now(UTC))
    [sent] = peer.write(view, sender, "c1")["trackedEntities"]
    event = sent["enrollments"][0]["events"][0]
    assert (sent["trackedEntity"], sent["orgUnit"]) == ("TePerson001", "OuTheirs001")
    assert {value["dataElement"] for value in event["dataValues"]} == {"DeTheirs001", "DeResult000"}


def test_only_persons_can_be_sent(view: View) -> None:
    """A report or a reminder is not for a tracker."""
    with pytest.raises(Unsupported):
        peer.write(View("report", "x"), Sender(national(), datetime.now(UTC)), "c1")


REPORT: dict[str, Any] = {
    "status": "ERROR",
    "validationReport": {"errorReports": [{"errorCode": "E1049", "message": "Not found", "uid": "TePerson001"}]},
    "bundleReport": {"typeReportMap": {"EVENT": {"objectReports": [{"uid": "EvPerson001"}]}}},
}


def test_a_report_is_read_to_the_item() -> None:
    """Refused objects come with code and reason, stored ones with nothing; a report with errors is not accepted."""
    receipt = peer.read_answer(409, orjson.dumps(REPORT))
    assert not receipt.accepted
    assert receipt.items == {"EvPerson001": "", "TePerson001": "E1049 Not found"}
    assert [issue.code for issue in receipt.issues] == ["E1049"]
    fine = peer.read_answer(200, orjson.dumps(REPORT | {"status": "OK", "validationReport": {"errorReports": []}}))
    assert fine.accepted


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"message": "User is locked"}'])
def test_other_answers_are_refusals(body: bytes) -> None:
    """What is no report is final, and kept as it came."""
    receipt = peer.read_answer(401, body)
    assert not receipt.accepted
    assert receipt.answer == body
    assert receipt.issues


class Instance(BaseHTTPRequestHandler):
    """A DHIS2 instance that answers with the server's `status` and notes what it got."""

    def do_POST(self) -> None:
        """Note the request, answer a report."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got = (self.path, self.headers["authorization"], body)  # type: ignore[attr-defined]
        answer = orjson.dumps({"status": "OK", "validationReport": {"errorReports": []}})
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def instance() -> Iterator[HTTPServer]:
    """The instance, on a port of its own."""
    server = HTTPServer(("127.0.0.1", 0), Instance)
    server.status = 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


OUTGOING = Outgoing(b"{}", "application/json", "c1", "tracker")


def test_the_wire(instance: HTTPServer) -> None:
    """Bytes go to `/api/tracker` with the peer's credentials, by password or token."""
    address = f"http://127.0.0.1:{instance.server_port}/"
    assert peer.send(OUTGOING, national(address, "user:secret")).accepted
    path, authorization, body = instance.got  # type: ignore[attr-defined]
    assert path.startswith("/api/tracker?async=false")
    assert authorization.startswith("Basic ")
    assert body == b"{}"
    assert peer.send(OUTGOING, national(address, "d2pat_x", auth="token")).accepted
    assert instance.got[1] == "ApiToken d2pat_x"  # type: ignore[attr-defined]
    instance.status = 503  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        peer.send(OUTGOING, national(address))


def test_an_instance_that_is_away_is_asked_again(instance: HTTPServer) -> None:
    """Nobody there is Unavailable; no address, or one that is no URL, is not."""
    with pytest.raises(Unavailable):
        peer.send(OUTGOING, national("http://127.0.0.1:9"))
    for address in (None, "ftp://example.org"):
        with pytest.raises(Unsupported):
            peer.send(OUTGOING, national(address))
