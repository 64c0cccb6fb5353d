"""One message off the wire: whose it is, which answers it gets and when, and the flow behind it.

A peer with the setting `acks: enhanced` gets what MSH-15 and 16 of its message ask for: an accept acknowledgement when
the bytes are kept, then the application's when they are applied. With `sequence: true` its numbers (MSH-13) are kept.
"""

from collections.abc import Callable
from functools import partial

from adapters.contract import Envelope
from adapters.hl7v2 import acks, filters
from adapters.hl7v2.events import check_taken
from adapters.hl7v2.format import default_charset, parse
from adapters.hl7v2.header import read_header, sender_code
from adapters.hl7v2.mllp import Take, Two
from hub import access, work
from hub.runtime import Runtime
from tracker_core import messages, sequences
from tracker_core.context import Peer, User
from tracker_core.database import reading, transaction
from tracker_core.errors import Conflict, HubError, Malformed
from tracker_core.issues import Report
from tracker_core.messages import Arrival, State
from tracker_core.sequences import Turn

FORMAT = "hl7v2"


def listen(runtime: Runtime, user: User) -> Take:
    """Return what takes one message off a wire and gives its answer or answers, whatever happens."""

    def take(raw: bytes, envelope: Envelope) -> bytes | Two[bytes]:
        try:
            peer = access.sender_of(runtime, FORMAT, user, sender_code(raw))
            known = access.informed(runtime, peer, envelope)
            proceed = partial(answer, runtime, peer, raw, known, user.username)
            if peer.settings.get("sequence"):
                return in_sequence(runtime, peer, raw, known, proceed)
            return proceed()
        except HubError as error:
            return refuse(runtime, raw, envelope, error)

    return take


def answer(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, actor: str) -> bytes | Two[bytes]:
    """Take a message in, by the flow, and return what its sender is to hear."""
    first = acks.accept(raw, None, default_charset(envelope)) if is_enhanced(envelope) else b""
    if not first:
        return work.accept(runtime, peer, raw, envelope, actor).answer
    error = refusal(raw, envelope, peer)
    if error is not None:
        work.accept(runtime, peer, raw, envelope, actor)
        return refuse(runtime, raw, envelope, error)
    message = work.take_in(runtime, peer, raw, envelope, actor)
    if message.repeated and message.digest != messages.digest_of(raw):
        ended = work.complete(runtime, peer, message, raw, envelope, actor)
        error = ended.error if isinstance(ended.error, HubError) else Conflict("this control id was used before")
        return refuse(runtime, raw, envelope, error)

    def rest() -> bytes:
        told = work.complete(runtime, peer, message, raw, envelope, actor).answer
        return b"" if acks.is_accept(told) else told

    return Two(first, rest)


def refusal(raw: bytes, envelope: Envelope, peer: Peer) -> HubError | None:
    """Return what keeps a message from being taken in at all: it cannot be read, or its type is not offered."""
    try:
        for part in parse(raw, envelope).parts:
            if filters.judge(part.message, peer.settings).then == "take":
                check_taken(part.message)
    except HubError as error:
        return error
    return None


def is_enhanced(envelope: Envelope) -> bool:
    """Tell whether the sender takes two answers to a message."""
    return envelope.parameters.get("acks") == "enhanced"


def refuse(runtime: Runtime, raw: bytes, envelope: Envelope, error: HubError) -> bytes:
    """Return the one answer to what was not taken: CE or CR to who wants to hear that first, else AE or AR."""
    early = acks.accept(raw, error, default_charset(envelope)) if is_enhanced(envelope) else b""
    return early or runtime.adapter(FORMAT).answer(raw, envelope, Report(rejected=True), error)


def in_sequence(
    runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, proceed: Callable[[], bytes | Two[bytes]]
) -> bytes | Two[bytes]:
    """Take a message only in its turn, and name the number expected next in MSA-4.

    A number counts as taken when its message is kept, applied or not: an answer lost on its way, or a crash before it,
    is mended by the sender's repeat, which the control id gives away. 0 and -1 are about the link: nothing is applied.
    """
    number = number_of(raw, envelope)
    with reading(runtime.pool) as session:
        turn = sequences.look(session, peer.id, number)
    if turn.kind in {"start", "resync", "gap"}:
        return out_of_turn(runtime, peer, raw, envelope, turn, number)
    answered = proceed()
    with transaction(runtime.pool) as session:
        sequences.advance(session, peer.id, number)
    return expecting(answered, turn.expected)


def expecting(answered: bytes | Two[bytes], number: int) -> bytes | Two[bytes]:
    """Return the answers with the sequence number that is expected next."""
    if isinstance(answered, Two):
        rest = answered.rest
        return Two(expected_in(answered.first, number), lambda: expected_in(rest(), number))
    return expected_in(answered, number)


def expected_in(one: bytes, number: int) -> bytes:
    """Return one answer with the number expected next; none stays none."""
    return acks.expecting(one, number) if one else one


def number_of(raw: bytes, envelope: Envelope) -> int:
    """Return MSH-13. Raises `Malformed` when it is no sequence number."""
    header = read_header(raw, default_charset(envelope))
    text = header.text(13).strip() if header is not None else ""
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15 or int(text) < sequences.RESYNC:
        raise Malformed(f"MSH-13 is no sequence number: {text!r}", "MSH-13")
    return int(text)


def out_of_turn(runtime: Runtime, peer: Peer, raw: bytes, envelope: Envelope, turn: Turn, number: int) -> bytes:
    """Answer what is about the link or comes out of turn, and keep it where people see it; nothing is applied."""
    wrong = Conflict(f"sequence number {number} came, {turn.expected} is expected", "MSH-13")
    error = wrong if turn.kind == "gap" else None
    said = expected_in(runtime.adapter(FORMAT).answer(raw, envelope, Report(), error), turn.expected)
    with transaction(runtime.pool) as session:
        if turn.kind == "resync":
            sequences.advance(session, peer.id, None)
        arrival = Arrival(peer.id, FORMAT, raw, type=f"sequence-{turn.kind}", leased=True)
        (kept,) = messages.store(session, [arrival])
        state: State = "rejected" if error else "done"
        messages.finish(session, kept.id, state, answer=said, error=wrong.detail if error else "")
    return said
