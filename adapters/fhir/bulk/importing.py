"""`$import`: NDJSON files, fetched or sent, written by the ordinary way of a batch, some hundred lines at a time.

What is fetched is kept until it has been read, and how far it was read is noted after each batch. A worker that dies is
followed by one that may write the last batch again: that changes nothing, because every line has an id, its own or one
that follows from its place.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import NAMESPACE_URL, uuid5

import msgspec

from adapters import outside
from adapters.contract import Accepted, Envelope
from adapters.fhir import outcomes
from adapters.fhir.bulk.parts import Parts
from adapters.outside import Outside
from tracker_core.bulk import Order, orders
from tracker_core.database import Session
from tracker_core.errors import HubError, Malformed, NotFound, Unavailable
from tracker_core.issues import Issue
from tracker_core.records import validation
from tracker_core.records.definitions import resource_types

LINES = 500  # of a batch
BYTES = 8 * 2**20  # of a batch; a line is never parted
MOST_BYTES = 16 * 2**30  # of a file
LONGEST = 16 * 2**20  # of a line
_TRIES = 10
_AGAIN_SECONDS = 20.0
_FETCH_SECONDS = 60.0

Accept = Callable[[bytes, Envelope, str], Accepted]


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    id: str = ""


_head = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file and its number; `issue` says why it cannot be written."""

    number: int
    type: str = ""
    id: str = ""
    doc: bytes = b""
    issue: Issue | None = None


def keep(folder: Path, raw: bytes) -> None:
    """Keep lines that were sent as the first file of an order."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "draft"
    with draft.open("wb") as opened:
        opened.write(raw)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(_path(folder, 0))


def _path(folder: Path, number: int) -> Path:
    return folder / f"input-{number}"


def advance(session: Session, folder: Path, where: Outside, accept: Accept) -> int:
    """Do the next piece of an open import, if there is one: fetch a file, or write a batch of it; return 1 if so.

    `accept` writes a batch in a transaction of its own. What is away is tried again some times.
    """
    order = orders.take(session, "import")
    if order is None:
        return 0
    position = order.position or {"input": 0, "offset": 0, "line": 0, "tries": 0, "inputs": _counted(order)}
    if order.state == "waiting":
        orders.begin(session, order.uid, None, len(position["inputs"]), position)
        return 1
    try:
        _go_on(session, order, folder / order.uid, position, where, accept)
    except OSError as error:
        orders.end(session, order.uid, f"the files cannot be kept: {error.strerror}")
    return 1


def _counted(order: Order) -> list[dict[str, Any]]:
    return [{**one, "done": 0} for one in order.asked["inputs"]]


def _go_on(
    session: Session, order: Order, folder: Path, position: dict[str, Any], where: Outside, accept: Accept
) -> None:
    number = position["input"]
    if number:
        # Only now is it certain that the one before is never needed again.
        _path(folder, number - 1).unlink(missing_ok=True)
    if number == len(position["inputs"]):
        parts = Parts(folder, orders.files(session, order.uid))
        orders.advance(session, order.uid, position, 0, parts.sync(ended=True))
        orders.end(session, order.uid)
        return
    asked = position["inputs"][number]
    try:
        if not _path(folder, number).exists():
            _fetch(where, asked["url"], folder, number)
            orders.advance(session, order.uid, {**position, "tries": 0}, 0, [])
            return
        _write_batch(session, order, folder, position, accept)
    except Unavailable as error:
        if position["tries"] < _TRIES:
            orders.advance(session, order.uid, {**position, "tries": position["tries"] + 1}, 0, [])
            orders.postpone(session, order.uid, error.detail, _AGAIN_SECONDS)
            return
        _give_up(session, order, folder, position, error)
    except HubError as error:
        _give_up(session, order, folder, position, error)


def _fetch(where: Outside, url: str, folder: Path, number: int) -> None:
    """Fetch a file. Raises `Unavailable`, and what a request to where others say does."""
    if not url:
        raise Unavailable("the lines that were sent are not there yet")
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "draft"
    size = 0
    with outside.request(where, "GET", url, seconds=_FETCH_SECONDS) as response:
        if response.status_code >= 500 or response.status_code in (408, 425, 429):
            raise Unavailable(f"{url} answered {response.status_code}")
        if response.status_code != 200:
            raise NotFound(f"{url} answered {response.status_code}")
        with draft.open("wb") as opened:
            for piece in response.iter_bytes(2**20):
                size += len(piece)
                if size > MOST_BYTES:
                    raise Malformed(f"{url} is larger than {MOST_BYTES // 2**30} GiB")
                opened.write(piece)
            opened.flush()
            os.fsync(opened.fileno())
    draft.replace(_path(folder, number))


def _give_up(session: Session, order: Order, folder: Path, position: dict[str, Any], error: HubError) -> None:
    """Say why a file could not be had, and go on with the next one."""
    asked = position["inputs"][position["input"]]
    issue = Issue("not-found", error.detail, where=asked["url"])
    _note(session, order, folder, _next(position), 0, [issue])


def _next(position: dict[str, Any]) -> dict[str, Any]:
    return {**position, "input": position["input"] + 1, "offset": 0, "line": 0, "tries": 0}


def _write_batch(session: Session, order: Order, folder: Path, position: dict[str, Any], accept: Accept) -> None:
    number = position["input"]
    asked = position["inputs"][number]
    with _path(folder, number).open("rb") as opened:
        opened.seek(position["offset"])
        raw = list(_take(opened))
        offset = opened.tell()
    if not raw:
        orders.advance(session, order.uid, _next(position), 0, [])
        return
    first = position["line"] + 1
    lines = [_read(order, number, first + n, text, asked["type"]) for n, text in enumerate(raw) if text.strip()]
    good = [one for one in lines if one.issue is None]
    issues = [one.issue for one in lines if one.issue is not None]
    issues += _written(good, accept, order.owner) if good else []
    wrong = len({issue.where.partition(":")[0] for issue in issues if issue.severity == "error"})
    position["inputs"][number] = {**asked, "done": asked["done"] + max(0, len(lines) - wrong)}
    reached = {"offset": offset, "line": position["line"] + len(raw), "tries": 0}
    _note(session, order, folder, {**position, **reached}, len(raw), [_placed(one, asked["url"]) for one in issues])


def _take(opened: BinaryIO) -> Iterator[bytes]:
    """Yield the next lines of a file, as many as a batch has; of one that is too long, its beginning."""
    size = 0
    for _ in range(LINES):
        line = opened.readline(LONGEST + 1)
        if not line:
            return
        piece = line
        while len(piece) > LONGEST and not piece.endswith(b"\n"):
            piece = opened.readline(LONGEST + 1)
        yield line
        size += len(line)
        if size >= BYTES:
            return


def _placed(issue: Issue, url: str) -> Issue:
    return Issue(issue.code, issue.text, issue.severity, f"{url} {issue.where}".strip(), issue.value)


def _read(order: Order, input_: int, number: int, text: bytes, type_: str) -> Line:
    where = f"line {number}"
    if len(text) > LONGEST:
        return Line(number, issue=Issue("too-costly", "the line is longer than 16 MiB", where=where))
    try:
        head = _head.decode(text)
    except (msgspec.MsgspecError, ValueError) as error:
        return Line(number, issue=Issue("structure", f"the line is no resource: {error}", where=where))
    if head.resource_type not in resource_types() or (type_ and head.resource_type != type_):
        expected = f"a {type_}" if type_ else "a resource of R4"
        text_ = f"{expected} is expected, not {head.resource_type or 'this'}"
        return Line(number, issue=Issue("structure", text_, where=where))
    if head.id and not validation.is_id(head.id):
        return Line(number, issue=Issue("value", "an id has 1 to 64 letters, digits, '-' and '.'", where=where))
    id = head.id or str(uuid5(NAMESPACE_URL, f"{order.uid} {input_} {number}"))
    return Line(number, head.resource_type, id, text.strip())


def _written(lines: Sequence[Line], accept: Accept, owner: str) -> list[Issue]:
    """Write lines as one batch; return what was wrong, at the lines. Raises `Unavailable`."""
    entries = [
        b'{"resource":%b,"request":{"method":"PUT","url":"%b/%b"}}' % (one.doc, one.type.encode(), one.id.encode())
        for one in lines
    ]
    raw = b'{"resourceType":"Bundle","type":"batch","entry":[%b]}' % b",".join(entries)
    accepted = accept(raw, Envelope("application/fhir+json", "POST", "/fhir"), owner)
    if isinstance(accepted.error, Unavailable):
        raise accepted.error
    if accepted.error is not None:
        detail = accepted.error.detail if isinstance(accepted.error, HubError) else "an error of this hub"
        return [Issue("processing", detail, where=f"line {one.number}") for one in lines]
    return [_at_line(issue, lines) for issue in accepted.report.issues]


def _at_line(issue: Issue, lines: Sequence[Line]) -> Issue:
    head, bracket, rest = issue.where.partition("Bundle.entry[")
    number, _, path = rest.partition("]")
    if not bracket or not number.isdigit():
        return issue
    place = f"line {lines[int(number)].number}: {head}{path.removeprefix('.resource').lstrip('.')}".rstrip(": ")
    return Issue(issue.code, issue.text, issue.severity, place, issue.value)


def _note(
    session: Session, order: Order, folder: Path, position: dict[str, Any], done: int, issues: Sequence[Issue]
) -> None:
    parts = Parts(folder, orders.files(session, order.uid))
    try:
        for issue in issues:
            parts.write("error", "OperationOutcome", outcomes.outcome([issue]))
        orders.advance(session, order.uid, position, done, parts.sync())
    finally:
        parts.close()
