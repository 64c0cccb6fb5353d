"""A folder that an EMR drops files into: each is taken once, answered beside it, and put away."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import structlog

from adapters.contract import Accepted, Envelope
from tracker_core.errors import Unavailable

RESULT = ".result.csv"
MOST_BYTES = 1 << 20  # a larger file is more than one message
_CHUNKED = (".zip", ".parquet")
DONE, FAILED = "done", "failed"
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", "~")
_TYPES = {".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson", ".tsv": "text/tab-separated-values"}
_log = structlog.get_logger(__name__)

Look = tuple[int, int]


def watch(folder: Path, accept: Callable[[bytes, Envelope], Accepted], stop: Event, interval: float = 2.0) -> None:
    """Take files that appear in `folder` until `stop` is set; looks every `interval` seconds.

    A file is taken once two looks found the same size and time, so a writer may be slow; a rename into the folder is
    as good. Hidden files and names that end like a running transfer (`.part`, `.tmp`) are left alone. The result file
    is written beside it as `NAME.result.csv`; then the file moves to `done/`, or, when it was refused whole, `failed/`.

    The bytes are stored before the file moves: after a crash it is taken again and recognised by its content.
    While the hub's database is away, files wait. Polling works on network shares, where change notices do not.
    """
    for name in (DONE, FAILED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    seen: dict[Path, Look] = {}
    while not stop.is_set():
        seen = look(folder, accept, seen)
        stop.wait(interval)


def look(
    folder: Path,
    accept: Callable[[bytes, Envelope], Accepted],
    before: dict[Path, Look],
    large: Callable[[Path, Envelope], Accepted] | None = None,
) -> dict[Path, Look]:
    """Take every file that is as the look `before` found it; return what this look found of the others.

    `large` takes files that are too large for one message, and archives: from where they are, in chunks.
    """
    now = {path: looks for path in sorted(folder.iterdir()) if (looks := _candidate(path))}
    for path in [path for path, looks in now.items() if before.get(path) == looks]:
        try:
            take(path, accept, large)
        except (Unavailable, OSError) as error:
            _log.warning("file waits", file=path.name, reason=str(error))
    return now


def take(
    path: Path,
    accept: Callable[[bytes, Envelope], Accepted],
    large: Callable[[Path, Envelope], Accepted] | None = None,
) -> Accepted:
    """Hand over one file, write its result beside it, and put it away. Raises Unavailable, and then nothing moved."""
    envelope = envelope_of(path.name)
    in_chunks = path.stat().st_size > MOST_BYTES or path.suffix.lower() in _CHUNKED
    accepted = large(path, envelope) if large and in_chunks else accept(path.read_bytes(), envelope)
    if isinstance(accepted.error, Unavailable):
        raise accepted.error
    _write(path.with_name(path.name + RESULT), accepted.answer)
    refused = accepted.error is not None or accepted.report.rejected
    _put_away(path, path.parent / (FAILED if refused else DONE))
    return accepted


def envelope_of(name: str) -> Envelope:
    """Return what the name of a dropped file says of it."""
    return Envelope(_TYPES.get(Path(name).suffix.lower(), "text/csv"), parameters={"file": name, "result": "csv"})


def is_finished(name: str) -> bool:
    """Tell whether a file of this name may be taken: it is not hidden, half transferred, or an answer of ours."""
    return not (name.startswith(".") or name.lower().endswith((*_UNFINISHED, RESULT)))


def _candidate(path: Path) -> Look | None:
    """Return size and time of a file that may be taken."""
    if not is_finished(path.name):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if path.is_file() and found.st_size else None


def _write(path: Path, body: bytes) -> None:
    """Write a file so that nobody sees half of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(body)
    draft.replace(path)


def _put_away(path: Path, folder: Path) -> None:
    """Move a file, beside earlier ones of its name."""
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}.{number}{path.suffix}"
    path.replace(target)
