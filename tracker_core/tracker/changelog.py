"""What changed in one object, value by value, read off the change history (Web API 2.42, "Change logs").

The history keeps what each change altered; a creation keeps nothing, because its values are the present ones less what
later changes say. So the first value of each name is taken back from there.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tracker_core.database import Session
from tracker_core.tracker.provenance import actors

EVENT_FIELDS = ("occurredAt", "scheduledAt", "geometry")
ENROLLMENT_FIELDS = ("enrolledAt", "occurredAt", "status", "followUp", "geometry")
_EVENT = {"occurredAt": "occurred_at", "scheduledAt": "scheduled_at", "geometry": "geometry"}
_ENROLLMENT = {
    "enrolledAt": "enrolled_at",
    "occurredAt": "occurred_at",
    "status": "status",
    "followUp": "follow_up",
    "geometry": "geometry",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that changed. `kind` is DHIS2's name for what it is of, `name` a uid or a field; `by` a user."""

    at: datetime
    by: Mapping[str, Any]
    type: Literal["CREATE", "UPDATE", "DELETE"]
    kind: Literal["attributeValue", "dataValue", "eventField", "enrollmentField"]
    name: str
    previous: Any
    current: Any


@dataclass(frozen=True, slots=True)
class _Made:
    """How an object began: when, in which change set; and its values now, under the names of the history."""

    at: datetime
    change_set: int
    values: Mapping[str, Any]


def entity_log(session: Session, pk: int, attributes: Collection[str]) -> list[Entry]:
    """Return what changed in these `attributes` (uids) of a tracked entity, oldest first."""
    row = session.execute("select created, created_in from tracked_entity where pk = %s", (pk,)).fetchone()
    assert row is not None
    values = session.execute(
        "select m.uid, v.value from attribute_value v join metadata_object m on m.pk = v.attribute where v.entity = %s",
        (pk,),
    ).fetchall()
    made = _Made(row[0], row[1], {f"attributes.{uid}": value for uid, value in values})
    return [e for e in _entries(session, pk, made, "attributeValue", "attributes.") if e.name in attributes]


def enrollment_log(session: Session, pk: int) -> list[Entry]:
    """Return what changed in the fields of an enrollment, oldest first."""
    made = _made(session, "enrollment", pk, _ENROLLMENT)
    return [e for e in _entries(session, pk, made, "enrollmentField", "") if e.name in ENROLLMENT_FIELDS]


def event_log(session: Session, pk: int) -> list[Entry]:
    """Return what changed in the data values and the fields of an event, oldest first."""
    made = _made(session, "event", pk, _EVENT)
    row = session.execute("select data from event where pk = %s", (pk,)).fetchone()
    held = {f"dataValues.{uid}": value for uid, value in (row[0] if row else {}).items()}
    values = _entries(session, pk, _Made(made.at, made.change_set, held), "dataValue", "dataValues.")
    fields = [e for e in _entries(session, pk, made, "eventField", "") if e.name in EVENT_FIELDS]
    return sorted([*values, *fields], key=lambda entry: entry.at)


def _made(session: Session, table: str, pk: int, fields: Mapping[str, str]) -> _Made:
    columns = ", ".join(fields.values())
    row = session.execute(f"select created, created_in, {columns} from {table} where pk = %s", (pk,)).fetchone()
    assert row is not None
    return _Made(row[0], row[1], dict(zip(fields, row[2:], strict=True)))


def _entries(session: Session, pk: int, made: _Made, kind: Any, prefix: str) -> list[Entry]:
    changes = [
        (at, change_set, name, old, new)
        for at, change_set, delta in session.execute(
            "select s.at, s.id, c.delta from change c join change_set s on s.id = c.change_set"
            " where c.target = %s and c.delta is not null order by c.id",
            (pk,),
        )
        for name, (old, new) in delta.items()
        if name.startswith(prefix)
    ]
    first = {**made.values, **{name: old for _, _, name, old, _ in reversed(changes)}}
    begun = [(made.at, made.change_set, name, None, value) for name, value in first.items()]
    every = [change for change in (*begun, *changes) if change[3] != change[4]]
    users = actors(session, {change[1] for change in every})
    return list(_named(every, users, kind, prefix))


def _named(
    changes: Iterable[tuple[datetime, int, str, Any, Any]], users: Mapping[int, Any], kind: Any, prefix: str
) -> Iterable[Entry]:
    for at, change_set, name, old, new in changes:
        type_: Literal["CREATE", "UPDATE", "DELETE"] = "UPDATE"
        if old is None or new is None:
            type_ = "CREATE" if old is None else "DELETE"
        yield Entry(at, users.get(change_set, {}), type_, kind, name.removeprefix(prefix), old, new)
