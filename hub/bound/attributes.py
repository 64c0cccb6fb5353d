"""Attributes of a person from its Patient records: the newest statement wins, and repeating an old one is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.bound.groups import parse
from hub.bound.loading import Bound
from mappings.binding import read_person
from mappings.scope import Scope
from tracker_core import peers, records
from tracker_core.changes import EntityChange
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.records import Stored
from tracker_core.tracker.episodes import Holder, owners_of


@dataclass(slots=True)
class _Statements:
    """What one Patient record says now and said before it was touched (None: it was not), in attribute uids."""

    record: Stored
    priority: int
    now: dict[str, str]
    before: dict[str, str] | None = None


@dataclass(slots=True)
class _Person:
    holder: Holder
    statements: list[_Statements] = field(default_factory=list)


def survive(
    session: Session, bindings: Sequence[Bound], touched: Iterable[Stored], people: dict[int, Holder], scope: Scope
) -> list[EntityChange]:
    """Return what the touched Patient records change in the attributes of their persons.

    A value that a touched record states anew replaces the person's, unless a record of a peer with higher `priority`
    (a setting, 0 by default) states the present one. A value that no record states any more falls back to the record
    of the highest priority, then the newest. A unique value that another person has is left out, with a warning.
    """
    mine = [record for record in touched if record.type == "Patient" and record.subject in people]
    rows = [bound for bound in bindings if bound.person]
    if not mine or not rows:
        return []
    persons = _statements(session, rows, mine, people, scope)
    wanted = {pk: _wanted(person) for pk, person in persons.items()}
    _refuse_taken(session, rows, persons, wanted, scope)
    return [
        EntityChange(uid=persons[pk].holder.uid, attributes=dict(values), where=f"Patient of {persons[pk].holder.uid}")
        for pk, values in wanted.items()
        if values
    ]


def _statements(
    session: Session, rows: Sequence[Bound], mine: Sequence[Stored], people: dict[int, Holder], scope: Scope
) -> dict[int, _Person]:
    earlier = records.earlier(session, [record for record in mine if record.version > 1])
    touched = {record.pk for record in mine}
    subjects = sorted({record.subject for record in mine if record.subject is not None})
    every = records.of_subject(session, subjects, ["Patient"]) + [record for record in mine if record.deleted]
    priorities = _priorities(session, every)
    persons = {subject: _Person(people[subject]) for subject in subjects}
    for record in every:
        if record.subject is None:
            continue
        told = scope if record.pk in touched else Scope(quiet=True)
        now = {} if record.deleted else _read(rows, parse(record), told)
        before = None
        if record.pk in touched:
            old = earlier.get(record.pk)
            before = _read(rows, parse(old), Scope(quiet=True)) if old and not old.deleted else {}
        persons[record.subject].statements.append(_Statements(record, priorities.get(record.source, 0), now, before))
    return persons


def _read(rows: Sequence[Bound], patient: dict[str, Any], scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for bound in rows:
        for key, text in read_person(bound.person, [patient], scope).items():
            found.setdefault(bound.attributes[key].uid, text)
    return found


def _priorities(session: Session, every: Iterable[Stored]) -> dict[int | None, int]:
    sources = sorted({record.source for record in every if record.source is not None})
    return {pk: int(peer.settings.get("priority", 0)) for pk, peer in peers.by_ids(session, sources).items()}


def _wanted(person: _Person) -> dict[str, str | None]:
    """Return the attributes that change: uid -> value, None where nobody states one any more."""
    present = person.holder.attributes
    order = sorted(person.statements, key=lambda one: (one.priority, one.record.updated, one.record.pk), reverse=True)
    changed: dict[str, str | None] = {}
    for one in reversed(order):
        if one.before is None:
            continue
        for uid in one.now.keys() | one.before.keys():
            changed[uid] = _survivor(uid, one, one.before.get(uid), changed.get(uid, present.get(uid)), order)
    return {uid: value for uid, value in changed.items() if value != present.get(uid)}


def _survivor(
    uid: str, one: _Statements, before: str | None, current: str | None, order: Sequence[_Statements]
) -> str | None:
    """Return the value of an attribute after one touched record has spoken."""
    new = one.now.get(uid)
    if new == before and current:
        return current
    believed = [other.priority for other in order if other is not one and other.now.get(uid) == current]
    if new is None:
        alone = current == before and not believed
        return next((other.now[uid] for other in order if uid in other.now), None) if alone else current
    return current if current and max(believed, default=one.priority) > one.priority else new


def _refuse_taken(
    session: Session,
    rows: Sequence[Bound],
    persons: dict[int, _Person],
    wanted: dict[int, dict[str, str | None]],
    scope: Scope,
) -> None:
    unique = {a.uid: a.pk for bound in rows for a in bound.attributes.values() if a.unique}
    asked = [
        (unique[uid], value) for values in wanted.values() for uid, value in values.items() if uid in unique and value
    ]
    owners = owners_of(session, asked) if asked else {}
    for pk, values in wanted.items():
        for uid in [uid for uid in values if uid in unique]:
            value = values[uid]
            if value and owners.setdefault((unique[uid], value), {pk}) != {pk}:
                del values[uid]
                text = "another person has this value of a unique attribute; it was left out here"
                scope.issues.append(Issue("not-unique", text, "warning", persons[pk].holder.uid, value))
