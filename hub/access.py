"""The way in that HTTP faces, MLLP and watched folders share: which peer is speaking, and the flow behind it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from adapters.contract import Accepted, Envelope
from hub import imports, work
from hub.gathering import gather
from hub.runtime import Runtime
from tracker_core import peers
from tracker_core.context import Peer, User
from tracker_core.database import AsyncPool, Session, reading, transaction
from tracker_core.errors import Conflict, Forbidden


@dataclass(frozen=True, slots=True)
class HubAccess:
    """`adapters.contract.Access` on the flow."""

    runtime: Runtime
    direct: AsyncPool | None = None

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Store the bytes, process them, return the end of it; see the protocol."""
        sender = sender_of(self.runtime, format_, user, peer)
        return work.accept(self.runtime, sender, raw, informed(self.runtime, sender, envelope), user.username)

    def queue(self, format_: str, raw: bytes, envelope: Envelope, user: User, control_id: str) -> int:
        """Store the bytes for a worker; see the protocol."""
        sender = sender_of(self.runtime, format_, user, "")
        return work.keep(self.runtime, sender, raw, envelope, user.username, control_id).id

    def import_files(self, paths: Sequence[Path], envelope: Envelope, user: User, peer: str) -> int:
        """Cut files into messages for a worker; see the protocol."""
        sender = sender_of(self.runtime, imports.FORMAT, user, peer)
        return imports.cut_files(self.runtime, sender, paths, envelope, user.username).id

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


def sender_of(runtime: Runtime, format_: str, user: User, code: str) -> Peer:
    """Return the peer that is speaking: the one called `code`, else the user's own, else the one named as the format.

    Raises `Conflict` when it speaks another format, `Forbidden` when it is switched off.
    """
    if not code and user.peer is not None:
        with reading(runtime.pool) as session:
            sender = peers.by_ids(session, [user.peer])[user.peer]
    else:
        sender = gather(runtime.naming, (code or format_, format_), partial(_look_up, runtime))
    if sender.format != format_:
        raise Conflict(f"the peer {sender.code} speaks {sender.format}, not {format_}")
    if not sender.active:
        raise Forbidden(f"the peer {sender.code} is switched off")
    return sender


def _look_up(runtime: Runtime, wanted: Sequence[tuple[str, str]]) -> Sequence[Peer]:
    with reading(runtime.pool) as session:
        return peers.ensure_all(session, wanted)


def informed(runtime: Runtime, peer: Peer, envelope: Envelope) -> Envelope:
    """Return `envelope` with the settings of its sender that parsing and answering need, where it names no others."""
    heeded = runtime.adapter(peer.format).heeded
    said = {name: str(peer.settings[name]) for name in heeded if peer.settings.get(name)}
    return replace(envelope, parameters=said | envelope.parameters) if said else envelope
