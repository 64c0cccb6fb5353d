"""The program side of persons as bindings need it: their episodes (enrollments) and visits (events), as sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core import metadata
from tracker_core.database import Session
from tracker_core.records.definitions import resource_types


@dataclass(frozen=True, slots=True)
class Holder:
    """A person: pk and uid of the tracked entity, uid of its org unit, attribute uid -> value."""

    pk: int
    uid: str
    org_unit: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Episode:
    """An enrollment. `person` is the pk of its tracked entity, `program` and `org_unit` are uids."""

    pk: int
    uid: str
    person: int
    program: str
    org_unit: str
    status: str
    enrolled_at: datetime
    completed_at: datetime | None
    origin: int | None
    deleted: bool
    follow_up: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship of two tracked entities: `sides` are (pk, uid, type) of its `from` and `to`; `type` is a uid."""

    uid: str
    type: str
    sides: tuple[tuple[int, str, str], tuple[int, str, str]]
    deleted: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """An event of an enrollment, deleted ones included. `program`, `stage` and `org_unit` are uids."""

    pk: int
    uid: str
    person: int
    enrollment: str
    program: str
    stage: str
    org_unit: str
    status: str
    occurred_at: datetime | None
    scheduled_at: datetime | None
    origin: int | None
    deleted: bool
    data: dict[str, str]


def lock_holders(session: Session, persons: Iterable[int]) -> None:
    """Let no other transaction derive anything for these persons before this one ends."""
    session.execute(
        "select from tracked_entity where pk = any(%b::bigint[]) order by pk for no key update", (sorted(set(persons)),)
    )


def holders(session: Session, persons: Iterable[int]) -> dict[int, Holder]:
    """Return the live ones of these persons with their attributes."""
    known = metadata.load(session).uids
    pks = sorted(set(persons))
    people = session.execute(
        "select pk, uid, org_unit from tracked_entity where pk = any(%b::bigint[]) and not deleted", (pks,)
    ).fetchall()
    values: dict[int, dict[str, str]] = {}
    for entity, attribute, value in session.execute(
        "select entity, attribute, value from attribute_value where entity = any(%b::bigint[])", (pks,)
    ):
        values.setdefault(entity, {})[known[attribute]] = value
    return {pk: Holder(pk, uid, known.get(unit, ""), values.get(pk, {})) for pk, uid, unit in people}


def of_types(session: Session, entities: Iterable[int], types: Iterable[int]) -> set[int]:
    """Return those of these tracked entities that are of one of these types, all by pk."""
    rows = session.execute(
        "select pk from tracked_entity where pk = any(%b::bigint[]) and type = any(%b::bigint[])",
        (sorted(set(entities)), sorted(types)),
    )
    return {row[0] for row in rows}


def episodes(session: Session, persons: Iterable[int], programs: Sequence[int]) -> list[Episode]:
    """Return the enrollments of these persons in these programs (pks), deleted ones included, by date."""
    known = metadata.load(session).uids
    rows = session.execute(
        "select pk, uid, entity, program, org_unit, status, enrolled_at, completed_at, origin, deleted,"
        " follow_up from enrollment"
        " where entity = any(%b::bigint[]) and program = any(%b::bigint[]) order by enrolled_at, pk",
        (sorted(set(persons)), list(programs)),
    ).fetchall()
    return [_episode(row, known) for row in rows]


def visits(session: Session, enrollments: Iterable[int]) -> list[Visit]:
    """Return the events of these enrollments (pks), deleted ones included, in the order they were made."""
    return _visits(session, "e.enrollment = any(%b::bigint[])", list(enrollments))


def visits_by_pk(session: Session, events: Iterable[int]) -> list[Visit]:
    """Return these events (pks), deleted ones included; those of event programs have no enrollment and person 0."""
    return _visits(session, "e.pk = any(%b::bigint[])", list(events))


def visits_behind(session: Session, uids: Sequence[str], origins: Sequence[int]) -> list[Visit]:
    """Return the events with one of these uids, and those that one of these records (pks) made; deleted ones, too."""
    found = _visits(session, "e.uid = any(%b::text[])", list(uids)) if uids else []
    return found + (_visits(session, "e.origin = any(%b::bigint[])", list(origins)) if origins else [])


def episodes_by_pk(session: Session, enrollments: Iterable[int]) -> list[Episode]:
    """Return these enrollments (pks), deleted ones included."""
    known = metadata.load(session).uids
    rows = session.execute(
        "select pk, uid, entity, program, org_unit, status, enrolled_at, completed_at, origin, deleted,"
        " follow_up from enrollment"
        " where pk = any(%b::bigint[]) order by pk",
        (list(enrollments),),
    ).fetchall()
    return [_episode(row, known) for row in rows]


def relations(session: Session, relationships: Sequence[int], entities: Sequence[int] = ()) -> list[Relation]:
    """Return these relationships (pks), and those of these tracked entities, as far as they join tracked entities."""
    known = metadata.load(session).uids
    rows = session.execute(
        "select r.uid, r.type, a.pk, a.uid, a.type, b.pk, b.uid, b.type, r.deleted from relationship r"
        " join tracked_entity a on a.pk = r.from_pk join tracked_entity b on b.pk = r.to_pk"
        " where r.from_kind = 'trackedEntity' and r.to_kind = 'trackedEntity' and (r.pk = any(%(pks)b::bigint[])"
        " or r.from_pk = any(%(entities)b::bigint[]) or r.to_pk = any(%(entities)b::bigint[])) order by r.pk",
        {"pks": list(relationships), "entities": list(entities)},
    )
    return [
        Relation(uid, known[type], ((a, a_uid, known[a_type]), (b, b_uid, known[b_type])), deleted)
        for uid, type, a, a_uid, a_type, b, b_uid, b_type, deleted in rows
    ]


def overdue(session: Session, most: int) -> list[Visit]:
    """Return up to `most` planned events of a day before today of persons with a Patient record, without a Task yet."""
    numbers = resource_types()
    rows = session.execute(
        "select e.pk from event e where e.status in ('SCHEDULE', 'OVERDUE') and not e.deleted"
        " and e.scheduled_at < date_trunc('day', now()) and e.enrollment is not null"
        " and not exists (select from record t where t.type = %s and t.id = e.uid)"
        " and exists (select from record p where p.subject = e.entity and p.type = %s and not p.deleted) limit %s",
        (numbers["Task"], numbers["Patient"], most),
    ).fetchall()
    return visits_by_pk(session, [row[0] for row in rows]) if rows else []


def set_origins(session: Session, origins: dict[str, int]) -> None:
    """Remember which record (pk) stands behind an event (uid) that had none."""
    session.execute(
        "update event e set origin = o.origin from unnest(%b::text[], %b::bigint[]) as o (uid, origin)"
        " where e.uid = o.uid and e.origin is null",
        (list(origins), list(origins.values())),
    )


def owners_of(session: Session, values: Sequence[tuple[int, str]]) -> dict[tuple[int, str], set[int]]:
    """Return who has each unique attribute value: (attribute pk, value) -> pks of live persons."""
    rows = session.execute(
        "select v.attribute, v.value, v.entity from attribute_value v"
        " join unnest(%b::bigint[], %b::text[]) as w (attribute, value)"
        " on v.attribute = w.attribute and v.unique_key is not null and v.value = w.value",
        ([attribute for attribute, _ in values], [value for _, value in values]),
    ).fetchall()
    owners: dict[tuple[int, str], set[int]] = {}
    for attribute, value, entity in rows:
        owners.setdefault((attribute, value), set()).add(entity)
    return owners


def _visits(session: Session, condition: str, keys: Sequence[int] | Sequence[str]) -> list[Visit]:
    known = metadata.load(session).uids
    rows = session.execute(
        "select e.pk, e.uid, coalesce(n.entity, 0), coalesce(n.uid, ''), e.program, e.stage, e.org_unit, e.status,"
        f" e.occurred_at, e.scheduled_at, e.origin, e.deleted, e.data from event e"
        f" left join enrollment n on n.pk = e.enrollment where {condition} order by e.pk",
        (keys,),
    ).fetchall()
    return [_visit(row, known) for row in rows]


def _episode(row: tuple[Any, ...], known: Mapping[int, str]) -> Episode:
    pk, uid, person, program, unit, *more = row
    return Episode(pk, uid, person, known[program], known.get(unit, ""), *more)


def _visit(row: tuple[Any, ...], known: Mapping[int, str]) -> Visit:
    pk, uid, person, enrollment, program, stage, unit, *more = row
    return Visit(pk, uid, person, enrollment, known[program], known[stage], known.get(unit, ""), *more)


def differences(session: Session, change_set: int, most: int) -> list[dict[str, Any]]:
    """Return what a change set did to enrollments and events: of each kind up to `most`, by uids.

    `delta` is `{field: [old, new]}` of what was changed, `data` the values of an event.
    """
    known = metadata.load(session).uids
    found = []
    for kind, columns in (("enrollment", "o.program, null, '{}'::jsonb"), ("event", "o.program, o.stage, o.data")):
        rows = session.execute(
            f"select c.action, o.uid, t.uid, {columns}, c.delta from change c join {kind} o on o.pk = c.target"
            " left join tracked_entity t on t.pk = c.subject where c.change_set = %s and c.kind = %s"
            " order by o.pk limit %s",
            (change_set, kind, most),
        )
        found += [
            {
                "kind": kind,
                "action": action,
                "uid": uid,
                "trackedEntity": person,
                "program": known[program],
                **({"programStage": known[stage]} if stage else {}),
                **({"data": data} if data else {}),
                **({"delta": delta} if delta else {}),
            }
            for action, uid, person, program, stage, data, delta in rows
        ]
    return found
