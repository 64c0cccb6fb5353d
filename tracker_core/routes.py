"""Routes: which changes go to which peer, and as what."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from tracker_core.database import Session
from tracker_core.history import Action, Touched


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
    """One thing that a route is to send, what happened to it, and the change sets that ask for it.

    `merge` is of a person into whom another was merged: `about` names that one, too (`replaces`).
    """

    about: dict[str, int]
    action: Action
    change_sets: list[int]


def matching(
    route: Route, touched: Iterable[Touched], type_names: dict[int, str], *, merges: bool = False
) -> list[Due]:
    """Return what `touched` asks `route` to send, each thing once, in the order of the changes.

    Changes that came from the route's own peer are never sent back to it. With `merges` a route that selects Patients
    is told of merged persons, too. A person counts as created when the tracked entity is.
    """
    items = [item for item in touched if item.peer != route.peer]
    about = str(route.selects.get("about", "record"))
    made = {item.target for item in items if item.kind == "tracked_entity" and item.action == "create"}
    found: dict[tuple[int, int], Due] = {}
    for item in items:
        absorbed = item.absorbed if merges and about == "person" and _selects_persons(route) else None
        key = item.subject if about == "person" else item.target
        if key is None or not (absorbed or _selects(route, item, type_names)):
            continue
        action: Action = "merge" if absorbed else item.action
        if about == "person" and not absorbed:
            action = "create" if key in made else "update"
        names = {about: key, **({"replaces": absorbed} if absorbed else {})}
        found.setdefault((key, absorbed or 0), Due(names, action, [])).change_sets.append(item.change_set)
    return list(found.values())


def _selects(route: Route, item: Touched, type_names: dict[int, str]) -> bool:
    if item.kind == "record":
        return type_names.get(item.type) in route.selects.get("records", ())
    return item.kind in route.selects.get("kinds", ())


def _selects_persons(route: Route) -> bool:
    return "Patient" in route.selects.get("records", ()) or "tracked_entity" in route.selects.get("kinds", ())
