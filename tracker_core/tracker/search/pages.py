"""From a query to its pks: conditions of each kind beside what the user may see, one statement per page.

A page's statement reads keys only; documents are loaded for the rows of the page and no others.
"""

from collections.abc import Sequence
from typing import Any

from tracker_core.database import Session
from tracker_core.metadata import DEFAULT_OPTION_COMBO
from tracker_core.tracker import visibility
from tracker_core.tracker.clauses import ALWAYS, Clause, all_of, clause, exists
from tracker_core.tracker.search.conditions import (
    assigned,
    at_place,
    by_attributes,
    by_data,
    during,
    in_status,
    in_status_during,
    named,
)
from tracker_core.tracker.search.orders import Ordering, ordering
from tracker_core.tracker.search.queries import (
    EnrollmentQuery,
    EntityQuery,
    EventQuery,
    Query,
    RelationshipQuery,
)
from tracker_core.tracker.visibility import TABLES, Sight


def search(session: Session, sight: Sight, query: Query, *, limit: int | None = 50, offset: int = 0) -> list[int]:
    """Return the pks that `query` finds and the user sees, at most `limit` of them from `offset` on.

    `query` has been checked. Without an order the newest come first; the order is always total.
    """
    order = ordering(sight.known, query)
    table, where = _found(sight, query)
    source = Clause(f"{table}{''.join(f' {join.text}' for join in order.joins)}", _arguments(order.joins))
    first = order.keys[0]
    if first.filled:
        return _select(session, source, where, order, limit, offset)
    # Nulls come last: what has the key is found first, along an index, and mostly fills the page.
    given = Clause(f"{first.value.text} is not null", first.value.arguments)
    found = _select(session, source, all_of(where, given), order, limit, offset, present=True)
    if limit is not None and len(found) == limit:
        return found
    if offset and not found:
        return _select(session, source, where, order, limit, offset)
    missing = Clause(f"{first.value.text} is null", first.value.arguments)
    rest = None if limit is None else limit - len(found)
    return found + _select(session, source, all_of(where, missing), order, rest, 0)


def count(session: Session, sight: Sight, query: Query, *, most: int | None = None) -> int:
    """Return how many objects `query` finds for this user; counting stops at `most`."""
    source, where = _found(sight, query)
    limit = "" if most is None else f" limit {int(most)}"
    row = session.execute(
        f"select count(*) from (select from {source} where {where.text}{limit}) found", where.arguments, prepare=False
    ).fetchone()
    assert row is not None
    return int(row[0])


def _select(
    session: Session,
    source: Clause,
    where: Clause,
    order: Ordering,
    limit: int | None,
    offset: int,
    *,
    present: bool = False,
) -> list[int]:
    """Read one page of keys; with `present` the first key of the order is known to be there."""
    keys = [key.written(present=present and key is order.keys[0]) for key in order.keys]
    # Not prepared: the best plan hangs on the values, on how common a program, a unit or a name is.
    rows = session.execute(
        f"select x.pk from {source.text} where {where.text} order by {', '.join(key.text for key in keys)}"
        " limit %s offset %s",
        (*source.arguments, *where.arguments, *_arguments(keys), limit, offset),
        prepare=False,
    )
    return [row[0] for row in rows]


def _arguments(clauses: Sequence[Clause]) -> tuple[Any, ...]:
    return tuple(argument for one in clauses for argument in one.arguments)


def _found(sight: Sight, query: Query) -> tuple[str, Clause]:
    """Return what follows `from`, its main table called `x`, and the condition on it."""
    if isinstance(query, EntityQuery):
        return _entities(sight, query)
    if isinstance(query, EnrollmentQuery):
        return "enrollment x", _enrollments(sight, query)
    if isinstance(query, EventQuery):
        return "event x", _events(sight, query)
    return "relationship x", _relationships(sight, query)


def _living(alias: str, *, deleted: bool) -> Clause:
    return ALWAYS if deleted else clause(f"not {alias}.deleted")


def _entities(sight: Sight, query: EntityQuery) -> tuple[str, Clause]:
    """Tracked entities; with a program the owning unit counts, without it the registering one."""
    known = sight.known
    conditions = [
        named("x.uid", query.uids),
        clause("x.type = %s", known.entity_types[query.type].pk) if query.type else ALWAYS,
        clause("x.potential_duplicate = %s", query.potential_duplicate)
        if query.potential_duplicate is not None
        else ALWAYS,
        _living("x", deleted=query.deleted),
        during("x.updated", query.updated),
        by_attributes(known, "x.pk", query.attributes),
        _with_event(sight, query),
    ]
    if not query.program:
        seen = visibility.entity(sight, "x")
        return "tracked_entity x", all_of(*conditions, at_place(sight, "x.org_unit", query.place), seen)
    program = known.programs[query.program]
    conditions += [
        clause("w.program = %s", program.pk),
        at_place(sight, "w.org_unit", query.place),
        _enrolled(sight, query),
        ALWAYS if sight.actor.superuser else visibility.owned(sight, "w", [program], pinned=True),
    ]
    return "tracked_entity x join program_owner w on w.entity = x.pk", all_of(*conditions)


def _enrolled(sight: Sight, query: EntityQuery) -> Clause:
    """One enrollment in the program that meets all that is asked of enrollments."""
    asked = all_of(
        clause("n.status = %s", query.status) if query.status else ALWAYS,
        clause("n.follow_up = %s", query.follow_up) if query.follow_up is not None else ALWAYS,
        during("n.enrolled_at", query.enrolled),
        during("n.occurred_at", query.occurred),
    )
    same = clause("n.entity = x.pk and n.program = %s", sight.known.programs[query.program].pk)
    return exists("enrollment n", all_of(same, _living("n", deleted=query.deleted), asked))


def _with_event(sight: Sight, query: EntityQuery) -> Clause:
    """One event that meets all that is asked of events."""
    asked = [
        clause("v.stage = %s", sight.known.stages[query.stage].pk) if query.stage else ALWAYS,
        in_status_during("v", query.event_status, query.event_occurred) if query.event_status else ALWAYS,
        during("v.occurred_at", query.event_occurred) if not query.event_status else ALWAYS,
        assigned(sight, "v", query.assignees),
    ]
    if all_of(*asked) == ALWAYS:
        return ALWAYS
    if query.program:
        asked.append(clause("v.program = %s", sight.known.programs[query.program].pk))
    seen = visibility.event(sight, "v", sight.known.programs.get(query.program))
    return exists("event v", all_of(clause("v.entity = x.pk"), _living("v", deleted=query.deleted), *asked, seen))


def _enrollments(sight: Sight, query: EnrollmentQuery) -> Clause:
    program = sight.known.programs.get(query.program)
    return all_of(
        named("x.uid", query.uids),
        clause("x.program = %s", program.pk) if program else ALWAYS,
        _of_entity("x", query.entity),
        exists(
            "tracked_entity t",
            clause("t.pk = x.entity and t.type = %s", sight.known.entity_types[query.type].pk),
        )
        if query.type
        else ALWAYS,
        clause("x.status = %s", query.status) if query.status else ALWAYS,
        clause("x.follow_up = %s", query.follow_up) if query.follow_up is not None else ALWAYS,
        _living("x", deleted=query.deleted),
        during("x.enrolled_at", query.enrolled),
        during("x.updated", query.updated),
        visibility.enrollment(sight, "x", program, at_place(sight, "o.org_unit", query.place)),
    )


def _events(sight: Sight, query: EventQuery) -> Clause:
    known = sight.known
    program = known.programs.get(query.program) or known.programs.get(
        known.stages[query.stage].program if query.stage else ""
    )
    return all_of(
        named("x.uid", query.uids),
        clause("x.program = %s", program.pk) if program else ALWAYS,
        clause("x.stage = %s", known.stages[query.stage].pk) if query.stage else ALWAYS,
        _of_entity("x", query.entity),
        clause("x.enrollment in (select pk from enrollment where uid = any(%b))", list(query.enrollments))
        if query.enrollments
        else ALWAYS,
        in_status("x", query.status),
        clause("coalesce(x.attribute_option_combo, %s) = %s", DEFAULT_OPTION_COMBO, query.option_combo)
        if query.option_combo
        else ALWAYS,
        _living("x", deleted=query.deleted),
        during("x.occurred_at", query.occurred),
        during("x.scheduled_at", query.scheduled),
        during("x.updated", query.updated),
        _of_enrollment(query),
        assigned(sight, "x", query.assignees),
        by_data(known, "x", query.data),
        by_attributes(known, "x.entity", query.attributes),
        visibility.event(
            sight,
            "x",
            program,
            at_place(sight, "o.org_unit", query.place),
            at_place(sight, "x.org_unit", query.place),
        ),
    )


def _of_enrollment(query: EventQuery) -> Clause:
    """What is asked of the event's enrollment; events without one never meet it."""
    asked = all_of(
        clause("n.status = %s", query.enrollment_status) if query.enrollment_status else ALWAYS,
        clause("n.follow_up = %s", query.follow_up) if query.follow_up is not None else ALWAYS,
        during("n.enrolled_at", query.enrolled),
        during("n.occurred_at", query.enrollment_occurred),
    )
    return ALWAYS if asked == ALWAYS else exists("enrollment n", all_of(clause("n.pk = x.enrollment"), asked))


def _of_entity(alias: str, uid: str) -> Clause:
    return clause(f"{alias}.entity = (select pk from tracked_entity where uid = %s)", uid) if uid else ALWAYS


def _relationships(sight: Sight, query: RelationshipQuery) -> Clause:
    kind, uid = query.side
    return all_of(
        named("x.uid", query.uids),
        _on_side(kind, uid) if kind else ALWAYS,
        _living("x", deleted=query.deleted),
        visibility.relationship(sight, "x"),
    )


def _on_side(kind: str, uid: str) -> Clause:
    tables: dict[str, str] = dict(TABLES.items())
    pk = f"(select pk from {tables[kind]} where uid = %s)"
    return clause(f"(x.from_kind = %s and x.from_pk = {pk} or x.to_kind = %s and x.to_pk = {pk})", kind, uid, kind, uid)
