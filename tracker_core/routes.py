"""Routes: which changes go to which peer, and as what."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from tracker_core.database import Session
from tracker_core.history import Touched


@dataclass(frozen=True, slots=True)
class Route:
    """One row: changes that `selects` names go to `peer` as messages of `type` (`ADT^A08`, `ORU^R01`, `Bundle` …).

    `selects` is `{"records": [record type names], "kinds": [tracker kinds], "about": "person" | "record"}`:
    about `person`, however many of a person's objects change, one message carries the person's current state;
    about `record`, each changed record is a message of its own.
    """

    id: int
    code: str
    peer: int
    type: str
    selects: dict[str, Any]


def active(session: Session) -> list[Route]:
    """Return the active routes whose peers are active."""
    rows = session.execute(
        "select r.id, r.code, r.peer, r.type, r.selects from route r join peer p on p.id = r.peer"
        " where r.active and p.active order by r.id"
    )
    return [Route(*row) for row in rows]


def save(
    session: Session,
    code: str,
    peer: int,
    type: str,
    selects: dict[str, Any],
) -> None:
    """Create the route called `code`, or bring it to these values and switch it on."""
    session.execute(
        "insert into route (code, peer, type, selects) values (%s, %s, %s, %s::jsonb) on conflict (code) do update"
        " set peer = excluded.peer, type = excluded.type, selects = excluded.selects, active = true, updated = now()",
        (code, peer, type, orjson.dumps(selects).decode()),
    )


@dataclass(slots=True)
class Due:
    """One thing that a route is to send, and the change sets that ask for it."""

    about: dict[str, int]
    change_sets: list[int]


def matching(route: Route, touched: Iterable[Touched], type_names: dict[int, str]) -> list[Due]:
    """Return what `touched` asks `route` to send, each thing once, in the order of the changes.

    Changes that came from the route's own peer are never sent back to it.
    """
    records = set(route.selects.get("records", ()))
    kinds = set(route.selects.get("kinds", ()))
    about = route.selects.get("about", "record")
    found: dict[int, Due] = {}
    for item in touched:
        if item.peer == route.peer:
            continue
        wanted = type_names.get(item.type) in records if item.kind == "record" else item.kind in kinds
        key = item.subject if about == "person" else item.target
        if wanted and key is not None:
            found.setdefault(key, Due({about: key}, [])).change_sets.append(item.change_set)
    return list(found.values())
