"""Files of an EMR through the hub: over HTTP and from a watched folder, on a real database and real sockets."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.contract import Accepted, Envelope
from adapters.emr import ADAPTER
from adapters.emr.http import FACE
from adapters.emr.watch import watch
from hub.access import HubAccess
from hub.runtime import Runtime
from tests.flows.faces import ADMIN, serving
from tracker_core import messages, metadata, peers, records
from tracker_core.database import Pool, transaction

VISITS = Path(__file__).parent.parent / "adapters" / "emr" / "samples" / "visits.csv"
HEAD = "patient_id,visit_id,visit_date,diagnoses\n"


@pytest.fixture
def access(pool: Pool) -> HubAccess:
    """The hub's way in."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        peers.save(session, "hc1", "emr")
    return HubAccess(Runtime(pool=pool, adapters={"emr": ADAPTER}))


@pytest.fixture
def client(access: HubAccess) -> Iterator[httpx.Client]:
    """A client of the face on a socket of its own."""
    with serving(FACE, access) as opened:
        yield opened


def test_upload_result_and_export(client: httpx.Client) -> None:
    """A file goes in, its result can be read again, its rows come out, and sending it twice is one message."""
    raw = VISITS.read_bytes()
    first = client.post("/hub/emr/hc1", content=raw, headers={"content-type": "text/csv"})
    assert first.status_code == 200
    assert first.text.splitlines() == ["line,status,column,reason", "2,accepted,,", "3,accepted,,", "4,accepted,,"]
    again = client.post("/hub/emr/hc1", content=raw)
    assert (again.headers["location"], again.text) == (first.headers["location"], first.text)
    assert client.get(first.headers["location"]).text == first.text
    out = client.get("/hub/emr/hc1/export", params={"from": "2024-03-01", "to": "2024-03-31"})
    assert out.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(out.text.splitlines()) == 4
    back = client.post("/hub/emr/hc1", content=out.content)
    assert [line.split(",")[1] for line in back.text.splitlines()[1:]] == ["accepted"] * 3
    rows = client.get("/hub/emr/hc1/export?as=ndjson&from=2024-03-04")
    assert rows.headers["content-type"] == "application/x-ndjson"
    assert rows.json()["visit_id"] == "V003"


def test_good_rows_are_applied_beside_bad_ones(client: httpx.Client, pool: Pool) -> None:
    """Rows stand alone; the result names the bad one, as JSON when asked."""
    raw = f"{HEAD}P1,V1,2024-03-01,B54\nP2,V2,2024-13-01,B54\n"
    answer = client.post("/hub/emr/hc1?result=ndjson", content=raw)
    assert [line.split(", ")[1] for line in answer.text.splitlines()] == [
        '"status": "accepted"',
        '"status": "rejected"',
    ]
    with transaction(pool) as session:
        assert len(records.search(session, "Encounter", []).matches) == 1


def test_files_come_in_forms(client: httpx.Client) -> None:
    """A browser's form holds the file; a form without one is refused."""
    sent = client.post("/hub/emr/hc1", files={"file": ("visits.csv", VISITS.read_bytes(), "text/csv")})
    assert sent.status_code == 200
    empty = client.post("/hub/emr/hc1", files={"note": (None, "no file")})
    assert (empty.status_code, empty.text) == (400, "the form holds no file\n")


@pytest.mark.parametrize(
    ("raw", "status", "row"),
    [
        (
            b"patient_id,visit_id,visit_date,diagnosis\nP,V,2024-03-01,B54\n",
            422,
            "1,rejected,diagnosis,'diagnosis' is no",
        ),
        (b"PK\x03\x04xl", 400, ",rejected,,the file is no spreadsheet"),
        (b"", 400, ",rejected,,the file is empty"),
    ],
)
def test_refused_files_change_nothing_and_are_kept(
    client: httpx.Client, pool: Pool, raw: bytes, status: int, row: str
) -> None:
    """A wrong column refuses the file: nothing is applied, the bytes are there to look at and to replay."""
    answer = client.post("/hub/emr/hc1", content=raw)
    assert answer.status_code == status
    assert answer.text.splitlines()[1].startswith(row)
    with transaction(pool) as session:
        assert messages.read(session, int(answer.headers["x-message"])).body == raw
        assert records.search(session, "Patient", []).matches == []


def test_files_are_their_peers_own(client: httpx.Client, pool: Pool) -> None:
    """A user of another peer reads neither results nor exports; unknown peers, messages and layouts are told."""
    with transaction(pool) as session:
        other = peers.save(session, "hc2", "emr")
        own = peers.read(session, "hc1")
    location = client.post("/hub/emr/hc1", content=VISITS.read_bytes()).headers["location"]
    foreign, home = {"x-peer": str(other.id)}, {"x-peer": str(own.id)}
    assert client.get(location, headers=foreign).status_code == 403
    assert client.post("/hub/emr/hc1", content=VISITS.read_bytes(), headers=foreign).status_code == 403
    assert client.post("/hub/emr/nobody", content=VISITS.read_bytes(), headers=foreign).status_code == 403
    assert client.post("/hub/emr/hc1", content=VISITS.read_bytes(), headers=home).status_code == 200
    assert client.get("/hub/emr/hc1/export", headers=foreign).status_code == 403
    assert client.get("/hub/emr/hc1/export", headers=home).status_code == 200
    assert client.get("/hub/emr/hc1/export?of=all", headers=home).status_code == 403
    assert len(client.get("/hub/emr/hc2/export?of=all").text.splitlines()) == 4
    assert client.get(location.replace("hc1", "hc2")).status_code == 404
    assert client.get("/hub/emr/nobody/export").status_code == 404
    assert client.get("/hub/emr/hc1/export?as=xls").status_code == 422
    assert client.get("/hub/emr/hc1/export?from=soon").status_code == 400


def test_watched_folder_feeds_the_hub(access: HubAccess, pool: Pool, tmp_path: Path) -> None:
    """A dropped file is applied, answered beside, and put away; after a crash before the move it is one message."""
    stop, taken = threading.Event(), threading.Event()

    def accept(raw: bytes, envelope: Envelope) -> Accepted:
        accepted = access.accept("emr", raw, envelope, ADMIN, "hc1")
        taken.set()
        return accepted

    accept(VISITS.read_bytes(), Envelope("text/csv"))
    taken.clear()
    thread = threading.Thread(target=watch, args=(tmp_path, accept, stop, 0.02))
    thread.start()
    (tmp_path / "visits.csv").write_bytes(VISITS.read_bytes())
    assert taken.wait(30)
    stop.set()
    thread.join()
    assert (tmp_path / "done" / "visits.csv").exists()
    assert (tmp_path / "visits.csv.result.csv").read_text().count("accepted") == 3
    with transaction(pool) as session:
        assert session.execute("select count(*) from message").fetchone() == (1,)
