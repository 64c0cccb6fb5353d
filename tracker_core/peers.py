"""Peers: the systems the hub exchanges with."""

from collections.abc import Sequence
from typing import Any

import orjson

from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.errors import NotFound

_COLUMNS = "id, code, name, format, address, settings, secret, active, paused"


def read(session: Session, code: str) -> Peer:
    """Return the peer called `code`. Raises `NotFound`."""
    row = session.execute(f"select {_COLUMNS} from peer where code = %s", (code,)).fetchone()
    if row is None:
        raise NotFound(f"there is no peer called {code!r}")
    return Peer(*row)


def by_ids(session: Session, ids: list[int]) -> dict[int, Peer]:
    """Return the peers with these ids, by id."""
    rows = session.execute(f"select {_COLUMNS} from peer where id = any(%b)", (ids,))
    return {row[0]: Peer(*row) for row in rows}


def all_peers(session: Session) -> list[Peer]:
    """Return every peer, in the order of their codes."""
    rows = session.execute(f"select {_COLUMNS} from peer order by code")
    return [Peer(*row) for row in rows]


def save(
    session: Session,
    code: str,
    format: str,
    name: str = "",
    address: str | None = None,
    settings: dict[str, Any] | None = None,
    secret: str | None = None,
    active: bool = True,
    actor: str = "system",
) -> Peer:
    """Create the peer called `code`, or bring it to these values; a `secret` of None keeps the stored one."""
    row = session.execute(
        "insert into peer as p (code, name, format, address, settings, secret, active, created_by, updated_by)"
        " values (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s) on conflict (code) do update set name = excluded.name,"
        " format = excluded.format, address = excluded.address, settings = excluded.settings,"
        " secret = coalesce(excluded.secret, p.secret), active = excluded.active, updated = now(),"
        f" updated_by = excluded.updated_by returning {_COLUMNS}",
        (
            code,
            name or code,
            format,
            address,
            orjson.dumps(settings or {}).decode(),
            secret,
            active,
            actor,
            actor,
        ),
    ).fetchone()
    assert row is not None
    return Peer(*row)


def pause(session: Session, code: str, actor: str, *, paused: bool) -> Peer:
    """Send nothing to a peer until further notice, or go on (`paused` False). Raises `NotFound`."""
    row = session.execute(
        "update peer set paused = case when %(on)s then coalesce(paused, now()) end,"
        f" paused_by = case when %(on)s then %(actor)s end where code = %(code)s returning {_COLUMNS}",
        {"on": paused, "actor": actor, "code": code},
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no peer called {code!r}")
    return Peer(*row)


def ensure(session: Session, code: str, format: str) -> Peer:
    """Return the peer called `code`, created as a bare peer of `format` when it is new.

    How a sender that nobody registered becomes visible instead of being turned away.
    """
    return ensure_all(session, [(code, format)])[0]


def ensure_all(session: Session, wanted: Sequence[tuple[str, str]]) -> list[Peer]:
    """Return the peers with these (code, format), in order; see `ensure`."""
    found = by_codes(session, [code for code, _ in wanted])
    new = {code: format for code, format in wanted if code not in found}
    if new:
        session.execute(
            "insert into peer (code, name, format) select w.code, w.code, w.format"
            " from unnest(%b::text[], %b::text[]) w (code, format) on conflict (code) do nothing",
            (list(new), list(new.values())),
        )
        found |= by_codes(session, list(new))
    return [found[code] for code, _ in wanted]


def by_codes(session: Session, codes: Sequence[str]) -> dict[str, Peer]:
    """Return the peers with these codes, by code; missing ones are left out."""
    rows = session.execute(f"select {_COLUMNS} from peer where code = any(%b)", (list(codes),))
    return {row[1]: Peer(*row) for row in rows}
