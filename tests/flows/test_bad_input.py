"""A hostile day for a running hub: whatever comes in, the answer is clear and in the sender's protocol, nothing is
applied, what was a message is kept for replay, and the hub stays up."""

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from hub.demo.processes import HubProcess

MIB = 2**20
New = Callable[[], list[dict[str, Any]]]
FHIR, JSON, CSV = "application/fhir+json", "application/json", "text/csv"
HL7, ADX, NDJSON = "application/hl7-v2", "application/adx+xml", "application/x-ndjson"
TRACKER, VALUES, EMR, CONVERT = "/api/tracker", "/api/dataValueSets", "/hub/emr/CLINIC", "/hub/convert?from=fhir&to=emr"
HEAD = b"MSH|^~\\&|LAB|CLINIC|HUB|MOH|20260301||ADT^A04^ADT_A01|%s|P|2.5.1\r"
BOMB = b'<!DOCTYPE a [<!ENTITY e0 "boom">%b]><adx xmlns="urn:ihe:qrph:adx:2015">&e9;</adx>' % b"".join(
    b'<!ENTITY e%d "%b">' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 10)
)
SPY = (
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><adx xmlns="urn:ihe:qrph:adx:2015"'
    b' exported="2026-01-01T00:00:00Z"><group orgUnit="OU" period="2026-01-01/P1M">&x;</group></adx>'
)


@pytest.fixture
def client(running: HubProcess) -> Iterator[httpx.Client]:
    """A client signed in as administrator of the running hub, in the place of the one without a process."""
    with running.client() as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Bad:
    """A request that must be refused with `status` and the words `says`; `kept`: its bytes are a message."""

    path: str
    type: str
    body: bytes
    status: int
    says: str
    kept: bool = True
    method: str = "POST"


def deep(before: bytes, open_: bytes, inside: bytes, close: bytes, after: bytes, levels: int) -> bytes:
    """A document nested `levels` deep."""
    return before + open_ * levels + inside + close * levels + after


def nested_resource(levels: int) -> bytes:
    """A Basic whose extensions are nested `levels` deep, each without its url."""
    return deep(b'{"resourceType":"Basic","id":"b","extension":', b'[{"extension":', b"[]", b"}]", b"}", levels)


PATIENT = b'{"resourceType":"Patient","id":"p","name":[{"family":"%b"}]}'
BAD: dict[str, Bad] = {
    "fhir-no-json": Bad("/fhir", FHIR, b"this is not JSON", 400, "JSON is malformed"),
    "fhir-empty": Bad("/fhir", FHIR, b"", 400, "truncated"),
    "fhir-truncated": Bad("/fhir", FHIR, b'{"resourceType":"Bundle","type":"batch","entry":[{', 400, "truncated"),
    "fhir-list": Bad("/fhir", FHIR, b"[1]", 400, "Expected `object`"),
    "fhir-unknown-type": Bad("/fhir/Pateint", FHIR, b'{"resourceType":"Pateint"}', 404, "Pateint", kept=False),
    "fhir-other-type": Bad("/fhir/Patient", FHIR, b'{"resourceType":"Device"}', 400, "Device"),
    "fhir-nul": Bad("/fhir/Patient", FHIR, PATIENT % b"a\\u0000b", 400, "NUL"),
    "fhir-raw-nul": Bad("/fhir/Patient", FHIR, PATIENT % b"a\0b", 400, "control character"),
    "fhir-half-surrogate": Bad("/fhir/Patient", FHIR, PATIENT % b"a\\ud800b", 400, "surrogate"),
    "fhir-no-utf8": Bad("/fhir/Patient", FHIR, PATIENT % b"a\xff\xfeb", 400, "UTF-8"),
    "fhir-nested": Bad("/fhir/Basic/b", FHIR, nested_resource(300), 400, "nested too deeply", method="PUT"),
    "fhir-deeply-nested": Bad("/fhir/Basic/b", FHIR, nested_resource(100_000), 400, "depth limit", method="PUT"),
    "fhir-large": Bad("/fhir", FHIR, b"x" * 20 * MIB, 413, "16 MiB", kept=False),
    "fhir-path": Bad("/fhir/a/b/c/d", FHIR, b"", 404, "'a'", kept=False, method="GET"),
    "fhir-method": Bad("/fhir", FHIR, b"", 405, "Method Not Allowed", kept=False, method="DELETE"),
    "fhir-nul-asked": Bad("/fhir/Patient?name=%00", FHIR, b"", 400, "NUL", kept=False, method="GET"),
    "api-no-json": Bad(TRACKER, JSON, b"<nope>", 400, "not JSON"),
    "api-list": Bad(TRACKER, JSON, b"[]", 400, "JSON object"),
    "api-nul": Bad(TRACKER, JSON, b'{"events":[{"event":"\\u0000"}]}', 400, "U+0000"),
    "api-nested": Bad(TRACKER, JSON, deep(b'{"events":', b"[", b"", b"]", b"}", 100_000), 400, "not JSON"),
    "api-metadata-nested": Bad("/api/metadata", JSON, b"[" * 100_000, 400, "not JSON", kept=False),
    "api-large": Bad(TRACKER, JSON, b"x" * 20 * MIB, 413, "16 MiB", kept=False),
    "api-path": Bad("/api/nothing", JSON, b"{}", 404, "nothing at /api/nothing", kept=False),
    "api-method": Bad(TRACKER, JSON, b"{}", 405, "Method Not Allowed", kept=False, method="PUT"),
    "adx-broken": Bad(VALUES, ADX, b"<adx", 400, "not well-formed"),
    "adx-other-root": Bad(VALUES, ADX, b"<root/>", 400, "root element is not adx"),
    "adx-bomb": Bad(VALUES, ADX, BOMB, 400, "not well-formed"),
    "adx-spy": Bad(VALUES, ADX, SPY, 400, ""),
    "adx-nested": Bad(VALUES, ADX, b"<a>" * 100_000, 400, "depth"),
    "values-nested": Bad(VALUES, JSON, deep(b'{"dataValues":', b"[", b"", b"]", b"}", 100_000), 400, "not JSON"),
    "values-no-format": Bad(VALUES, "text/plain", b"x" * 1000, 422, "neither ADX"),
    "hl7-cut-in-header": Bad("/hl7v2", HL7, (HEAD % b"C-1")[:30], 400, "MSA|AR|"),
    "hl7-cut-in-patient": Bad("/hl7v2", HL7, HEAD % b"C-2" + b"PID|1||", 422, "MSA|AE|C-2|"),
    "hl7-greeting": Bad("/hl7v2", HL7, b"hello", 400, "MSA|AR|"),
    "hl7-nul": Bad("/hl7v2", HL7, HEAD % b"C-3" + b"PID|1||1^^^X||a\0b\r", 422, "NUL"),
    "hl7-path": Bad("/hl7v2/nothing", HL7, b"", 404, "MSA|AR|", kept=False),
    "hl7-method": Bad("/hl7v2", HL7, b"", 405, "MSA|AR|", kept=False, method="GET"),
    "hl7-content-type": Bad("/hl7v2", "image/png", b"x", 415, "MSA|AR|", kept=False),
    "emr-wrong-column": Bad(EMR, CSV, b"patient_idd,visit_date\n1,2026-03-01\n", 422, "'patient_idd' is no column"),
    "emr-no-text": Bad(EMR, CSV, bytes(range(256)), 400, "not text"),
    "emr-picture": Bad(EMR, CSV, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 422, "a picture"),
    "emr-workbook": Bad(EMR, CSV, b"PK\x03\x04" + b"\0" * 40, 400, "no spreadsheet"),
    "emr-empty": Bad(EMR, CSV, b"", 400, "empty"),
    "emr-one-large-cell": Bad(EMR, CSV, b"x" * 2 * MIB, 400, "no table"),
    "emr-nested": Bad(EMR, NDJSON, b'{"a":' + b"[" * 100_000 + b"\n", 422, "rejected"),
    "convert-no-json": Bad(CONVERT, FHIR, b"{", 400, "JSON", kept=False),
    "convert-large": Bad(CONVERT, FHIR, b"x" * 20 * MIB, 413, "16 MiB", kept=False),
    "hub-path": Bad("/hub/nothing", JSON, b"", 404, "nothing at", kept=False, method="GET"),
    "hub-method": Bad("/hub/balance", JSON, b"", 405, "Method", kept=False, method="DELETE"),
    "hub-nul-asked": Bad("/hub/messages?peer=%00", JSON, b"", 400, "NUL", kept=False, method="GET"),
    "hub-nul-in-path": Bad("/hub/persons/%00", JSON, b"", 400, "NUL", kept=False, method="GET"),
    "hub-nul-in-body": Bad("/hub/peers/x", JSON, b'{"format":"fhir","name":"\\u0000"}', 400, "NUL", False, "PUT"),
    "no-face": Bad("/nothing", JSON, b"", 404, "nothing at /nothing", kept=False, method="GET"),
}


def send(client: httpx.Client, bad: Bad, **headers: str) -> httpx.Response:
    """Send a bad request."""
    return client.request(bad.method, bad.path, content=bad.body, headers={"content-type": bad.type, **headers})


def assert_own_words(path: str, response: httpx.Response) -> None:
    """The refusal is written as the face at `path` writes refusals."""
    status, text = response.status_code, response.text
    if path.startswith("/fhir"):
        assert response.headers["content-type"].startswith(FHIR)
        assert response.json()["resourceType"] == "OperationOutcome"
        assert response.json()["issue"][0]["severity"] == "error"
    elif path.startswith("/api"):
        assert (response.json()["httpStatusCode"], response.json()["status"]) == (status, "ERROR")
    elif path.startswith("/hl7v2"):
        assert text.startswith("MSH|")
        assert "\rERR|" in text
    elif path.startswith("/hub/emr"):
        assert response.headers["content-type"].startswith(("text/", NDJSON))
    else:
        assert (response.json()["status"], bool(response.json()["error"])) == (status, True)


def messages(client: httpx.Client) -> list[dict[str, Any]]:
    """Every message, newest first."""
    listed: list[dict[str, Any]] = client.get("/hub/messages", params={"limit": 500}).json()["messages"]
    return listed


@pytest.fixture
def new(client: httpx.Client) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A function that lists the messages since the test began. After the test: nothing was applied, the balance adds
    up and nothing is parked."""
    counts = client.get("/hub/counts").json()
    before = {message["id"] for message in messages(client)}
    yield lambda: [message for message in messages(client) if message["id"] not in before]
    assert client.get("/hub/counts").json() == counts
    balance = client.get("/hub/balance").json()
    assert {row["state"] for row in balance} <= {"done", "rejected"}
    assert sum(row["count"] for row in balance) == len(messages(client))


@pytest.fixture(scope="module", autouse=True)
def untouched(running: HubProcess) -> Iterator[None]:
    """When all is done: no record of any type is there, no answer was a fault, and the hub is ready."""
    yield
    with running.client() as client:
        for type_ in ("Patient", "Basic", "Encounter"):
            assert client.get(f"/fhir/{type_}", params={"_summary": "count"}).json()["total"] == 0
        assert client.get("/health/ready").status_code == 200
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_refused_clearly_and_kept(client: httpx.Client, new: New, bad: Bad) -> None:
    """The answer says what is wrong in the face's own words; a message is in the browser with its very bytes."""
    response = send(client, bad)
    assert response.status_code == bad.status, response.text[:500]
    assert bad.says in response.text
    assert "root:" not in response.text
    assert_own_words(bad.path, response)
    kept = new()
    assert [message["state"] for message in kept] == ["rejected"] * bad.kept
    for message in kept:
        assert client.get(f"/hub/messages/{message['id']}/body").content == bad.body
        shown = client.get(f"/hub/messages/{message['id']}").json()
        assert shown["error"] or shown["report"]["issues"]


@pytest.mark.parametrize("path", ["/fhir", TRACKER, VALUES, "/hl7v2", "/hub/messages"])
@pytest.mark.parametrize("body", [b"plain", gzip.compress(b"cut off" * 99)[:-9]], ids=["no-gzip", "cut-gzip"])
def test_wrongly_packed(client: httpx.Client, path: str, body: bytes) -> None:
    """A body that cannot be unpacked is refused by every face."""
    response = send(client, Bad(path, HL7, body, 400, ""), **{"content-encoding": "gzip"})
    assert response.status_code == 400
    assert "gzip" in response.text
    assert_own_words(path, response)


@pytest.mark.parametrize("login", [None, ("admin", "wrong"), ("nobody", "x"), ("ad\0min", "x")])
def test_strangers_stay_out(running: HubProcess, new: New, login: Any) -> None:
    """Without the right password the answer is 401 in the face's words, asks for a login, and keeps nothing."""
    for path in ("/fhir", TRACKER, VALUES, "/hl7v2", EMR, "/hub/balance"):
        response = httpx.post(running.url + path, content=b"{}", auth=login)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Basic ")
        assert_own_words(path, response)
    assert new() == []


def ask_mllp(running: HubProcess, raw: bytes) -> bytes:
    """Send bytes to the MLLP port, whatever becomes of the connection; return what came back."""
    answer = b""
    with socket.create_connection(("127.0.0.1", running.mllp), timeout=30) as wire, suppress(OSError):
        wire.sendall(raw)
        while not answer.endswith(b"\x1c\r") and (part := wire.recv(65536)):
            answer += part
    return answer


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (HEAD % b"W-1" + b"PID|1||", b"MSA|AE|W-1|"),
        ((HEAD % b"W-2")[:40], b"MSA|AR|"),
        (b"hello", b"MSA|AR|"),
        (b"", b"MSA|AR|"),
        (HEAD % b"W-3" + b"PID|1||1^^^X||a\0b\r", b"MSA|AE|W-3|"),
        ((HEAD % b"W-4").replace(b"LAB", b"L\0B"), b"MSA|A"),
        ((HEAD % b"W\x005"), b"MSA|A"),
        ((HEAD % b"W-6").replace(b"P|2.5.1", b"P|9.9"), b"MSA|A"),
        (HEAD % b"W-7" + b"PID|1||" + b"x" * 20 * MIB, b"MSA|AR|W-7|"),
    ],
    ids=["no-patient", "cut", "greeting", "empty", "nul", "nul-in-sender", "nul-in-control-id", "version", "large"],
)
def test_bad_messages_on_the_wire(running: HubProcess, new: New, raw: bytes, code: bytes) -> None:
    """Each is answered by one acknowledgement with ERR and stands in the message browser as rejected."""
    answer = ask_mllp(running, b"\x0b" + raw + b"\x1c\r")
    assert code in answer
    assert b"\rERR|" in answer
    assert [message["state"] for message in new()] == ["rejected"]


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n\x1c\r", b"\x0b" + HEAD % b"W-9"])
def test_what_is_no_message_on_the_wire(running: HubProcess, raw: bytes) -> None:
    """A sender that speaks something else, or hangs up in the middle, does not disturb the next one."""
    with socket.create_connection(("127.0.0.1", running.mllp), timeout=30) as wire:
        wire.sendall(raw)
    assert b"MSA|AR|" in ask_mllp(running, b"\x0bhello\x1c\r")


def test_what_was_refused_can_run_again(client: httpx.Client, new: New) -> None:
    """A rejected message can be replayed from its kept bytes, and is refused for the same reason."""
    send(client, BAD["fhir-no-json"])
    [refused] = new()
    assert client.post("/hub/messages/replay", json={"ids": [refused["id"]]}).json() == {"replayed": 1}
    while new()[0]["state"] == "waiting":
        time.sleep(0.1)
    assert [message["state"] for message in new()] == ["rejected"] * len(new())
