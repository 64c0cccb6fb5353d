"""Peers that the hub asks by itself: rows of an API page by page, files of an SFTP folder, good days and bad ones."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.contract import Outgoing
from adapters.emr import ADAPTER
from hub import pulling, work
from hub.runtime import Runtime
from tests.flows.emr_api import EmrApi
from tracker_core import peers, pulls
from tracker_core.context import Peer
from tracker_core.database import transaction
from tracker_core.errors import Unavailable, Unsupported

PAGES: dict[str, dict[str, Any]] = {
    "page": {"by": "page", "parameter": "page", "size_parameter": "limit", "size": 2},
    "offset": {"by": "offset", "parameter": "offset", "size": 2},
    "cursor": {"by": "cursor", "parameter": "cursor", "next": "meta.next"},
    "link in the body": {"by": "link", "next": "meta.link"},
    "link header": {"by": "link"},
}
SINCE = {"parameter": "updated_after", "field": "updated_at", "overlap": 0}


@pytest.fixture
def api() -> Iterator[EmrApi]:
    """An EMR with five visits."""
    made = EmrApi()
    for number in range(1, 6):
        made.save(f"V{number}", **visit(number))
    yield made
    made.stop()


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[tuple[Path, str, str]]:
    """A running SFTP server: its folder, its address, its public key."""
    folder = tmp_path / "drop"
    folder.mkdir()
    command = [sys.executable, str(Path(__file__).parent / "sftp_server.py"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port, key = process.stdout.readline().strip().split(" ", 1)
        yield folder, f"sftp://emr@127.0.0.1:{port}/", key
        process.kill()


def visit(number: int, **more: Any) -> dict[str, Any]:
    """A visit as the API writes it."""
    patient = {"id": f"P{number}"}
    seen = {"family_name": "Otim", "given_name": "Rose", "sex": "F", "birth_date": "1990-01-01"}
    return {
        "patient": patient,
        "visit_date": "2026-03-05",
        "temperature_c": 38.50,
        "diagnoses": "B50.9",
        **seen,
        **more,
    }


def save(runtime: Runtime, **settings: Any) -> Peer:
    """The EMR as a peer."""
    about = {"address": "", "secret": "open-sesame", **settings}
    address, secret = (about.pop(name) for name in ("address", "secret"))
    with transaction(runtime.pool) as session:
        return peers.save(session, "clinic", "emr", address=address, secret=secret, settings=about)


def overlay(folder: Path) -> str:
    """A table of that EMR's own: it also says when it wrote a row."""
    (folder / "visits.map").write_text("visits\n  ignore updated_at\n")
    return str(folder)


def turn(runtime: Runtime, *, due: bool = True) -> pulls.Pull:
    """Let the peer's turn come, and apply what came; return its state."""
    with transaction(runtime.pool) as session:
        if due:
            session.execute("update pull set due = now()")
    pulling.turn(runtime)
    while claimed := work.claim(runtime, "in", "tester", 50):
        for message in claimed:
            work.settle(runtime, message)
    with transaction(runtime.pool) as session:
        return pulls.listed(session)[0][1]


def encounters(client: httpx.Client) -> int:
    """How many live visits the hub has."""
    return int(client.get("/fhir/Encounter", params={"_summary": "count"}).json()["total"])


def messages(client: httpx.Client) -> list[str]:
    """The states of all messages that came in."""
    return [one["state"] for one in client.get("/hub/messages", params={"direction": "in"}).json()["messages"]]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_every_page_is_read_once(
    client: httpx.Client, runtime: Runtime, api: EmrApi, tmp_path: Path, page: dict[str, Any]
) -> None:
    """Five visits in three pages, whatever way the API counts them; asked again, nothing new is kept."""
    pull = {"path": "/visits", "items": "data.rows", "page": page, "since": SINCE}
    save(runtime, address=api.url, pull=pull, overlay=overlay(tmp_path))
    state = turn(runtime)
    assert (state.error, state.pages, encounters(client)) == (None, 3, 5)
    (found,) = client.get("/fhir/Observation", params={"code": "8310-5", "_count": 1}).json()["entry"]
    assert found["resource"]["valueQuantity"]["value"] == 38.5
    assert turn(runtime).pages == 3
    api.save("V2", **visit(2, diagnoses="J06.9"))
    api.save("V6", **visit(6))
    assert (turn(runtime).pages, encounters(client)) == (4, 6)
    assert set(messages(client)) == {"done"}


def test_a_bad_day_loses_nothing(client: httpx.Client, runtime: Runtime, api: EmrApi, tmp_path: Path) -> None:
    """A broken page, a dropped connection, a time-out of the gateway, too many requests: it goes on where it was."""
    pull = {"path": "/visits", "items": "data.rows", "page": PAGES["page"], "since": SINCE}
    ours = {"address": api.url, "pull": pull, "overlay": overlay(tmp_path)}
    save(runtime, **ours, timeout=0.3)
    api.faults = [(1, {})]
    assert turn(runtime).error == "clinic cannot be reached: ReadTimeout"
    api.patience.set()
    save(runtime, **ours)
    api.faults = [(500, {})]
    state = turn(runtime)
    assert (state.failures, state.error, state.pages) == (2, "clinic answered 500", 0)
    assert pulling.turn(runtime) == 0  # it waits before it asks again
    api.faults = [(200, {}), (0, {})]  # it dies behind its first page
    assert (turn(runtime).pages, encounters(client)) == (1, 2)
    state = turn(runtime)
    assert (state.pages, state.failures, state.error, encounters(client)) == (3, 0, None, 5)
    assert [query.get("page") for query in api.asked[-2:]] == ["2", "3"]
    api.faults = [(429, {"retry-after": "120"})]
    state = turn(runtime)
    assert state.error == "clinic answered 429, retry after 120 s"
    with transaction(runtime.pool) as session:
        row = session.execute("select due - now() > interval '115 seconds' from pull").fetchone()
    assert row == (True,)


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(days=2)])
def test_the_clocks_need_not_agree(
    client: httpx.Client, runtime: Runtime, api: EmrApi, tmp_path: Path, skew: timedelta
) -> None:
    """Only the EMR's own times are compared; what it committed late is seen within the overlap."""
    api.skew = skew
    for number in range(1, 4):
        api.save(f"V{number}", **visit(number))
    api.rows = api.rows[-3:]
    since = {**SINCE, "overlap": 60}
    pull = {"path": "/visits", "items": "data.rows", "page": PAGES["page"], "since": since}
    save(runtime, address=api.url, pull=pull, overlay=overlay(tmp_path))
    turn(runtime)
    late = dict(api.rows[0], visit_id="V9")
    api.rows.append(late)
    assert turn(runtime).error is None
    assert encounters(client) == 4


def test_what_cannot_be_asked_says_so(client: httpx.Client, runtime: Runtime, api: EmrApi, tmp_path: Path) -> None:
    """A declaration that cannot be followed, a login that is refused, an answer that is none: each is told."""
    said = {}
    for name, settings in {
        "way": {"pull": {"page": {"by": "luck"}}},
        "since": {"pull": {"since": {"parameter": "x"}}},
        "cursor": {"pull": {"page": {"by": "cursor", "parameter": "c"}}},
        "login": {"pull": {"path": "/visits"}, "secret": "wrong"},
        "list": {"pull": {"path": "/visits", "items": "data"}},
        "folder": {"pull": {}, "address": "/drop"},
        "host": {"pull": {"path": "http://elsewhere.example/visits"}},
    }.items():
        save(runtime, **{"address": api.url, **settings})
        said[name] = turn(runtime).error or ""
    assert "page, offset, cursor" in said["way"]
    assert "needs `parameter` and `field`" in said["since"]
    assert "`next` says" in said["cursor"]
    assert "answered 401" in said["login"]
    assert "no list of objects at data" in said["list"]
    assert "neither sftp nor http" in said["folder"]
    assert "another host" in said["host"]
    assert messages(client) == []


def test_administrators_see_and_hurry_it(client: httpx.Client, runtime: Runtime, api: EmrApi, tmp_path: Path) -> None:
    """The state is listed; a turn can be asked for now, also from the beginning; unknown peers are refused."""
    pull = {"path": "/visits", "items": "data.rows", "page": PAGES["page"], "since": SINCE, "every": 3600}
    save(runtime, address=api.url, pull=pull, overlay=overlay(tmp_path))
    turn(runtime)
    (shown,) = client.get("/hub/pulls").json()["pulls"]
    assert (shown["peer"], shown["kept"], shown["error"]) == ("clinic", 3, None)
    assert pulling.turn(runtime) == 0
    assert client.post("/hub/pulls/clinic", params={"again": True}).json() == {"peer": "clinic"}
    assert turn(runtime, due=False).pages == 6
    assert (encounters(client), len(messages(client))) == (5, 3)
    assert client.post("/hub/pulls/nobody").status_code == 404


def test_files_of_an_sftp_folder_are_taken_once(
    client: httpx.Client, runtime: Runtime, sftp: tuple[Path, str, str]
) -> None:
    """A file is taken when two looks found it the same, then put away; half transfers and answers are left alone."""
    folder, address, key = sftp
    save(runtime, address=address, secret="drop-here", host_key=key, pull={"every": 1})
    header = "patient_id,visit_id,visit_date,diagnoses\n"
    (folder / "a.csv").write_text(f"{header}P1,V1,2026-03-05,B50.9\n")
    (folder / "b.csv.part").write_text(header)
    turn(runtime)
    assert (encounters(client), (folder / "a.csv").exists()) == (0, True)
    (folder / "slow.csv").write_text(header)
    turn(runtime)
    (folder / "slow.csv").write_text(f"{header}P2,V2,2026-03-05,B54\n")
    turn(runtime)
    assert (encounters(client), sorted(path.name for path in folder.iterdir())) == (
        1,
        ["b.csv.part", "done", "slow.csv"],
    )
    (folder / "a.csv").write_text(f"{header}P3,V3,2026-03-05,B54\n")
    for _ in range(2):
        turn(runtime)
    assert encounters(client) == 3
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["a.2.csv", "a.csv", "slow.csv"]


def test_files_may_stay(client: httpx.Client, runtime: Runtime, sftp: tuple[Path, str, str]) -> None:
    """`taken: keep` leaves them, and they are not taken again."""
    folder, address, key = sftp
    save(runtime, address=address, secret="drop-here", host_key=key, pull={"taken": "keep"})
    (folder / "a.csv").write_text("patient_id,visit_id,visit_date\nP1,V1,2026-03-05\n")
    pages = [turn(runtime).pages for _ in range(4)]
    assert (pages, encounters(client), (folder / "a.csv").exists()) == ([0, 1, 1, 1], 1, True)


def test_a_server_that_is_another_one_is_not_talked_to(runtime: Runtime, sftp: tuple[Path, str, str]) -> None:
    """Wrong host key, no host key, wrong password, nobody there: each has its words, and nothing is taken."""
    _, address, key = sftp
    other = key.replace("AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAIA")[: len(key)]
    cases = {
        "another host key": {"host_key": other},
        "no public key": {"host_key": ""},
        "does not let us in": {"secret": "wrong"},
        "cannot be reached": {"address": "sftp://emr@127.0.0.1:1/"},
    }
    for words, settings in cases.items():
        save(runtime, **{"address": address, "secret": "drop-here", "host_key": key, "pull": {}, **settings})
        assert words in (turn(runtime).error or "")


def test_files_are_dropped_whole(sftp: tuple[Path, str, str]) -> None:
    """What goes out appears under its name at once and replaces what a first try left; a wrong folder is told."""
    folder, address, key = sftp
    peer = Peer(1, "clinic", "", "emr", address, {"host_key": key}, "drop-here")
    outgoing = Outgoing(b"a,b\r\n1,2\r\n", "text/csv", "TH 7", "visits")
    assert ADAPTER.send is not None
    for _ in range(2):
        assert ADAPTER.send(outgoing, peer).answer == b"TH_7.csv"
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("TH_7.csv", b"a,b\r\n1,2\r\n")]
    with pytest.raises(Unavailable):
        ADAPTER.send(outgoing, Peer(1, "clinic", "", "emr", f"{address}none/", {"host_key": key}, "drop-here"))
    with pytest.raises(Unsupported):
        ADAPTER.send(outgoing, Peer(1, "clinic", "", "emr", "ftp://x/", {}))
