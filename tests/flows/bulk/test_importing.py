"""`$import` against a hub: files that are fetched and lines that are sent, what is wrong with them, interruptions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import orjson
import pytest

from adapters.fhir.bulk import importing
from adapters.outside import Outside
from hub import bulk
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.flows.bulk.conftest import ASYNC, lines, work
from tracker_core.database import Pool, Rollback, transaction
from tracker_core.metadata import bootstrap


@dataclass(slots=True)
class Store:
    """A server of files; `status` is what it answers for those it has."""

    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = store.files.get(self.path)
                self.send_response(store.status if content is not None else 404)
                self.send_header("content-length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.server_address[1])

    def url(self, path: str) -> str:
        """Where a file is."""
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def store() -> Iterator[Store]:
    """A server of files."""
    made = Store()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def runtime(pool: Pool, tmp_path: Path, store: Store) -> Runtime:
    """A runtime that may fetch from the server of files."""
    with transaction(pool) as session:
        bootstrap(session)
    where = Outside((ip_network("127.0.0.0/8"),), frozenset({store.port}))
    return Runtime(pool=pool, adapters=ADAPTERS, files=tmp_path, outside=where)


def patients(count: int, start: int = 0) -> bytes:
    """Return patients as NDJSON."""
    docs = [{"resourceType": "Patient", "id": f"p{n}", "gender": "female"} for n in range(start, start + count)]
    return b"\n".join(map(orjson.dumps, docs)) + b"\n"


def manifest(*inputs: tuple[str, str]) -> dict[str, Any]:
    """Return a Parameters that names files."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            {"name": "inputSource", "valueUri": "https://source.example"},
            {"name": "storageDetail", "part": [{"name": "type", "valueCode": "https"}]},
            *(
                {"name": "input", "part": [{"name": "type", "valueCode": t}, {"name": "url", "valueUri": u}]}
                for t, u in inputs
            ),
        ],
    }


def imported(client: httpx.Client, runtime: Runtime, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for an import, let it be done, and return its result."""
    begun = client.post("/fhir/$import", json=body, headers=ASYNC)
    assert begun.status_code == 202, begun.text
    work(runtime)
    done = client.get(begun.headers["content-location"])
    assert done.status_code == 200, done.text
    result: dict[str, Any] = done.json()
    return result


def count(client: httpx.Client, type_: str) -> int:
    """Return how many records of a type there are."""
    found: int = client.get(f"/fhir/{type_}", params={"_summary": "count"}).json()["total"]
    return found


def test_files(client: httpx.Client, runtime: Runtime, store: Store) -> None:
    """The files of a manifest are fetched and written, more than a batch of them too, and no copy is left."""
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                   "subject": {"reference": "Patient/p1"}}  # fmt: skip
    store.files = {"/patients": patients(1200), "/observations": orjson.dumps(observation)}
    body = manifest(("Patient", store.url("/patients")), ("Observation", store.url("/observations")))
    result = imported(client, runtime, body)
    assert [(one["type"], one["count"]) for one in result["output"]] == [("Patient", 1200), ("Observation", 1)]
    assert result["error"] == []
    assert (count(client, "Patient"), count(client, "Observation")) == (1200, 1)
    assert client.get("/fhir/Observation", params={"subject": "Patient/p1", "_summary": "count"}).json()["total"] == 1
    assert runtime.files is not None
    assert list((runtime.files / "bulk").glob("*/input-*")) == []


def test_lines_that_were_sent(client: httpx.Client, runtime: Runtime) -> None:
    """Lines may be sent themselves, as a plain manifest names files."""
    kind = {"content-type": "application/fhir+ndjson"}
    begun = client.post("/fhir/$import", content=patients(3), headers={**ASYNC, **kind})
    assert client.get(begun.headers["content-location"]).headers["x-progress"] == "waiting"
    bulk.turn(runtime)
    assert client.get(begun.headers["content-location"]).headers["x-progress"] == "file 1 of 1, 0 lines"
    work(runtime)
    assert client.get(begun.headers["content-location"]).json()["output"][0]["count"] == 3
    assert count(client, "Patient") == 3


def test_more_lines_than_a_body_may_hold(client: httpx.Client) -> None:
    """What is sent to `$import` counts as an uploaded file, not as a request; other bodies keep their limit."""
    line = orjson.dumps({"resourceType": "Basic", "id": "b", "code": {"text": "x" * 100_000}})
    kind = {"content-type": "application/fhir+ndjson"}
    large = b"\n".join([line] * 180)
    begun = client.post("/fhir/$import", content=large, headers={**ASYNC, **kind})
    assert begun.status_code == 202
    assert client.delete(begun.headers["content-location"]).status_code == 202
    assert client.post("/fhir", content=large, headers={"content-type": "application/fhir+json"}).status_code == 413


def test_wrong_lines(client: httpx.Client, runtime: Runtime, store: Store) -> None:
    """What is wrong is told by file, line and element; the other lines are written."""
    wrong = [
        b"{",
        b'{"resourceType":"Observation"}',
        b'{"resourceType":"Patient","id":"a/b"}',
        b'{"resourceType":"Patient","gender":"blue"}',
        b"",
        b'{"resourceType":"Patient","id":"good"}',
    ]
    store.files = {"/mixed": b"\r\n".join(wrong)}
    result = imported(client, runtime, manifest(("Patient", store.url("/mixed"))))
    assert result["output"][0]["count"] == 1
    told = lines(client, result, "error")
    places = [one["issue"][0]["expression"][0].removeprefix(store.url("/mixed ")) for one in told]
    assert places == ["line 1", "line 2", "line 3", "line 4: gender"]
    assert count(client, "Patient") == 1


def test_files_that_cannot_be_had(client: httpx.Client, runtime: Runtime, store: Store, pool: Pool) -> None:
    """A file that is not there, may not be reached, or stays away is named; the others are written."""
    store.files = {"/there": patients(1)}
    private = "http://169.254.169.254/x"
    missing = store.url("/missing")
    body = {
        "inputFormat": "application/fhir+ndjson",
        "input": [{"url": one} for one in (missing, private, store.url("/there"))],
    }
    result = imported(client, runtime, body)
    told = [one["issue"][0] for one in lines(client, result, "error")]
    assert [one["expression"][0] for one in told] == [missing, private]
    assert "404" in told[0]["diagnostics"]
    assert [one["count"] for one in result["output"]] == [0, 0, 1]
    store.status = 503
    begun = client.post("/fhir/$import", json=manifest(("Patient", store.url("/there"))), headers=ASYNC)
    for _ in range(12):
        work(runtime)
        with transaction(pool) as session:
            session.execute("update bulk_order set due = now()")
    work(runtime)
    result = client.get(begun.headers["content-location"]).json()
    assert "503" in lines(client, result, "error")[0]["issue"][0]["diagnostics"]


def test_turns_that_are_lost(client: httpx.Client, runtime: Runtime, store: Store) -> None:
    """A worker that dies after each batch and before it noted that changes nothing: no line is written twice."""
    text = patients(600) + b'{"resourceType":"Patient","gender":"male"}\n{"resourceType":"Patient","gender":"blue"}\n'
    store.files = {"/patients": text}
    begun = client.post("/fhir/$import", json=manifest(("Patient", store.url("/patients"))), headers=ASYNC)
    assert runtime.files is not None
    for _ in range(20):
        with transaction(runtime.pool) as session, session.transaction():
            folder = runtime.files / "bulk"
            importing.advance(session, folder, runtime.outside, lambda *said: bulk._accept(runtime, *said))
            raise Rollback
        bulk.turn(runtime)
    result = client.get(begun.headers["content-location"]).json()
    assert result["output"][0]["count"] == 601
    assert len(lines(client, result, "error")) == 1
    assert count(client, "Patient") == 601
    assert client.get("/fhir/Patient/p1").json()["meta"]["versionId"] == "1"


def test_an_owner_who_left(client: httpx.Client, runtime: Runtime, pool: Pool) -> None:
    """Nothing is written for a user who may not log in any more."""
    kind = {"content-type": "application/fhir+ndjson"}
    nurse = ("nurse", "also-secret-enough")
    begun = client.post("/fhir/$import", content=patients(2), headers={**ASYNC, **kind}, auth=nurse)
    with transaction(pool) as session:
        session.execute("update user_account set disabled = true where username = 'nurse'")
    work(runtime)
    result = client.get(begun.headers["content-location"]).json()
    assert result["output"][0]["count"] == 0
    assert len(lines(client, result, "error")) == 2
    assert count(client, "Patient") == 0


def test_long_lines(tmp_path: Path) -> None:
    """A line that is too long is passed over without being kept in memory; the next one is read."""
    path = tmp_path / "long"
    path.write_bytes(b"x" * (importing.LONGEST * 2 + 5) + b"\nshort\n")
    with path.open("rb") as opened:
        first, second = [*importing._take(opened), *importing._take(opened)]
        assert opened.read() == b""
    assert len(first) == importing.LONGEST + 1
    assert second == b"short\n"


def test_refusals(client: httpx.Client) -> None:
    """A manifest that cannot be followed, and one without the header, is refused."""
    refused = client.post("/fhir/$import", json={"other": 1}, headers=ASYNC)
    assert refused.status_code == 400
    assert "does not offer other" in refused.json()["issue"][0]["diagnostics"]
    assert client.post("/fhir/$import", json=manifest(("Patient", "http://x"))).status_code == 400
