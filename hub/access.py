"""The way in that HTTP faces, MLLP and watched folders share: which peer is speaking, and the flow behind it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from adapters.contract import Accepted, Envelope
from hub import work
from hub.runtime import Runtime
from tracker_core import peers
from tracker_core.context import Peer, User
from tracker_core.database import AsyncPool, Session, reading, transaction
from tracker_core.errors import Conflict, Forbidden, HubError
from tracker_core.issues import Report


@dataclass(frozen=True, slots=True)
class HubAccess:
    """`adapters.contract.Access` on the flow."""

    runtime: Runtime
    direct: AsyncPool | None = None

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Store the bytes, process them, return the end of it; see the protocol."""
        with reading(self.runtime.pool) as session:
            sender = _sender(session, format_, user, peer)
        return work.accept(self.runtime, sender, raw, envelope, user.username)

    def queue(self, format_: str, raw: bytes, envelope: Envelope, user: User, control_id: str) -> int:
        """Store the bytes for a worker; see the protocol."""
        with transaction(self.runtime.pool) as session:
            sender = _sender(session, format_, user, "")
        return work.keep(self.runtime, sender, raw, envelope, user.username, control_id).id

    @property
    def files(self) -> Path | None:
        """The folder of uploaded files, None when this process has none."""
        return self.runtime.files

    def reading(self) -> AbstractContextManager[Session]:
        """Return a session without a transaction; see the protocol."""
        return reading(self.runtime.pool)

    def session(self) -> AbstractContextManager[Session]:
        """Return a session for reading."""
        return transaction(self.runtime.pool)


def _sender(session: Session, format_: str, user: User, code: str) -> Peer:
    if not code and user.peer is not None:
        sender = peers.by_ids(session, [user.peer])[user.peer]
    else:
        sender = peers.ensure(session, code or format_, format_)
    if sender.format != format_:
        raise Conflict(f"the peer {sender.code} speaks {sender.format}, not {format_}")
    if not sender.active:
        raise Forbidden(f"the peer {sender.code} is switched off")
    return sender


def listen(
    runtime: Runtime, format_: str, name_sender: Callable[[bytes], str], user: User
) -> Callable[[bytes, Envelope], bytes]:
    """Return what takes one message off a wire and gives its answer, whatever happens; its bytes name the sender."""
    access = HubAccess(runtime)
    adapter = runtime.adapter(format_)

    def take(raw: bytes, envelope: Envelope) -> bytes:
        try:
            return access.accept(format_, raw, envelope, user, name_sender(raw)).answer
        except HubError as error:
            return adapter.answer(raw, envelope, Report(rejected=True), error)

    return take
