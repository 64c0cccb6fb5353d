"""Conversions to and from the tracker: apply a body on this hub, look at what became of it, undo all of it.

What a program makes of records depends on its metadata and its bindings, so these conversions need a hub to run on.
"""

from collections.abc import Mapping

import orjson

from adapters.contract import Adapter, Envelope, Sender, View
from hub.apply import apply
from hub.bound import parse
from hub.convert import Converted
from tracker_core import history, peers, records
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.errors import Unsupported
from tracker_core.history import Touched
from tracker_core.issues import Report
from tracker_core.tracker import documents
from tracker_core.tracker.documents import Parts

TRACKER = "tracker"


def needs_a_hub(source: str, target: str) -> bool:
    """Tell whether the tracker stands on one side of a conversion."""
    return target == TRACKER or source == "dhis2"


def convert(
    session: Session,
    adapters: Mapping[str, Adapter],
    raw: bytes,
    source: str,
    target: str,
    *,
    envelope: Envelope | None = None,
    type: str = "",
) -> Converted:
    """Read `raw` as `source` and return it as `target`; `tracker` is a DHIS2 tracker payload.

    The whole flow runs, program bindings included, in a transaction that is always undone: no message, record, person
    or change remains. Persons that the hub knows already appear with what it knows of them.
    Raises one of the six errors when it cannot be done.
    """
    if source not in adapters or target not in {*adapters, TRACKER}:
        known = ", ".join(sorted([*adapters, TRACKER]))
        raise Unsupported(f"{source!r} to {target!r}: the formats are {known}")
    given = envelope or Envelope(content_type=adapters[source].content_types[0])
    with session.transaction(force_rollback=True):
        return _try(session, adapters, raw, source, target, given, type)


def _try(
    session: Session,
    adapters: Mapping[str, Adapter],
    raw: bytes,
    source: str,
    target: str,
    envelope: Envelope,
    type: str,
) -> Converted:
    adapter = adapters[source]
    peer = peers.ensure(session, f"convert-{source}", source)
    context = history.open_change_set(session, "convert", peer)
    reading = adapter.read(adapter.parse(raw, envelope), Sender(peer, context.at, envelope.parameters))
    report = Report(issues=reading.issues)
    apply(session, context, reading.changes, report)
    touched = history.touched(session, [context.change_set])
    if target == TRACKER:
        return Converted(_tracker(session, touched), "application/json", report.issues)
    return _records(session, adapters[target], peer, touched, type, report)


def _tracker(session: Session, touched: list[Touched]) -> bytes:
    persons = {one.subject for one in touched if one.subject is not None}
    persons |= {one.target for one in touched if one.kind == "tracked_entity"}
    found = documents.entities(session, sorted(persons), Parts(enrollments=Parts(events=Parts())))
    return orjson.dumps({"trackedEntities": list(found.values())}, option=orjson.OPT_INDENT_2)


def _records(
    session: Session, writer: Adapter, peer: Peer, touched: list[Touched], type: str, report: Report
) -> Converted:
    if writer.write is None or writer.render is None:
        raise Unsupported(f"the format {writer.name} can be read but not written")
    stored = records.by_pk(session, [one.target for one in touched if one.kind == "record"])
    found = [parse(one) for one in stored.values() if not one.deleted]
    if not found:
        raise Unsupported(f"nothing in this body became a record, so it cannot become {writer.name}")
    found.sort(key=lambda document: document["resourceType"] != "Patient")
    receiver = Sender(peer, stored[next(iter(stored))].updated)
    body = writer.render(writer.write(View("person", type, found), receiver, "CONVERT"), receiver)
    return Converted(body, writer.content_types[0], report.issues)
