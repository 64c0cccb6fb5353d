"""One turn of an export: the next records of its moment, appended to its files; then what was reached is noted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from adapters.fhir import outcomes
from adapters.fhir.bulk import asking
from adapters.fhir.bulk.asking import Asked
from adapters.fhir.bulk.parts import Parts
from adapters.fhir.searching.codes import codes
from adapters.fhir.showing import shown
from tracker_core.bulk import Order, members, orders, versions
from tracker_core.bulk.versions import Line, Reach
from tracker_core.database import Session
from tracker_core.errors import HubError
from tracker_core.horizon import horizon
from tracker_core.issues import Issue
from tracker_core.records import custom
from tracker_core.records.search.criteria import Condition

TURN = 20_000  # records walked in one transaction
_DELETIONS = 100  # in one bundle


def advance(session: Session, folder: Path, turn: int = TURN) -> int:
    """Do the next piece of an open export, if there is one; return how many records were written, or 1 at the least.

    What a killed process had written after its last commit is cut off and written again: nothing is twice in the files
    and nothing is missing. An export that cannot go on has failed, and says why.
    """
    order = orders.take(session, "export")
    if order is None:
        return 0
    try:
        with session.transaction():
            return _begin(session, order) if order.state == "waiting" else _go_on(session, order, folder, turn)
    except (HubError, OSError) as error:
        reason = error.detail if isinstance(error, HubError) else f"the files cannot be written: {error.strerror}"
        orders.end(session, order.uid, reason)
        return 1


def check(session: Session, asked: Asked) -> None:
    """Raise `Malformed` or `Unsupported` for a filter whose values cannot be searched by."""
    versions.check(session, _reach(session, asked, datetime.now(UTC)))


def _begin(session: Session, order: Order) -> int:
    """Fix the moment: before it nothing new can appear, and after it nothing is exported."""
    asked = Asked(**order.asked)
    now = horizon(session)
    until = asking.moment("_until", asked.until) + timedelta(milliseconds=1) if asked.until else now
    as_of = min(now, until)
    as_of = as_of.replace(microsecond=as_of.microsecond // 1000 * 1000)
    reach = _reach(session, asked, as_of)
    if asked.level == "group" or asked.patients is not None:
        count = members.keep(session, order.uid, _patients(session, asked))
        orders.begin(session, order.uid, as_of, count, {"member": 0})
    else:
        orders.begin(session, order.uid, as_of, versions.count(session, reach), {"after": 0})
    return 1


def _patients(session: Session, asked: Asked) -> list[str]:
    if asked.level != "group":
        return asked.patients or []
    grouped = members.of_group(session, asked.group)
    return grouped if asked.patients is None else sorted(set(grouped) & set(asked.patients))


def _reach(session: Session, asked: Asked, as_of: datetime) -> Reach:
    filters: dict[str, list[list[Condition]]] = {}
    for type_, query in asked.filters:
        filters.setdefault(type_, []).append(asking.conditions(type_, query))
    own = set(versions.patient_types())
    types = [name for name in asked.types if asked.level == "system" or name in own]
    since = asking.moment("_since", asked.since) if asked.since else None
    kept = {name: of for name, of in filters.items() if name in types}
    return Reach(types, as_of, since, asked.level != "system", kept, codes(session))


def _go_on(session: Session, order: Order, folder: Path, turn: int) -> int:
    custom.refresh(session, seconds=1)
    asked = Asked(**order.asked)
    assert order.as_of is not None
    reach = _reach(session, asked, order.as_of)
    place = folder / order.uid
    parts = Parts(place, orders.files(session, order.uid))
    try:
        walked, position, ended = _walk(session, order, asked, reach, parts, turn)
        if ended:
            _note_passed(asked, parts)
        orders.advance(session, order.uid, position, walked, parts.sync(ended=ended))
    finally:
        parts.close()
    if ended:
        orders.end(session, order.uid)
    return max(walked, 1)


def _walk(
    session: Session, order: Order, asked: Asked, reach: Reach, parts: Parts, turn: int
) -> tuple[int, dict[str, object], bool]:
    """Write the next records; return how far that came, where to go on, and whether that was all."""
    if "member" not in order.position:
        after = int(order.position["after"])
        count, last = _write(parts, asked, versions.walk(session, reach, after, turn))
        return count, {"after": last or after}, count < turn
    chosen = members.following(session, order.uid, int(order.position["member"]))
    if chosen.persons:
        _write(parts, asked, versions.walk_members(session, reach, chosen))
    count = len(chosen.persons)
    return count, {"member": chosen.persons[-1] if count else 0}, count < members.SLICE


def _write(parts: Parts, asked: Asked, lines: Iterator[Line | int]) -> tuple[int, int]:
    """Write records; return how many were walked past and the key of the last one."""
    wanted = {name: [("_elements", asking.shown_elements(asked.elements, name))] for name in asked.types}
    reduced = {name for name, pairs in wanted.items() if pairs[0][1]}
    deleted: list[str] = []
    count = last = 0
    for line in lines:
        count += 1
        if isinstance(line, int):
            last = line
            continue
        last = line.pk
        if line.deleted:
            deleted.append(f"{line.type}/{line.id}")
        else:
            doc = shown(line.type, line.doc, wanted[line.type]) if line.type in reduced else line.doc
            parts.write("output", line.type, doc)
        if len(deleted) == _DELETIONS:
            parts.write("deleted", "Bundle", _deletions(deleted))
            deleted = []
    if deleted:
        parts.write("deleted", "Bundle", _deletions(deleted))
    return count, last


def _deletions(references: list[str]) -> bytes:
    entries = [{"request": {"method": "DELETE", "url": reference}} for reference in references]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _note_passed(asked: Asked, parts: Parts) -> None:
    """Say what the caller asked for and did not get."""
    for text in asked.passed:
        issue = Issue("not-supported", text, "warning")
        parts.write("error", "OperationOutcome", outcomes.outcome([issue]))
