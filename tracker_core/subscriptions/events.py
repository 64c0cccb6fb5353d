"""Changes as events of subscriptions: found by one search per kind, numbered and noted, then queued to be sent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from tracker_core.access import MACHINES
from tracker_core.database import Session
from tracker_core.errors import HubError
from tracker_core.records import custom, reindexing
from tracker_core.records.definitions import type_names
from tracker_core.records.search.matching import matching
from tracker_core.records.search.tokens import Codes
from tracker_core.subscriptions import notices, plans
from tracker_core.subscriptions.following import switch_off
from tracker_core.subscriptions.notices import Changed, Listener
from tracker_core.subscriptions.plans import Trigger

_LOCK = 0x7375_6273  # "subs": events are numbered in the order in which change sets are taken
Query = tuple[str, str]  # type, search


@dataclass(slots=True)
class _Found:
    """Keys of records that match each search: as they are, and as they were before."""

    now: Mapping[Query, set[int]]
    before: Mapping[Query, set[int]]


def in_turn(session: Session) -> bool:
    """Tell whether any subscription notes events; if so, let no other dispatcher take changes before this one ends."""
    row = session.execute("select exists (select from subscription where begun is not null)").fetchone()
    if row is None or not row[0]:
        return False
    session.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    return True


def note(session: Session, change_sets: Sequence[int], codes: Codes) -> int:
    """Note what these change sets are to each subscription, and queue notices; return how many messages are new.

    A version is an event once, and judged as it was when it was written. Events of one subscription have numbers
    without gaps, versions of one record in their order.
    """
    custom.refresh(session)
    listeners = _listeners(session)
    changed = _changed(session, change_sets, {one.type for each in listeners for one in each.triggers})
    events: dict[int, list[Changed]] = {each.record: [] for each in listeners}
    failed: dict[Query, str] = {}
    for round_ in _rounds(changed):
        found = _search(session, listeners, round_, codes, failed)
        for each in listeners:
            events[each.record] += [one for one in round_ if _is_event(each, one, found)]
    _stop(session, listeners, failed)
    order = {(one.pk, one.version): place for place, one in enumerate(changed)}
    for noted in events.values():
        noted.sort(key=lambda one: order[one.pk, one.version])
    notices.keep(session, [(each, events[each.record]) for each in listeners if events[each.record]])
    return notices.queue(session)


def _listeners(session: Session) -> list[Listener]:
    """Return the subscriptions whose owners may still read."""
    rows = session.execute(
        "select s.record, s.peer, s.begun, s.plan, t.plan, s.events from subscription s"
        " left join subscription_topic t on t.url = s.topic"
        " where s.begun is not null and (s.until is null or s.until > now()) and (s.owner = any(%b::text[])"
        " or exists (select from user_account u where u.username = s.owner and not u.disabled)) order by s.record",
        (sorted(MACHINES),),
    )
    found = []
    for record, peer, begun, stored, topic, events in rows:
        plan = plans.opened(stored)
        found.append(Listener(record, peer, begun, plan, plans.triggers(topic or ()) or plan.triggers, events))
    return found


def _changed(session: Session, change_sets: Sequence[int], types: set[str]) -> list[Changed]:
    """Return the versions that change sets made of records of these types; versions of one record in their order."""
    numbers = [number for number, name in type_names().items() if name in types]
    rows = session.execute(
        "select v.pk, r.type, r.id, v.version, v.deleted, coalesce(p.deleted, true), r.version, v.updated"
        " from record_version v join record r on r.pk = v.pk"
        " left join record_version p on p.pk = v.pk and p.version = v.version - 1"
        " where v.change_set = any(%b::bigint[]) and r.type = any(%b::smallint[])"
        " order by v.change_set, v.pk, v.version",
        (list(change_sets), numbers),
    )
    names = type_names()
    return _straightened([Changed(row[0], names[row[1]], *row[2:]) for row in rows])


def _straightened(changed: list[Changed]) -> list[Changed]:
    """Change sets that waited for each other may have their numbers crosswise: versions go by themselves."""
    ordered: dict[int, list[Changed]] = {}
    for one in sorted(changed, key=lambda one: one.version, reverse=True):
        ordered.setdefault(one.pk, []).append(one)
    return [ordered[one.pk].pop() for one in changed]


def _rounds(changed: Sequence[Changed]) -> Iterator[list[Changed]]:
    """Yield the first version of each record, then the second ones …: each round has a record once."""
    left = list(changed)
    while left:
        seen: set[int] = set()
        round_: list[Changed] = []
        rest: list[Changed] = []
        for one in left:
            (rest if one.pk in seen else round_).append(one)
            seen.add(one.pk)
        yield round_
        left = rest


def _search(
    session: Session, listeners: Sequence[Listener], round_: Sequence[Changed], codes: Codes, failed: dict[Query, str]
) -> _Found:
    """Run each different search once, on all records of the round; what an index no longer has is put back for it."""
    now, before = _queries(listeners, {one.type for one in round_})
    live = [one for one in round_ if not one.deleted]
    stale = {one.pk: one.version for one in live if one.version != one.head}
    with reindexing.as_at(session, stale) if stale and now else nullcontext():
        found = _Found(_matches(session, now, live, codes, failed), {})
    earlier = {one.pk: one.version - 1 for one in round_ if not one.created}
    if earlier and before:
        with reindexing.as_at(session, earlier):
            old = [one for one in round_ if not one.created]
            found.before = _matches(session, before, old, codes, failed)
    return found


def _queries(listeners: Sequence[Listener], types: set[str]) -> tuple[set[Query], set[Query]]:
    """Return what is asked of records as they are, and as they were: also of those that are deleted by filters."""
    now: set[Query] = set()
    before: set[Query] = set()
    for each in listeners:
        filters = {one for one in each.plan.filters if one[0] in types}
        for trigger in each.triggers:
            if trigger.type in types:
                now |= {(trigger.type, trigger.now)} if trigger.now else set()
                before |= {(trigger.type, trigger.before)} if trigger.before else set()
                before |= filters if "delete" in trigger.interactions else set()
        now |= filters
    return now, before


def _matches(
    session: Session, queries: set[Query], among: Sequence[Changed], codes: Codes, failed: dict[Query, str]
) -> dict[Query, set[int]]:
    found: dict[Query, set[int]] = {}
    for type_, query in sorted(queries):
        pks = [one.pk for one in among if one.type == type_]
        try:
            with session.transaction():
                asked = plans.conditions("criteria", type_, query)
                found[type_, query] = matching(session, type_, asked, pks, codes) if pks else set()
        except (HubError, plans.Wrong) as error:
            failed[type_, query] = str(error)
    return found


def _is_event(each: Listener, one: Changed, found: _Found) -> bool:
    if one.at < each.begun:
        return False
    asked = [query for query in each.plan.filters if query[0] == one.type]
    matched = found.before if one.deleted else found.now
    if not all(one.pk in matched.get(query, ()) for query in asked):
        return False
    return any(_triggers(trigger, one, found) for trigger in each.triggers if trigger.type == one.type)


def _triggers(trigger: Trigger, one: Changed, found: _Found) -> bool:
    if one.interaction not in trigger.interactions:
        return False
    now = trigger.deleted if one.deleted else one.pk in found.now.get((one.type, trigger.now), ())
    before = trigger.created if one.created else one.pk in found.before.get((one.type, trigger.before), ())
    if not trigger.now:
        return before if trigger.before else True
    if not trigger.before:
        return now
    return (now and before) if trigger.both else (now or before)


def _stop(session: Session, listeners: Sequence[Listener], failed: Mapping[Query, str]) -> None:
    """Switch off what cannot be judged any more: nobody is to believe that nothing happened."""
    for each in listeners:
        own = [*each.plan.filters, *((t.type, q) for t in each.triggers for q in (t.now, t.before))]
        reason = next((failed[query] for query in own if query in failed), "")
        if reason:
            switch_off(session, [each.record], f"its criteria cannot be searched by: {reason}", give_up=False)
