"""The edge of the flow: what commits. One unit of work per message, run by a request or by a worker alike."""

import traceback
from collections.abc import Sequence

import structlog

from adapters.contract import Accepted, Envelope, Interrupted, Receipt
from hub import flow
from hub.gathering import gather, give_way
from hub.runtime import Runtime
from hub.together import process_together
from tracker_core import messages, peers
from tracker_core.context import Peer
from tracker_core.database import Apart, Collision, transaction
from tracker_core.errors import Conflict, HubError, Malformed, Unavailable, Unsupported, wording
from tracker_core.issues import Issue, Report
from tracker_core.messages import Arrival, Message, State

log = structlog.get_logger()
TRIES = 5
SMALL = 65_536
TOGETHER = 32
PATIENCE = "set local lock_timeout = '200ms'"
UNDURABLE = "set local synchronous_commit = off"
YIELD_SECONDS = 0.1  # who waits for an answer goes before what nobody waits for, for so long


def accept(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, actor: str) -> Accepted:
    """Keep the bytes, process them, and return the end of it, with the answer for their sender.

    A message that was here before gets the answer of the first time. A peer with the setting `acknowledge: stored` is
    answered as soon as readable bytes are durably kept; what is wrong with them is then in the message browser.
    Raises `Unavailable` only when the bytes could not be kept; whatever happens later is in the result.
    """
    adapter = runtime.adapter(peer.format)
    early = peer.settings.get("acknowledge") == "stored" and not adapter.identify(raw, envelope).asks
    if early and _readable(runtime, peer, raw, envelope):
        return _keep(runtime, peer, raw, envelope, actor)
    # The commit that ends the processing makes this one durable too, and no answer leaves before that.
    arrival = flow.arrival_of(runtime, peer, raw, envelope, actor, leased=True)
    message = _store(runtime, arrival, durably=False)
    return complete(runtime, peer, message, raw, envelope, actor)


def take_in(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, actor: str) -> Message:
    """Keep the bytes durably for the caller to `complete` them; no worker takes them while the lease lasts."""
    return _store(runtime, flow.arrival_of(runtime, peer, raw, envelope, actor, leased=True))


def _store(runtime: Runtime, arrival: Arrival, *, durably: bool = True) -> Message:
    """Keep what arrived, in one transaction with what arrives on other connections at the same moment."""

    def store(batch: Sequence[tuple[Arrival, bool]]) -> Sequence[Message]:
        with transaction(runtime.pool) as session:
            if not any(durable for _, durable in batch):
                session.execute(UNDURABLE)
            return flow.receive(session, [one for one, _ in batch])

    return gather(runtime.arriving, (arrival, durably), store)


def complete(runtime: Runtime, peer: Peer, message: Message, raw: bytes, envelope: Envelope, actor: str) -> Accepted:
    """Process what was just kept, and return the end of it; a repeat is answered as the first time."""
    if message.repeated:
        return answer_repeat(runtime, peer, message, raw, envelope, actor)
    if not _is_small(message):
        return settle(runtime, message)
    return gather(runtime.applying, message, lambda batch: settle_all(runtime, batch)) or settle(runtime, message)


def _readable(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope) -> bool:
    try:
        runtime.adapter(peer.format).parse(raw, envelope)
    except HubError:
        return False
    return True


def _keep(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, actor: str) -> Accepted:
    """Keep the bytes and say yes at once, for senders that cannot wait: a worker applies them."""
    message = keep(runtime, peer, raw, envelope, actor)
    if message.repeated and message.digest != messages.digest_of(raw):
        return answer_repeat(runtime, peer, message, raw, envelope, actor)
    return Accepted(message.id, Report(), runtime.adapter(peer.format).answer(raw, envelope, Report(), None))


def keep(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, actor: str, control_id: str = "") -> Message:
    """Keep the bytes for a worker, which is woken; `control_id` names them where they don't name themselves."""
    message = _store(runtime, flow.arrival_of(runtime, peer, raw, envelope, actor, control_id=control_id))
    runtime.wake.set()
    return message


def answer_repeat(runtime: Runtime, peer: Peer, first: Message, raw: bytes, envelope: Envelope, actor: str) -> Accepted:
    """Answer bytes whose repeat key was here before: as the first time when they are equal, else as a conflict.

    The conflicting bytes are kept as a rejected message of their own, so that a person can see what was sent.
    """
    if first.digest == messages.digest_of(raw):
        if first.state == "waiting":
            return settle(runtime, first)
        return Accepted(
            first.id, stored_report(first), _first_answer(runtime, first, raw, envelope), _stored_error(first)
        )
    error = Conflict(f"{first.dedup!r} was sent before with other content, as message {first.id}")
    report = Report(issues=[Issue("duplicate-control-id", error.detail)], rejected=True)
    answer = runtime.adapter(peer.format).answer(raw, envelope, report, error)
    with transaction(runtime.pool) as session:
        kept = messages.store(session, [_visible_repeat(first, raw, actor)])[0]
        messages.finish(session, kept.id, "rejected", report.as_json(), answer, error.detail)
    log.warning("control id used twice", message=kept.id, first=first.id, peer=peer.code)
    return Accepted(kept.id, report, answer, error)


def _first_answer(runtime: Runtime, first: Message, raw: bytes, envelope: Envelope) -> bytes:
    """Return the answer of the first time; one whose bytes were thrown away since is made anew from its report."""
    if first.answer is not None:
        return first.answer
    return runtime.adapter(first.format).answer(raw, envelope, stored_report(first), _stored_error(first))


def _visible_repeat(first: Message, raw: bytes, actor: str) -> Arrival:
    return Arrival(
        peer=first.peer,
        format=first.format,
        body=raw,
        type=first.type,
        control_id=first.control_id,
        content_type=first.content_type,
        about=first.about,
        actor=actor,
        replay_of=first.id,
    )


def stored_report(message: Message) -> Report:
    """Return the report of a finished message, as far as it is stored."""
    stored = message.report or {}
    issues = [Issue(**issue) for issue in stored.get("issues", ())]
    return Report(issues=issues, rejected=message.state == "rejected", extra=stored.get("extra", {}))


def _stored_error(message: Message) -> HubError | None:
    return Conflict(message.error) if message.error else None


def settle(runtime: Runtime, message: Message, *, durably: bool = True) -> Accepted:
    """Process a stored inbound message to its end: done, rejected, parked, or waiting for another try.

    Only what is `Unavailable` is tried again, and only when the sender's own repeat would be recognised or no sender
    waits (a worker claimed it); a fault of ours parks the message for a person to look at. Where nobody waits for an
    answer the end need not be durable at once: a crash loses it whole, and the message, still waiting, has it again.
    """
    error: Exception = Unavailable("too many transactions at once")
    for _ in range(TRIES):
        try:
            return _process(runtime, message, durably)
        except Collision:
            continue
        except RecursionError:
            error = Malformed("it is nested too deeply")
            break
        except Exception as failure:
            error = failure
            break
    return _end_badly(runtime, message, error)


def settle_claimed(runtime: Runtime, claimed: Sequence[Message]) -> None:
    """Process messages that a worker has claimed, as `settle` does, small ones together; nobody waits for an answer."""
    small = [message for message in claimed if _is_small(message)]
    done: set[int] = set()
    for n in range(0, len(small), TOGETHER):
        give_way(runtime.arriving, YIELD_SECONDS)
        ended = settle_all(runtime, small[n : n + TOGETHER], durably=False)
        done |= {one.message for one in ended if one is not None}
    for message in claimed:
        if message.id not in done:
            settle(runtime, message, durably=False)


def _is_small(message: Message) -> bool:
    """Tell whether a message is about one person, and short: it does not hold up those it is processed with."""
    return message.lane is not None and len(message.body or b"") <= SMALL


def settle_all(runtime: Runtime, batch: Sequence[Message], *, durably: bool = True) -> list[Accepted | None]:
    """Process stored inbound messages in one transaction, as far as they may be; None for those that are to be settled.

    Each has the end that `settle` would have given it. Others wait behind this, so it waits for nobody for long.
    """
    done: dict[int, tuple[Report, bytes]] = {}
    try:
        done = _process_all(runtime, batch, durably)
    except (Apart, Collision, HubError):
        pass
    except Exception:
        # Whichever of them it is about will be parked when it is processed by itself.
        log.exception("messages could not be processed together", messages=[message.id for message in batch])
    return [Accepted(message.id, *done[message.id]) if message.id in done else None for message in batch]


def _process_all(runtime: Runtime, batch: Sequence[Message], durably: bool) -> dict[int, tuple[Report, bytes]]:
    """Return reports and answers only when they are committed."""
    with transaction(runtime.pool) as session:
        session.execute(PATIENCE if durably else f"{PATIENCE}; {UNDURABLE}")
        done = process_together(session, runtime, batch)
    runtime.wake.set()
    return done


def _process(runtime: Runtime, message: Message, durably: bool) -> Accepted:
    with transaction(runtime.pool) as session:
        if not durably:
            session.execute(UNDURABLE)
        if not messages.lock_waiting(session, message.id):
            ended = messages.read(session, message.id)
            return Accepted(ended.id, stored_report(ended), ended.answer or b"", _stored_error(ended))
        report, answer = flow.process(session, runtime, message)
    runtime.wake.set()
    return Accepted(message.id, report, answer)


def _end_badly(runtime: Runtime, message: Message, error: Exception) -> Accepted:
    words = wording(error)
    detail = error.detail if isinstance(error, HubError) else f"{type(error).__name__}: {error}"
    where = error.where if isinstance(error, HubError) else ""
    report = Report(issues=[Issue(words.fhir, detail, where=where)], rejected=True)
    if not isinstance(error, HubError):
        trace = "".join(traceback.format_exception(error))
        log.error("message failed", message=message.id, format=message.format, error=trace)
    answer = runtime.adapter(message.format).answer(message.body or b"", Envelope(**message.about), report, error)
    try:
        with transaction(runtime.pool) as session:
            if words.retried and (message.dedup or message.attempts):
                messages.postpone(session, message, detail)
            else:
                ended = isinstance(error, HubError) and not words.retried
                state: State = "rejected" if ended else "parked"
                messages.finish(session, message.id, state, report.as_json(), answer, detail)
    except Unavailable:
        # The message stays waiting under its lease; a worker takes it when the database is back.
        log.warning("database away", message=message.id)
    return Accepted(message.id, report, answer, error)


def send(runtime: Runtime, message: Message) -> Receipt | None:
    """Deliver one claimed outbound message; return the receipt, or None when it must wait or needs a person.

    Nothing is sent when the lease ran out and another worker has the message by now. No transaction is open
    while the network is: the rendering is kept first, the answer is stored after.
    """
    try:
        with transaction(runtime.pool) as session:
            if not messages.renew(session, message):
                return None
            peer = peers.by_ids(session, [message.peer])[message.peer]
            outgoing = flow.render(session, runtime, message)
        receipt = flow.deliver(runtime, peer, outgoing)
    except Unavailable as error:
        with transaction(runtime.pool) as session:
            if isinstance(error, Interrupted):
                flow.note_names(session, message, error.names)
            messages.postpone(session, message, error.detail)
        return None
    except Exception as error:
        _fail_delivery(runtime, message, error)
        return None
    _record(runtime, message, receipt)
    return receipt


def _fail_delivery(runtime: Runtime, message: Message, error: Exception) -> None:
    detail = error.detail if isinstance(error, HubError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, HubError):
        log.error("delivery failed", message=message.id, error=traceback.format_exc())
    state: State = "rejected" if isinstance(error, Unsupported) else "parked"
    with transaction(runtime.pool) as session:
        messages.finish(session, message.id, state, error=detail)


def _record(runtime: Runtime, message: Message, receipt: Receipt) -> None:
    with transaction(runtime.pool) as session:
        # The receiver may have answered on a line of its own in the meantime: that was its last word.
        if messages.lock_waiting(session, message.id):
            flow.conclude(session, message, receipt)


def claim(runtime: Runtime, direction: str, worker: str, limit: int) -> Sequence[Message]:
    """Lease due messages to `worker`, committed."""
    with transaction(runtime.pool) as session:
        return messages.claim(session, direction, worker, limit)


def dispatch(runtime: Runtime, limit: int = 500) -> int:
    """Run one round of dispatch, committed; return how many messages were queued."""
    with transaction(runtime.pool) as session:
        return flow.dispatch(session, runtime, limit)
