"""The sequence number protocol (HL7 v2.5.1, 2.10.1): which number of a peer was taken last, and which comes next."""

from dataclasses import dataclass
from typing import Literal

from tracker_core.database import Session

START, RESYNC = 0, -1

Kind = Literal["next", "repeat", "start", "resync", "gap"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a number is: the `next` one, a `repeat` of the last, a `start` or `resync` of the link, or a `gap`.

    `expected` is the number to tell the sender: -1 says that any positive one will do.
    """

    kind: Kind
    expected: int


def look(session: Session, peer: int, number: int) -> Turn:
    """Return what `number` is for a peer.

    A link that has no last number, because it is new or was made anew, takes any positive number as the next one.
    """
    row = session.execute("select last from peer_sequence where peer = %s", (peer,)).fetchone()
    last: int | None = row[0] if row else None
    expected = RESYNC if last is None else last + 1
    if number == START:
        return Turn("start", expected)
    if number == RESYNC:
        return Turn("resync", RESYNC)
    if number > 0 and (last is None or number == expected):
        return Turn("next", number + 1)
    return Turn("repeat" if number == last else "gap", expected)


def advance(session: Session, peer: int, number: int | None) -> None:
    """Note that `number` of a peer was taken; None forgets the last one, so that the link begins anew."""
    session.execute(
        "insert into peer_sequence (peer, last) values (%s, %s) on conflict (peer) do update set last = excluded.last",
        (peer, number),
    )
