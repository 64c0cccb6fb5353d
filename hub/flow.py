"""The central flow: receive, process, dispatch, deliver. Each works in the caller's transaction; `work.py` commits."""

from collections.abc import Sequence
from dataclasses import asdict

from adapters.contract import Envelope, Outgoing, Reading, Receipt, Sender, View
from adapters.fhir.searching.codes import codes
from hub import triggers
from hub.apply import apply
from hub.quality.policies import Judging, by_policy
from hub.runtime import Runtime
from hub.translations import of_peer, outward
from hub.views import load_view
from terminology import snapshots
from tracker_core import aggregates, audit, history, messages, peers, pulls, quality, records, routes, unmapped
from tracker_core.context import Peer
from tracker_core.database import Rollback, Session
from tracker_core.errors import Unsupported
from tracker_core.issues import Issue, Report
from tracker_core.messages import Arrival, Message, State
from tracker_core.records.definitions import type_names
from tracker_core.subscriptions import events, notices


def receive(session: Session, arrivals: Sequence[Arrival]) -> list[Message]:
    """Keep the bytes; they are safe once the caller has committed.

    Returns the stored messages in order; the earlier one with `repeated` set where that peer sent the same control id
    (or the same file) before.
    """
    return messages.store(session, arrivals)


def arrival_of(
    runtime: Runtime,
    peer: Peer,
    raw: bytes,
    envelope: Envelope,
    actor: str,
    *,
    leased: bool = False,
    control_id: str = "",
) -> Arrival:
    """Return what is to be kept of bytes that a peer sent.

    `leased` keeps workers away while the caller processes the message itself; `control_id` names bytes that don't name
    themselves.
    """
    identity = runtime.adapter(peer.format).identify(raw, envelope)
    return Arrival(
        peer=peer.id,
        format=peer.format,
        body=raw,
        type=identity.type,
        control_id=identity.control_id or control_id,
        dedup=identity.dedup,
        content_type=envelope.content_type,
        about=asdict(envelope),
        lane=messages.lane_of(peer.id, identity.lane) if identity.lane else None,
        patient=identity.lane,
        actor=actor,
        leased=leased,
    )


def process(session: Session, runtime: Runtime, message: Message) -> tuple[Report, bytes]:
    """Parse, read and apply a waiting inbound message; return the report and the answer for its sender.

    Everything it changes and the message's new state are one transaction. Wrong data ends in a report; what the caller
    or the world did wrong is raised (see `tracker_core.errors`) and nothing is applied.
    """
    adapter = runtime.adapter(message.format)
    peer = peers.by_ids(session, [message.peer])[message.peer]
    envelope = Envelope(**message.about)
    raw = message.body or b""
    snapshots.keep_fresh(session)
    sender = Sender(peer, message.created, envelope.parameters, of_peer(session, peer))
    document = adapter.parse(raw, envelope)
    reply = adapter.ask(session, document, sender) if adapter.ask else None
    if reply is not None:
        # What was shown is in the trail together with the answer that is kept.
        audit.write(session, [audit.Entry(message.created, message.actor, peer.code, "query", message.type, 200)])
        messages.finish(session, message.id, "done", Report().as_json(), reply)
        return Report(), reply
    reading = adapter.read(document, sender)
    report = Report(issues=reading.issues, rejected=reading.rejected, extra=reading.extra)
    codes = unmapped.untranslated(reading.issues)
    parked = bool(codes) and peer.settings.get("unmapped") == "park"
    judging = by_policy(session, peer)
    if reading.receipts:
        report.issues += _settle(session, peer, reading.receipts)
    elif not report.rejected and not parked:
        _attempt(session, message, peer, reading, report, judging)
    unmapped.note(session, peer.id, message.id, codes)
    judging.close(reading.changes, report)
    quality.note(session, peer.id, message.id, judging.examined)
    answer = adapter.answer(raw, envelope, report, None)
    state: State = "parked" if parked else "rejected" if report.rejected else "done"
    messages.finish(session, message.id, state, report.as_json(), answer)
    return report, answer


def _settle(session: Session, peer: Peer, receipts: dict[str, Receipt]) -> list[Issue]:
    """End the messages to `peer` that these receipts name; return what names none."""
    sent = messages.sent(session, peer.id, list(receipts))
    for control_id, message in sent.items():
        conclude(session, message, receipts[control_id])
    text = "no message to this sender bears this control id"
    return [Issue("unknown-control-id", text, "warning", value=name) for name in receipts if name not in sent]


def conclude(session: Session, message: Message, receipt: Receipt) -> None:
    """End an outbound message by what its receiver answered."""
    report = Report(issues=receipt.issues, rejected=not receipt.accepted)
    error = "" if receipt.accepted else "; ".join(issue.text for issue in receipt.issues) or "refused"
    state: State = "done" if receipt.accepted else "rejected"
    messages.finish(session, message.id, state, report.as_json(), receipt.answer, error)
    note_names(session, message, receipt.names)
    if "report" in message.about:
        aggregates.record_answer(session, message.about["report"], receipt.accepted, receipt.items)


def _attempt(
    session: Session, message: Message, peer: Peer, reading: Reading, report: Report, judging: Judging
) -> None:
    """Apply a reading, and undo all of it when the report rejects it or only the report was asked for."""
    with session.transaction() as attempt:
        context = history.open_change_set(session, message.actor, peer, message.id, reading.mapping)
        apply(session, context, reading.changes, report, judging.judge)
        if report.rejected or reading.dry_run:
            raise Rollback(attempt)


def dispatch(session: Session, runtime: Runtime, limit: int) -> int:
    """Turn up to `limit` undispatched change sets into outbound messages, by routes and subscriptions; count the new.

    Nothing goes back to the peer that a change came from. What already waits for a peer is not queued twice.
    """
    known = routes.active(session)
    listening = events.in_turn(session)
    if not known and not listening:
        history.pass_over(session, limit)
        return 0
    touched = history.take_undispatched(session, limit, in_turn=listening)
    if not touched:
        return notices.queue(session) if listening else 0
    targets = peers.by_ids(session, [route.peer for route in known])
    names = type_names()
    change_sets = list(dict.fromkeys(one.change_set for one in touched))
    queued = events.note(session, change_sets, codes(session)) if listening else 0
    for route in known:
        peer = targets[route.peer]
        chosen = triggers.chosen(session, runtime.adapter(peer.format), peer, route, touched, names)
        arrivals = [_outbound(peer, type, one.about) for type, one in chosen]
        queued += messages.enqueue(session, arrivals, cause=touched[-1].change_set)
        causes = [(new, cause) for new, (_, one) in zip(arrivals, chosen, strict=True) for cause in one.change_sets]
        messages.note_causes(session, causes)
    return queued


def _outbound(peer: Peer, type: str, about: dict[str, int]) -> Arrival:
    (kind, key), *_ = about.items()
    return Arrival(
        peer=peer.id,
        format=peer.format,
        body=None,
        type=type,
        about=about,
        lane=messages.lane_of(peer.id, f"{kind}:{key}"),
    )


def render(session: Session, runtime: Runtime, message: Message) -> Outgoing:
    """Return the bytes of an outbound message: as first rendered when it was tried before, else the current state.

    The rendering is kept, so that a retry sends the very bytes that may already have arrived.
    Raises `Unsupported` when the peer's format cannot express what is to be sent.
    """
    control_id = message.control_id or f"TH{message.id}"
    if message.body is not None:
        return Outgoing(message.body, message.content_type, control_id, message.type)
    adapter = runtime.adapter(message.format)
    peer = peers.by_ids(session, [message.peer])[message.peer]
    if adapter.write is None or adapter.render is None:
        raise Unsupported(f"the format {message.format} cannot be written")
    view: View = load_view(session, message)
    sender = Sender(peer, message.created, {}, outward(session))
    body = adapter.render(adapter.write(view, sender, control_id), sender)
    content_type = str(peer.settings.get("content_type") or adapter.content_types[0])
    messages.keep_rendering(session, message.id, body, content_type, control_id)
    return Outgoing(body, content_type, control_id, message.type)


def note_names(session: Session, message: Message, names: dict[str, str]) -> None:
    """Remember what the receiver of a message calls the records it was sent: our reference -> its name."""
    if not names:
        return
    found = records.read(session, [(type, id) for type, _, id in (name.partition("/") for name in names)])
    known = {names[one.reference]: one.pk for one in found.values()}
    pulls.note_names(session, history.open_change_set(session, message.actor), message.peer, known)


def deliver(runtime: Runtime, peer: Peer, outgoing: Outgoing) -> Receipt:
    """Send rendered bytes to their peer, with no transaction open. Raises `Unavailable` when it is away."""
    send = runtime.adapter(peer.format).send
    if send is None:
        raise Unsupported(f"the format {peer.format} cannot be sent")
    return send(outgoing, peer)
