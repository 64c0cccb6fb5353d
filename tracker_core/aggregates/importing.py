"""Values of other systems: resolved, compared with what is stored, written as one list."""

from collections.abc import Sequence

from tracker_core import metadata
from tracker_core.aggregates import values
from tracker_core.aggregates.resolving import Resolved, Resolver
from tracker_core.aggregates.values import Key, Value, Write
from tracker_core.changes import AggregateChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome

COMPUTED = "computed-value"


def apply_values(
    session: Session, context: Context, changes: Sequence[AggregateChange]
) -> tuple[list[Outcome], list[Issue]]:
    """Write the values that can be written; return one outcome per change, in order, and every issue.

    A change with an error is ignored and the others stand: whether that undoes all of them is for the caller. Of a key
    that comes twice the last value counts. What is stored already in the same words is not touched. A number that a
    case report computes here changes only by its cases. Issues carry DHIS2's codes (Web API 2.42, E7600 to E7645).
    """
    resolver = Resolver(metadata.load(session), context.at.date())
    read = [resolver.resolve(change) for change in changes]
    issues = [item for item in read if isinstance(item, Issue)]
    keys = list({item.key: None for item in read if isinstance(item, Resolved)})
    values.lock(session, [(key.element, key.period) for key in keys])
    stored = values.read(session, keys)
    last = {item.key: n for n, item in enumerate(read) if isinstance(item, Resolved)}
    outcomes, writes = [], []
    for n, (change, item) in enumerate(zip(changes, read, strict=True)):
        if isinstance(item, Issue):
            outcomes.append(Outcome("dataValue", "", "ignored", where=change.where))
            continue
        before = stored.get(item.key)
        problem = _problem(change, item, before, repeated=last[item.key] != n)
        write = None if problem else _write(change, item, before)
        issues += [problem] if problem else []
        writes += [write] if write else []
        outcomes.append(_outcome(change, item.key, write, problem))
    values.write(session, context, writes)
    return outcomes, issues


def _problem(change: AggregateChange, item: Resolved, before: Value | None, *, repeated: bool) -> Issue | None:
    if repeated:
        text = "the same value comes again further on; the last one counts"
        return Issue("E8128", text, severity="warning", where=change.where)
    if before and before.definition is not None and before.current != item.value:
        return Issue(COMPUTED, "this number is computed from cases here", where=change.where, value=item.value or "")
    exists = before is not None and not before.deleted
    strategy = change.terms.strategy
    if (strategy == "CREATE" and exists) or (strategy == "UPDATE" and not exists):
        text = "there is such a value already" if exists else "there is no such value yet"
        return Issue("import-strategy", text, severity="information", where=change.where)
    return None


def _write(change: AggregateChange, item: Resolved, before: Value | None) -> Write | None:
    comment = change.comment if change.comment is not None else before.comment if before else None
    if before is None and item.value is None:
        return None
    if before and (before.current, before.comment, before.follow_up) == (item.value, comment, change.follow_up):
        return None
    if before and before.definition is not None:
        return None
    return Write(item.key, item.value, before, item.data_set, comment, change.follow_up)


def _outcome(change: AggregateChange, key: Key, write: Write | None, problem: Issue | None) -> Outcome:
    name = f"{key.element}.{key.period}.{change.org_unit}.{key.combo}.{key.attribute_combo}"
    if problem:
        return Outcome("dataValue", name, "ignored", where=change.where)
    if write is None:
        return Outcome("dataValue", name, "unchanged", where=change.where)
    if write.value is None:
        return Outcome("dataValue", name, "deleted", where=change.where)
    fresh = write.before is None or write.before.deleted
    return Outcome("dataValue", name, "created" if fresh else "updated", where=change.where)
