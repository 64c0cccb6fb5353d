"""Messages of different persons that wait at the same moment, processed in one pass and one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.contract import Adapter, Envelope, Reading, Sender
from hub.apply import apply_together
from hub.quality.policies import OFF
from hub.runtime import Runtime
from hub.translations import of_peer
from mappings.concepts import Translate
from terminology import snapshots
from tracker_core import history, messages, peers, records, unmapped
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.issues import Report
from tracker_core.messages import Message


@dataclass(frozen=True, slots=True)
class _Read:
    message: Message
    peer: Peer
    adapter: Adapter
    envelope: Envelope
    reading: Reading
    report: Report


def process_together(session: Session, runtime: Runtime, batch: Sequence[Message]) -> dict[int, tuple[Report, bytes]]:
    """Process waiting inbound messages as `flow.process` does each; return report and answer of those that were.

    Left out are messages that do more than write records, those with a fault, those that have ended meanwhile, and all
    but the first of a lane: they are to be processed by themselves, afterwards. Raises `Apart` when the transaction is
    to be undone and all are processed by themselves.
    """
    waiting = messages.lock_all_waiting(session, [message.id for message in batch])
    first = {one.lane: one for one in reversed(batch) if one.id in waiting}
    snapshots.keep_fresh(session)
    senders = peers.by_ids(session, list({message.peer for message in batch}))
    answered = {id: of_peer(session, peer) for id, peer in senders.items()}
    found = [_read(runtime, one, senders[one.peer], answered[one.peer]) for one in batch if first.get(one.lane) is one]
    plain = [one for one in found if one is not None]
    if not plain:
        return {}
    opened = [(one.message.actor, one.peer, one.message.id, one.reading.mapping) for one in plain]
    contexts = history.open_change_sets(session, opened)
    parts = [(context, one.reading.changes, one.report) for context, one in zip(contexts, plain, strict=True)]
    apply_together(session, parts)
    ended = {one.message.id: (one.report, _answer(one)) for one in plain}
    messages.finish_all(session, [(id, report.as_json(), answer) for id, (report, answer) in ended.items()])
    return ended


def _read(runtime: Runtime, message: Message, peer: Peer, answered: Translate | None) -> _Read | None:
    """Read a message that only writes records, under no judgement and with nothing to be told of its codes."""
    if peer.settings.get("validation", OFF) != OFF:
        return None
    adapter = runtime.adapter(message.format)
    envelope = Envelope(**message.about)
    raw = message.body or b""
    try:
        if adapter.identify(raw, envelope).asks:
            return None
        sender = Sender(peer, message.created, envelope.parameters, answered)
        reading = adapter.read(adapter.parse(raw, envelope), sender)
    except Exception:  # It is raised again, and told, when the message is processed by itself.
        return None
    special = reading.receipts or reading.rejected or reading.dry_run or unmapped.untranslated(reading.issues)
    if special or not records.fits(reading.changes):
        return None
    return _Read(message, peer, adapter, envelope, reading, Report(issues=reading.issues, extra=reading.extra))


def _answer(one: _Read) -> bytes:
    return one.adapter.answer(one.message.body or b"", one.envelope, one.report, None)
