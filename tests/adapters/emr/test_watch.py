"""The watched folder: taken once, answered beside, put away; and nothing lost in between."""

from pathlib import Path
from threading import Event, Thread

import pytest

from adapters.contract import Accepted, Envelope
from adapters.emr.watch import look, take, watch
from tracker_core.errors import Malformed, Unavailable
from tracker_core.issues import Report


class Hub:
    """The hub's side of a watched folder: it remembers what it was given, and refuses what starts with `bad`."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, Envelope]] = []
        self.away = False
        self.seen = Event()

    def accept(self, raw: bytes, envelope: Envelope) -> Accepted:
        """Accept a file."""
        if self.away:
            raise Unavailable("database away")
        self.taken.append((raw, envelope))
        self.seen.set()
        if raw.startswith(b"gone"):
            return Accepted(1, Report(), b"", Unavailable("went away"))
        error = Malformed("bad") if raw.startswith(b"bad") else None
        return Accepted(len(self.taken), Report(rejected=raw.startswith(b"no")), b"result of " + raw, error)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A watched folder."""
    for name in ("done", "failed"):
        (tmp_path / name).mkdir()
    return tmp_path


def names(folder: Path) -> set[str]:
    """Everything in a folder and below, but for folders."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_are_taken_when_they_rest(folder: Path) -> None:
    """The first look only notes a file; one that grows is left for later."""
    hub = Hub()
    (folder / "a.csv").write_bytes(b"a")
    (folder / "b.ndjson").write_bytes(b"b")
    seen = look(folder, hub.accept, {})
    assert hub.taken == []
    (folder / "b.ndjson").write_bytes(b"bb")
    seen = look(folder, hub.accept, seen)
    assert [raw for raw, _ in hub.taken] == [b"a"]
    look(folder, hub.accept, seen)
    assert [(raw, e.content_type, e.parameters["file"]) for raw, e in hub.taken] == [
        (b"a", "text/csv", "a.csv"),
        (b"bb", "application/x-ndjson", "b.ndjson"),
    ]
    assert names(folder) == {"done/a.csv", "a.csv.result.csv", "done/b.ndjson", "b.ndjson.result.csv"}
    assert (folder / "a.csv.result.csv").read_bytes() == b"result of a"


@pytest.mark.parametrize("name", [".hidden.csv", "x.csv.part", "x.TMP", "x.csv.result.csv"])
def test_other_files_are_left_alone(folder: Path, name: str) -> None:
    """Running transfers, hidden files and our own results are no uploads; nor are empty files and folders."""
    hub = Hub()
    (folder / name).write_bytes(b"x")
    (folder / "empty.csv").write_bytes(b"")
    look(folder, hub.accept, look(folder, hub.accept, {}))
    assert hub.taken == []


@pytest.mark.parametrize("body", [b"bad", b"no"])
def test_refused_files_are_put_apart(folder: Path, body: bytes) -> None:
    """A file refused whole goes to `failed`, with its result beside it; an earlier one of that name stays."""
    hub = Hub()
    for _ in range(2):
        (folder / "a.csv").write_bytes(body)
        take(folder / "a.csv", hub.accept)
    assert names(folder) == {"failed/a.csv", "failed/a.2.csv", "a.csv.result.csv"}


def test_files_wait_for_the_database(folder: Path) -> None:
    """While the hub cannot store them, files stay; later they are taken."""
    hub = Hub()
    hub.away = True
    (folder / "a.csv").write_bytes(b"a")
    (folder / "g.csv").write_bytes(b"gone")
    seen = look(folder, hub.accept, look(folder, hub.accept, {}))
    assert names(folder) == {"a.csv", "g.csv"}
    hub.away = False
    look(folder, hub.accept, seen)
    assert names(folder) == {"done/a.csv", "a.csv.result.csv", "g.csv"}


def test_crash_before_the_move_takes_it_again(folder: Path) -> None:
    """After the bytes were stored but before the file moved, the same file is handed over again and then put away."""
    hub = Hub()
    (folder / "a.csv").write_bytes(b"a")
    hub.accept(b"a", Envelope())
    take(folder / "a.csv", hub.accept)
    assert [raw for raw, _ in hub.taken] == [b"a", b"a"]
    assert names(folder) == {"done/a.csv", "a.csv.result.csv"}


def test_watch_runs_until_it_is_stopped(tmp_path: Path) -> None:
    """A thread makes the folders, takes a file renamed into place, and ends when told."""
    hub, stop, folder = Hub(), Event(), tmp_path / "drop"
    folder.mkdir()
    thread = Thread(target=watch, args=(folder, hub.accept, stop, 0.01))
    thread.start()
    (tmp_path / "draft").write_bytes(b"a")
    (tmp_path / "draft").rename(folder / "a.csv")
    assert hub.seen.wait(20)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert names(folder) == {"done/a.csv", "a.csv.result.csv"}
