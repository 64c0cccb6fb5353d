"""Who is acting, from which message: stamped on everything that an applied change set writes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Peer:
    """A system the hub exchanges with. `settings` is the peer's own profile (charset, zone, table …).

    While it is `paused` (since when), nothing is sent to it; what it sends is taken.
    """

    id: int
    code: str
    name: str
    format: str
    address: str | None
    settings: dict[str, Any]
    secret: str | None = field(default=None, repr=False)
    active: bool = True
    paused: datetime | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One application of one message: the change set it writes under, its stamp, its actor, its peer, its message.

    Opened by `history.open_change_set`; `at` is what every row written in this set carries as `updated`.
    """

    change_set: int
    at: datetime
    actor: str
    peer: Peer | None
    message: int | None


@dataclass(frozen=True, slots=True)
class User:
    """Who is asking, as authenticated at the edge. `peer` is the peer that the user sends for, if any."""

    uid: str
    username: str
    authorities: frozenset[str] = frozenset()
    peer: int | None = None
