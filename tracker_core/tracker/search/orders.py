"""By what each kind can be ordered (Web API 2.42, "Paging and order"), and the joins that it takes.

Ties are broken by the newest internal id, or by the oldest when the last key ascends: one index then serves both ways.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracker_core.errors import Malformed
from tracker_core.metadata import Metadata
from tracker_core.tracker.clauses import Clause, clause
from tracker_core.tracker.filters import NUMERIC, attribute_value, data_value, number
from tracker_core.tracker.search.queries import EntityQuery, EventQuery, Query

_STAMPS = {"createdAt": "x.created", "createdAtClient": "x.created_at_client"}
_UPDATED = {"updatedAt": "x.updated", "updatedAtClient": "x.updated_at_client"}
_ENTITY = {**_STAMPS, **_UPDATED, "trackedEntity": "x.uid", "inactive": "x.inactive", "enrolledAt": "enrolled.at"}
_ENROLLMENT = {**_STAMPS, **_UPDATED, "completedAt": "x.completed_at", "enrolledAt": "x.enrolled_at"}
_EVENT = {
    **_STAMPS,
    **_UPDATED,
    "event": "x.uid",
    "occurredAt": "x.occurred_at",
    "scheduledAt": "x.scheduled_at",
    "completedAt": "x.completed_at",
    "completedBy": "x.completed_by",
    "status": "x.status",
    "deleted": "x.deleted",
    "assignedUser": "x.assigned_user",
    "assignedUserDisplayName": "assignee.name",
    "attributeOptionCombo": "x.attribute_option_combo",
    "createdBy": "creator.actor",
    "storedBy": "creator.actor",
    "updatedBy": "changer.actor",
    "enrolledAt": "n.enrolled_at",
    "enrollment": "n.uid",
    "enrollmentStatus": "n.status",
    "followUp": "n.follow_up",
    "trackedEntity": "t.uid",
    "orgUnit": "unit.uid",
    "program": "program.uid",
    "programStage": "stage.uid",
}
_JOINS = {
    "n": "left join enrollment n on n.pk = x.enrollment",
    "t": "left join tracked_entity t on t.pk = x.entity",
    "unit": "left join org_unit unit on unit.pk = x.org_unit",
    "program": "left join metadata_object program on program.pk = x.program",
    "stage": "left join metadata_object stage on stage.pk = x.stage",
    "creator": "left join change_set creator on creator.id = x.created_in",
    "changer": "left join change_set changer on changer.id = x.updated_in",
    "assignee": "left join lateral (select concat_ws(' ', u.doc->>'firstName', u.doc->>'surname') as name"
    " from user_account u where u.username = x.assigned_user) assignee on true",
}
# Columns that are never null need no word about where nulls go, and an index then serves either direction.
_FILLED = {"x.created", "x.enrolled_at", "x.updated", "x.uid", "x.status", "x.deleted", "x.inactive"}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "EntityQuery": _ENTITY,
    "EnrollmentQuery": _ENROLLMENT,
    "EventQuery": _EVENT,
    "RelationshipQuery": _STAMPS,
}
_MEANING = {"EntityQuery": "attribute", "EventQuery": "data element and attribute"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an order: SQL, its direction, and whether it is never null."""

    value: Clause
    down: bool
    filled: bool = True

    def written(self, *, present: bool = False) -> Clause:
        """Return the key as `order by` takes it; nulls go last, where there may be any and they are not ruled out."""
        nulls = "" if self.filled or present else " nulls last"
        return Clause(f"{self.value.text} {'desc' if self.down else 'asc'}{nulls}", self.value.arguments)


@dataclass(slots=True)
class Ordering:
    """What orders a query: joins and keys."""

    joins: list[Clause] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)


def check_order(known: Metadata, query: Query) -> None:
    """Raise `Malformed` for a property that the kind can't be ordered by, or one given twice."""
    kind = type(query).__name__
    fields, names = _FIELDS[kind], [name for name, _ in query.order]
    unknown = [name for name in names if name not in fields and not _is_uid_of(known, query, name)]
    listed = ", ".join(sorted(fields))
    uids = f"Supported are {_MEANING[kind]} UIDs and fields" if kind in _MEANING else "Supported fields are"
    supported = f"{uids} '{listed}'. All of which can at most be specified once."
    if unknown:
        raise Malformed(f"order parameter is invalid. Cannot order by '{', '.join(unknown)}'. {supported}")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise Malformed(f"order parameter is invalid. '{', '.join(repeated)}' are repeated. {supported}")
    if isinstance(query, EntityQuery) and "enrolledAt" in names and not query.program:
        raise Malformed("Program must be defined when ordering by enrolledAt")


def ordering(known: Metadata, query: Query) -> Ordering:
    """Return what orders `query`, whose order has been checked."""
    made = Ordering()
    joined: set[str] = set()
    for place, (name, down) in enumerate(query.order):
        column = _FIELDS[type(query).__name__].get(name)
        if column is None:
            _by_value(made, known, query, name, down, f"o{place}")
            continue
        alias = column.partition(".")[0]
        if alias in _JOINS and alias not in joined:
            made.joins.append(clause(_JOINS[alias]))
        elif alias == "enrolled" and isinstance(query, EntityQuery):
            made.joins.append(_enrolled(known, query))
        joined.add(alias)
        made.keys.append(Key(clause(column), down, column in _FILLED))
    made.keys.append(Key(clause("x.pk"), not query.order or query.order[-1][1]))
    return made


def _is_uid_of(known: Metadata, query: Query, name: str) -> bool:
    if isinstance(query, EventQuery):
        return name in known.data_elements or name in known.attributes
    return isinstance(query, EntityQuery) and name in known.attributes


def _by_value(made: Ordering, known: Metadata, query: Query, uid: str, down: bool, alias: str) -> None:
    """Order by the value of a data element or attribute; numbers as numbers, text without case."""
    if isinstance(query, EventQuery) and uid in known.data_elements:
        element = known.data_elements[uid]
        value, value_type = data_value("x", uid, element.value_type).sql, element.value_type
    else:
        attribute = known.attributes[uid]
        entity = "x.entity" if isinstance(query, EventQuery) else "x.pk"
        on = f"{alias}.entity = {entity} and {alias}.attribute = %s"
        made.joins.append(clause(f"left join attribute_value {alias} on {on}", attribute.pk))
        value, value_type = attribute_value(alias, attribute.value_type).sql, attribute.value_type
    made.keys.append(Key(number(value) if value_type in NUMERIC else value, down, filled=False))


def _enrolled(known: Metadata, query: EntityQuery) -> Clause:
    """The entity's newest enrollment in the program."""
    return clause(
        "left join lateral (select max(e.enrolled_at) as at from enrollment e where e.entity = x.pk"
        " and e.program = %s and not e.deleted) enrolled on true",
        known.programs[query.program].pk,
    )
