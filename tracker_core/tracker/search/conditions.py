"""The conditions that more than one kind of query asks for."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from tracker_core import access
from tracker_core.metadata import Metadata
from tracker_core.tracker.clauses import ALWAYS, Clause, all_of, clause, exists, is_none
from tracker_core.tracker.filters import Filter, attribute_value, condition, data_value
from tracker_core.tracker.search.queries import Assignees, Place, Span
from tracker_core.tracker.visibility import Sight, within

# Web API 2.42, events: VISITED is an older word for ACTIVE; an event is overdue once its day has passed.
_STATUS = {
    "VISITED": "{x}.status in ('ACTIVE', 'VISITED') and {x}.occurred_at is not null",
    "OVERDUE": "({x}.status = 'OVERDUE' or {x}.status = 'SCHEDULE' and {x}.scheduled_at < %s)",
}


def named(column: str, uids: Sequence[str]) -> Clause:
    """Return whether `column` holds one of `uids`; always when there are none."""
    return clause(f"{column} = any(%b)", list(uids)) if uids else ALWAYS


def during(column: str, span: Span) -> Clause:
    """Return whether a time lies in a half-open span."""
    since, before = span
    return all_of(
        clause(f"{column} >= %s", since) if since is not None else ALWAYS,
        clause(f"{column} < %s", before) if before is not None else ALWAYS,
    )


def at_place(sight: Sight, column: str, place: Place) -> Clause:
    """Return whether the org unit in `column` is among those asked for. What the user may see is another condition."""
    units = [sight.known.org_units[uid] for uid in place.units]
    if place.mode == "SELECTED":
        pks = [unit.pk for unit in units]
        return clause(f"{column} = %s", pks[0]) if len(pks) == 1 else clause(f"{column} = any(%b)", pks)
    if place.mode == "CHILDREN":
        own = [unit.pk for unit in units]
        family = "select u.pk from org_unit u where u.pk = any(%b) or u.parent = any(%b)"
        return clause(f"{column} in ({family})", own, own)
    if place.mode == "DESCENDANTS":
        return within(column, [unit.path for unit in units])
    return within(column, access.paths(sight.actor, "capture")) if place.mode == "CAPTURE" else ALWAYS


def in_status(alias: str, status: str) -> Clause:
    """Return whether an event has a status, as DHIS2 reads them."""
    if not status:
        return ALWAYS
    form = _STATUS.get(status)
    if form is None:
        return clause(f"{alias}.status = %s", status)
    return Clause(form.format(x=alias), (_today(),) * form.count("%s"))


def in_status_during(alias: str, status: str, span: Span) -> Clause:
    """Return whether an event has a status within a span: of its date, or of its due date when it hasn't happened."""
    if status in ("SCHEDULE", "OVERDUE"):
        late = clause(f"{alias}.scheduled_at {'<' if status == 'OVERDUE' else '>='} %s", _today())
        open_ = clause(f"{alias}.occurred_at is null and {alias}.status in ('SCHEDULE', 'OVERDUE')")
        return all_of(open_, late, during(f"{alias}.scheduled_at", span))
    if status == "SKIPPED":
        return all_of(in_status(alias, status), during(f"{alias}.scheduled_at", span))
    if status == "ACTIVE":
        return all_of(clause(f"{alias}.status in ('ACTIVE', 'VISITED')"), during(f"{alias}.occurred_at", span))
    return all_of(in_status(alias, status), during(f"{alias}.occurred_at", span))


def assigned(sight: Sight, alias: str, assignees: Assignees) -> Clause:
    """Return whether an event is assigned as asked for."""
    column = f"{alias}.assigned_user"
    if assignees.mode == "CURRENT":
        return clause(f"{column} = %s", sight.actor.username)
    if assignees.mode == "PROVIDED":
        return clause(f"{column} in (select username from user_account where uid = any(%b))", list(assignees.users))
    if assignees.mode == "ALL":
        return ALWAYS
    return clause(f"{column} is {'not ' if assignees.mode == 'ANY' else ''}null")


def by_attributes(known: Metadata, entity: str, filters: Sequence[Filter]) -> Clause:
    """Return whether the tracked entity whose pk stands in `entity` has the attribute values asked for."""
    return all_of(*(_by_attribute(known, entity, wanted) for wanted in filters))


def _by_attribute(known: Metadata, entity: str, wanted: Filter) -> Clause:
    attribute = known.attributes[wanted.uid]
    held = clause(f"a.entity = {entity} and a.attribute = %s", attribute.pk)
    if wanted.operator == "null":
        return is_none("attribute_value a", held)
    if wanted.operator == "!null":
        return exists("attribute_value a", held)
    return exists("attribute_value a", all_of(held, condition(wanted, attribute_value("a", attribute.value_type))))


def by_data(known: Metadata, alias: str, filters: Sequence[Filter]) -> Clause:
    """Return whether an event has the data values asked for."""
    return all_of(*(_by_data(known, alias, wanted) for wanted in filters))


def _by_data(known: Metadata, alias: str, wanted: Filter) -> Clause:
    element = known.data_elements[wanted.uid]
    if wanted.operator in ("null", "!null"):
        found = clause(f"{alias}.data ? %s", element.uid)
        return found if wanted.operator == "!null" else Clause(f"not {found.text}", found.arguments)
    return condition(wanted, data_value(alias, element.uid, element.value_type))


def _today() -> datetime:
    return datetime.combine(datetime.now(UTC).date(), time(), UTC)
