"""`tracker-hub serve`: up in one go, down in one go, whole again after any end."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from hub.embedded import cluster, folder
from hub.serve import bind
from hub.settings import Address

Start = Callable[..., Any]  # see conftest: HubProcess
Until = Callable[[Callable[[], object]], None]

PASSWORD = "secret"
ADMISSION = (
    b"MSH|^~\\&|REG|CLINIC|HUB|DISTRICT|20260301080000||ADT^A04|%s|P|2.5\r"
    b"EVN||20260301080000\rPID|1||4711^^^CLINIC^MR||Okello^Amina||19900412|F\rPV1|1|O\r"
)


def test_up_and_down(serve: Start, data: Path) -> None:
    """Every part comes up, every face asks for a login, SIGTERM ends it with 0 and nothing is left running."""
    hub = serve().wait_until_up()
    with hub.client() as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, set(ready.json().values())) == (200, {"ready", "up"})
        assert set(ready.json()) == {"status", "http", "mllp", "database", "worker"}
        assert client.get("/hub/peers").status_code == 200
        for path in ("/fhir/Patient", "/api/me", "/hl7v2", "/hub/peers"):
            assert httpx.get(hub.url + path).status_code == 401
        assert "Tracker Hub" in client.get("/").text
    with connect(f"{hub.url}/fhir/websocket".replace("http", "ws", 1)) as conversation:
        conversation.send("hello")
        assert str(conversation.recv(timeout=10)).startswith("error: hello")
    assert b"MSA|AA|1" in hub.ask_mllp(ADMISSION % b"1")
    path = folder.find(data)
    assert path
    code, err = hub.end(signal.SIGTERM)
    assert (code, "Traceback" in err) == (0, False)
    assert cluster.inhabitants(path) == []


def test_ctrl_c(serve: Start) -> None:
    """Ctrl-C ends it as cleanly as SIGTERM."""
    code, err = serve().wait_until_up().end(signal.SIGINT)
    assert (code, "Traceback" in err) == (0, False)


def test_ended_while_it_starts(serve: Start, data: Path, until: Until) -> None:
    """A signal before everything is up ends it cleanly too, and the next start works."""
    hub = serve()
    until(lambda: folder.find(data))
    code, err = hub.end(signal.SIGTERM)
    assert (code, "Traceback" in err) == (0, False)
    serve().wait_until_up()


def test_made_up_password_is_shown_once(start: Start, data: Path) -> None:
    """Without a password given, one is made up for admin at the first start, and shown only then."""
    arguments = ("serve", "--data", str(data), "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0")
    hub = start(*arguments).wait_until_up()
    shown = next(line for line in hub.printed if "password" in line)
    password = shown.split("password ")[1].split()[0]
    assert httpx.get(f"{hub.url}/hub/peers", auth=("admin", password)).status_code == 200
    hub.end()
    again = start(*arguments).wait_until_up()
    assert not any("password" in line for line in again.printed)
    assert httpx.get(f"{again.url}/hub/peers", auth=("admin", password)).status_code == 200


def test_second_start_on_the_same_folder(serve: Start, data: Path) -> None:
    """A folder in use is told with its holder, exit 2, and the first hub goes on."""
    first = serve().wait_until_up()
    code, err = serve().wait()
    assert code == 2
    assert (
        err == f"tracker-hub: the data folder {data} is in use by another tracker-hub (process {first.process.pid})\n"
    )
    assert httpx.get(f"{first.url}/health/ready").status_code == 200


@pytest.mark.parametrize("victim", ["hub", "server", "both"])
def test_recovery_after_kill(serve: Start, data: Path, until: Until, victim: str) -> None:
    """After kill -9 of the hub, its PostgreSQL, or both, what was acknowledged is there."""
    hub = serve().wait_until_up()
    assert b"MSA|AA|1" in hub.ask_mllp(ADMISSION % b"1")
    path = folder.find(data)
    assert path
    server = int((path / "postmaster.pid").read_text().splitlines()[0])
    if victim in {"server", "both"}:
        os.kill(server, signal.SIGKILL)
    if victim in {"hub", "both"}:
        hub.end(signal.SIGKILL)
        hub = serve().wait_until_up()
    with hub.client() as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        balance = {(row["direction"], row["format"]): row["count"] for row in client.get("/hub/balance").json()}
    assert balance[("in", "hl7v2")] == 1


def test_database_lost_at_runtime(start: Start, data: Path, until: Until) -> None:
    """While an external database is away each face says so in its own words; when it is back, so is the hub."""
    with folder.held(data):
        place = folder.prepare(data)
        server = cluster.launch(place)
        ports = ("--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--database-url", cluster.url(place.path))
        hub = start("serve", *ports, TRACKER_HUB_ADMIN_PASSWORD=PASSWORD).wait_until_up()
        with hub.client() as client:
            assert client.get("/health/ready").status_code == 200
            cluster.halt(server)
            answers = [client.get(path) for path in ("/hub/peers", "/fhir/Patient", "/api/tracker/events")]
            answers += [client.post("/hl7v2", content=ADMISSION % b"3"), client.post("/fhir", content=b"{}")]
            assert {answer.status_code for answer in answers} == {503}
            assert answers[1].json()["resourceType"] == "OperationOutcome"
            assert answers[2].json()["httpStatusCode"] == 503
            assert "MSA|AE|" in answers[3].text
            assert b"MSA|AE|2" in hub.ask_mllp(ADMISSION % b"2")
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()["database"]) == (503, "down")
            assert client.get("/health/live").status_code == 200
            server = cluster.launch(place)
            until(lambda: client.get("/health/ready").status_code == 200)
            assert client.get("/hub/peers").status_code == 200
            assert b"MSA|AA|2" in hub.ask_mllp(ADMISSION % b"2")
        hub.end()
        cluster.halt(server)


def test_folder_that_cannot_be_written(start: Start, tmp_path: Path) -> None:
    """A folder that cannot be made is told, exit 2."""
    (tmp_path / "file").write_text("")
    ended = start("serve", "--data", str(tmp_path / "file" / "data"), "--http", "0", "--mllp", "0").wait()
    assert ended == (2, f"tracker-hub: cannot write to the data folder {tmp_path}/file/data: Not a directory\n")


@pytest.mark.parametrize(("flag", "what"), [("--http", "HTTP"), ("--mllp", "MLLP")])
def test_port_in_use(serve: Start, data: Path, flag: str, what: str) -> None:
    """A port in use is named before anything is started, exit 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(flag, f"127.0.0.1:{port}").wait()
    assert ended == (2, f"tracker-hub: cannot serve {what} on 127.0.0.1:{port}: Address already in use\n")
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "environ", "text"),
    [
        (["serve", "--http", "here:99999"], {}, "--http: 'here:99999' is not HOST:PORT with a port from 0 to 65535"),
        (["serve", "--http", "0", "--mllp", "0"], {}, "name a data folder by --data DIR, or an external PostgreSQL"),
        (["serve", "--config", "/no/hub.toml"], {}, "cannot read the configuration file /no/hub.toml: No such file"),
        (
            ["serve", "--http", "0", "--mllp", "0", "--database-url", "postgresql://me@127.0.0.1:1/hub"],
            {},
            "the database is not available: connection failed: ",
        ),
        (["worker"], {}, "a worker process needs --database-url"),
        (["beat"], {}, "beat is the clock of Celery workers and needs --redis-url"),
        (["serve"], {"TRACKER_HUB_ROLE": "boss"}, "TRACKER_HUB_ROLE: 'boss' is not one of all, api, mllp"),
    ],
)
def test_wrong_request(start: Start, arguments: list[str], environ: dict[str, str], text: str) -> None:
    """Each wrong request ends with 2 and one line that says what is wrong."""
    code, err = start(*arguments, **environ).wait()
    assert code == 2
    assert err.startswith(f"tracker-hub: {text}")
    assert err.count("\n") == 1


def test_corrupt_configuration(start: Start, data: Path) -> None:
    """A configuration file in the data folder that cannot be read is told by its line, exit 2."""
    data.mkdir()
    (data / "hub.toml").write_text('http = "127.0.0.1:0\n')
    code, err = start("serve", "--data", str(data)).wait()
    assert code == 2
    assert err.startswith(f"tracker-hub: cannot read the configuration file {data}/hub.toml: ")
    assert "line 1" in err


def test_split_roles(start: Start, database_url: str) -> None:
    """The role `api` serves no MLLP, the role `mllp` no faces; both tell their health."""
    options = ("--database-url", database_url, "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0")
    api = start("serve", "--role", "api", *options, TRACKER_HUB_ADMIN_PASSWORD=PASSWORD).wait_until_up()
    mllp = start("serve", "--role", "mllp", *options).wait_until_up()
    assert httpx.get(f"{api.url}/health/ready").json() == {"status": "ready", "http": "up", "database": "up"}
    assert httpx.get(f"{mllp.url}/health/ready").json()["mllp"] == "up"
    assert httpx.get(f"{mllp.url}/hub/peers").status_code == 404
    assert b"MSA|AA|1" in mllp.ask_mllp(ADMISSION % b"1")
    with api.client() as client:
        assert client.get("/hub/messages").json()["messages"][0]["control_id"] == "1"


def test_files_dropped_into_the_inbox(serve: Start, data: Path, until: Until) -> None:
    """A folder below `inbox` is watched for the peer of its name; the result lies beside the file."""
    hub = serve().wait_until_up()
    (data / "inbox" / "ward9").mkdir()
    (data / "inbox" / "ward9" / "visits.csv").write_text("no,such,columns\n1,2,3\n")
    until(lambda: list((data / "inbox" / "ward9").glob("*/visits.csv")))
    assert (data / "inbox" / "ward9" / "visits.csv.result.csv").is_file()
    with hub.client() as client:
        assert "ward9" in {peer["code"] for peer in client.get("/hub/peers").json()}


def test_answers_leave_at_once() -> None:
    """The HTTP socket does not hold small packets back: an answer of two packets would wait 40 ms for the client's."""
    bound = bind(Address("127.0.0.1", 0), "HTTP")
    with bound:
        assert bound.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
