"""Finding tracker objects: a query of each kind, answered with the pks of one page, newest first unless ordered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tracker_core import metadata
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.metadata import Metadata
from tracker_core.tracker.filters import Filter, condition

Mode = Literal["SELECTED", "CHILDREN", "DESCENDANTS", "ALL"]
_COLUMNS = {
    "trackedEntity": {"trackedEntity": "x.uid", "createdAt": "x.created", "updatedAt": "x.updated"},
    "enrollment": {"enrolledAt": "x.enrolled_at", "completedAt": "x.completed_at"},
    "event": {"occurredAt": "x.occurred_at", "scheduledAt": "x.scheduled_at", "status": "x.status", "event": "x.uid"},
}
_COMMON = {
    "createdAt": "x.created",
    "updatedAt": "x.updated",
    "createdAtClient": "x.created_at_client",
    "updatedAtClient": "x.updated_at_client",
}
_TABLES = {"trackedEntity": "tracked_entity", "enrollment": "enrollment", "event": "event"}


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. Metadata and objects are named by uid; empty means no condition.

    `status` is that of an event or enrollment; `enrollment_status` restricts entities and events. `org_units` go with
    `mode`. `occurred`, `scheduled`, `enrolled`, `updated` are half-open spans. `attributes` filter by the entity's
    attributes, `data` by an event's values. `order` holds (property, descending).
    """

    kind: Literal["trackedEntity", "enrollment", "event"]
    uids: Sequence[str] = ()
    org_units: Sequence[str] = ()
    mode: Mode = "ALL"
    program: str = ""
    type: str = ""
    stage: str = ""
    entity: str = ""
    enrollments: Sequence[str] = ()
    status: str = ""
    enrollment_status: str = ""
    follow_up: bool | None = None
    occurred: tuple[datetime | None, datetime | None] = (None, None)
    scheduled: tuple[datetime | None, datetime | None] = (None, None)
    enrolled: tuple[datetime | None, datetime | None] = (None, None)
    updated: tuple[datetime | None, datetime | None] = (None, None)
    attributes: Sequence[Filter] = ()
    data: Sequence[Filter] = ()
    deleted: bool = False
    order: Sequence[tuple[str, bool]] = ()


@dataclass(slots=True)
class _Where:
    conditions: list[str] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)

    def add(self, sql: str, *arguments: Any) -> None:
        self.conditions.append(sql)
        self.arguments += arguments


def search(session: Session, query: Query, *, limit: int | None = 50, offset: int = 0) -> list[int]:
    """Return the pks that `query` finds, at most `limit` of them from `offset` on.

    Raises `NotFound` for metadata that does not exist, `Malformed` for a filter or order that makes no sense.
    """
    where = _where(metadata.load(session), query)
    rows = session.execute(
        f"select x.pk from {_TABLES[query.kind]} x {_joined(where)} order by {_order(query)} limit %s offset %s",
        (*where.arguments, limit, offset),
    )
    return [row[0] for row in rows]


def count(session: Session, query: Query) -> int:
    """Return how many objects `query` finds."""
    where = _where(metadata.load(session), query)
    row = session.execute(
        f"select count(*) from {_TABLES[query.kind]} x {_joined(where)}", tuple(where.arguments)
    ).fetchone()
    assert row is not None
    return int(row[0])


def _joined(where: _Where) -> str:
    return f"where {' and '.join(where.conditions)}" if where.conditions else ""


def _order(query: Query) -> str:
    columns = {**_COMMON, **_COLUMNS[query.kind]}
    for name, _ in query.order:
        if name not in columns:
            raise Malformed(f"{name} is not a field by which these can be ordered")
    parts = [f"{columns[name]} {'desc' if down else 'asc'} nulls last" for name, down in query.order]
    return ", ".join([*parts, "x.pk desc"])


def _where(known: Metadata, query: Query) -> _Where:
    where = _Where()
    if not query.deleted:
        where.add("not x.deleted")
    if query.uids:
        where.add("x.uid = any(%b)", list(query.uids))
    _place(where, known, query)
    _belong(where, known, query)
    _restrict_status(where, query)
    _restrict_times(where, query)
    for wanted in query.attributes:
        _filter_attribute(where, known, query, wanted)
    for wanted in query.data:
        element = known.data_elements.get(wanted.uid)
        if element is None:
            raise NotFound(f"the data element {wanted.uid} does not exist")
        sql, arguments = condition(wanted, element.value_type, "lower(x.data->>%s)")
        where.add(sql, *[wanted.uid] * sql.count("->>%s"), *arguments)
    return where


def _place(where: _Where, known: Metadata, query: Query) -> None:
    if query.mode == "ALL":
        return
    for uid in query.org_units:
        if uid not in known.org_units:
            raise NotFound(f"the organisation unit {uid} does not exist")
    paths = [known.org_units[uid].path for uid in query.org_units]
    if query.mode == "SELECTED":
        where.add("x.org_unit in (select pk from org_unit where uid = any(%b))", list(query.org_units))
    elif query.mode == "CHILDREN":
        where.add(
            "x.org_unit in (select u.pk from org_unit u left join org_unit p on p.pk = u.parent"
            " where u.uid = any(%b) or p.uid = any(%b))",
            list(query.org_units),
            list(query.org_units),
        )
    else:
        where.add(
            "x.org_unit in (select u.pk from unnest(%b::text[]) as a (path) join org_unit u on u.path = a.path"
            " or (u.path collate \"C\" >= a.path || '/' and u.path collate \"C\" < a.path || '0'))",
            paths,
        )


def _belong(where: _Where, known: Metadata, query: Query) -> None:
    """Restrict by program, type, stage, entity, enrollments."""
    if query.type:
        where.add("x.type = %s", _pk(known, "trackedEntityTypes", query.type))
    if query.stage:
        where.add("x.stage = %s", _pk(known, "programStages", query.stage))
    if query.entity:
        where.add("x.entity = (select pk from tracked_entity where uid = %s)", query.entity)
    if query.enrollments:
        where.add("x.enrollment in (select pk from enrollment where uid = any(%b))", list(query.enrollments))
    if query.program:
        pk = _pk(known, "programs", query.program)
        if query.kind != "trackedEntity":
            where.add("x.program = %s", pk)
        else:
            inner = _Where()
            _span(inner, "n.enrolled_at", query.enrolled)
            if query.enrollment_status:
                inner.add("n.status = %s", query.enrollment_status)
            if query.follow_up is not None:
                inner.add("n.follow_up = %s", query.follow_up)
            more = "".join(f" and {sql}" for sql in inner.conditions)
            where.add(
                f"exists (select from enrollment n where n.entity = x.pk and n.program = %s and not n.deleted{more})",
                pk,
                *inner.arguments,
            )


def _restrict_status(where: _Where, query: Query) -> None:
    if query.status:
        where.add("x.status = %s", query.status)
    if query.kind == "event" and query.enrollment_status:
        where.add(
            "exists (select from enrollment n where n.pk = x.enrollment and n.status = %s)", query.enrollment_status
        )
    if query.kind == "enrollment" and query.follow_up is not None:
        where.add("x.follow_up = %s", query.follow_up)
    if query.kind == "event" and query.follow_up is not None:
        where.add("exists (select from enrollment n where n.pk = x.enrollment and n.follow_up = %s)", query.follow_up)


def _restrict_times(where: _Where, query: Query) -> None:
    _span(where, "x.updated", query.updated)
    if query.kind != "trackedEntity":
        _span(where, "x.occurred_at", query.occurred)
    if query.kind == "event":
        _span(where, "x.scheduled_at", query.scheduled)
    if query.kind == "enrollment":
        _span(where, "x.enrolled_at", query.enrolled)


def _span(where: _Where, column: str, span: tuple[datetime | None, datetime | None]) -> None:
    after, before = span
    if after is not None:
        where.add(f"{column} >= %s", after)
    if before is not None:
        where.add(f"{column} < %s", before)


def _filter_attribute(where: _Where, known: Metadata, query: Query, wanted: Filter) -> None:
    attribute = known.attributes.get(wanted.uid)
    if attribute is None:
        raise NotFound(f"the tracked entity attribute {wanted.uid} does not exist")
    entity = "x.pk" if query.kind == "trackedEntity" else "x.entity"
    sql, arguments = condition(wanted, attribute.value_type, "a.folded")
    absent = wanted.operator in ("null", "ne", "neq", "nieq", "nlike", "nilike")
    held = f"select from attribute_value a where a.entity = {entity} and a.attribute = %s"
    if wanted.operator == "null":
        where.add(f"not exists ({held})", attribute.pk)
    elif absent:
        where.add(f"(not exists ({held}) or exists ({held} and {sql}))", attribute.pk, attribute.pk, *arguments)
    else:
        where.add(f"exists ({held} and {sql})", attribute.pk, *arguments)


def _pk(known: Metadata, type: str, uid: str) -> int:
    found = known.get(type, uid)
    if found is None:
        raise NotFound(f"{uid} is not one of {type}")
    return found.pk
