"""Reading what an import needs, one query per kind, each row locked until the import's transaction ends.

Locked rows are as the last writer left them, so concurrent imports of one object follow each other and lose nothing.
"""

from collections.abc import Iterable
from itertools import chain

from tracker_core.changes import ChangeSet
from tracker_core.database import Session
from tracker_core.tracker import patterns, reserving
from tracker_core.tracker.holding import load_files
from tracker_core.tracker.notes import known_notes
from tracker_core.tracker.reaching import load_rights
from tracker_core.tracker.rows import Enrollment, Entity, Event, Relationship
from tracker_core.tracker.unique import unique_keys
from tracker_core.tracker.world import World

_SIDES = {"trackedEntity": "entities", "enrollment": "enrollments", "event": "events"}


def load(session: Session, world: World, changes: ChangeSet) -> None:
    """Fill `world` with everything that `changes` name."""
    _load_relationships(session, world, changes)
    _load_events(session, world, changes)
    _load_enrollments(session, world, changes)
    _load_entities(session, world, changes)
    _load_siblings(session, world, changes)
    _load_held(session, world, changes)
    _load_links(session, world, changes)
    _load_owners(session, world, changes)
    _load_usernames(session, world, changes)
    _load_notes(session, world, changes)
    load_files(session, world, changes)
    _load_foreign(session, world, changes)
    if world.actor is not None:
        load_rights(session, world, world.actor, changes)


def _sides(world: World, changes: ChangeSet, kind: str) -> Iterable[str]:
    """Yield the uids that relationships name, those of this import and the stored ones it is about."""
    pairs = chain(
        ((r.source, r.target) for r in changes.relationships),
        ((r.source, r.target) for r in world.relationships.values()),
    )
    return (uid for sides in pairs for k, uid in sides if k == kind)


def _load_relationships(session: Session, world: World, changes: ChangeSet) -> None:
    if not changes.relationships:
        return
    rows = session.execute(
        "select pk, uid, type, from_kind, from_pk, to_kind, to_pk, created_at_client, deleted from relationship"
        " where uid = any(%b) order by pk for no key update",
        ([r.uid for r in changes.relationships],),
    ).fetchall()
    uids = uids_of(session, [(r[3], r[4]) for r in rows] + [(r[5], r[6]) for r in rows])
    for pk, uid, type, from_kind, from_pk, to_kind, to_pk, client, deleted in rows:
        world.stored.add(("relationship", uid))
        world.relationships[uid] = Relationship(
            uid=uid,
            type=world.metadata.uids.get(type, ""),
            source=(from_kind, uids[from_kind, from_pk]),
            target=(to_kind, uids[to_kind, to_pk]),
            created_at_client=client,
            deleted=deleted,
            pk=pk,
        )


def uids_of(session: Session, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the uids of tracker objects known by (kind, pk)."""
    pks: dict[str, list[int]] = {"trackedEntity": [], "enrollment": [], "event": []}
    for kind, pk in pairs:
        pks[kind].append(pk)
    rows = session.execute(
        "select 'trackedEntity', pk, uid from tracked_entity where pk = any(%b) union all"
        " select 'enrollment', pk, uid from enrollment where pk = any(%b) union all"
        " select 'event', pk, uid from event where pk = any(%b)",
        (pks["trackedEntity"], pks["enrollment"], pks["event"]),
    )
    return {(kind, pk): uid for kind, pk, uid in rows}


def _load_events(session: Session, world: World, changes: ChangeSet) -> None:
    uids = {*(e.uid for e in changes.events), *_sides(world, changes, "event")}
    origins = [e.origin for e in changes.events if e.origin is not None]
    if not uids:
        return
    known = world.metadata.uids
    rows = session.execute(
        "select v.uid, coalesce(n.uid, ''), v.program, v.stage, v.org_unit, v.status, v.occurred_at, v.scheduled_at,"
        " v.completed_at, v.completed_by, v.attribute_option_combo, v.assigned_user, v.geometry, v.notes,"
        " v.created_at_client, v.updated_at_client, v.origin, v.deleted, v.pk, v.data, v.provided_elsewhere"
        " from event v left join enrollment n on n.pk = v.enrollment"
        " where v.uid = any(%b) or (v.origin = any(%b) and not v.deleted) order by v.pk for no key update of v",
        (list(uids), origins),
    )
    for row in rows:
        event = Event(row[0], row[1], known[row[2]], known[row[3]], known[row[4]], *row[5:])
        world.events[event.uid] = event
        world.stored.add(("event", event.uid))


def _load_enrollments(session: Session, world: World, changes: ChangeSet) -> None:
    uids = {
        *(n.uid for n in changes.enrollments),
        *(e.enrollment for e in changes.events),
        *(e.enrollment for e in world.events.values()),
        *_sides(world, changes, "enrollment"),
    } - {""}
    origins = [n.origin for n in changes.enrollments if n.origin is not None]
    if not uids:
        return
    known = world.metadata.uids
    rows = session.execute(
        "select n.uid, t.uid, n.program, n.org_unit, n.status, n.enrolled_at, n.occurred_at, n.completed_at,"
        " n.completed_by, n.follow_up, n.geometry, n.notes, n.created_at_client, n.updated_at_client, n.origin,"
        " n.deleted, n.pk from enrollment n join tracked_entity t on t.pk = n.entity"
        " where n.uid = any(%b) or (n.origin = any(%b) and not n.deleted) order by n.pk for no key update of n",
        (list(uids), origins),
    )
    for row in rows:
        enrollment = Enrollment(row[0], row[1], known[row[2]], known[row[3]], *row[4:])
        world.enrollments[enrollment.uid] = enrollment
        world.stored.add(("enrollment", enrollment.uid))


def _load_entities(session: Session, world: World, changes: ChangeSet) -> None:
    named = {*(t.uid for t in changes.entities), *(n.entity for n in changes.enrollments)}
    uids = {*named, *(n.entity for n in world.enrollments.values()), *_sides(world, changes, "trackedEntity")} - {""}
    if not uids:
        return
    known = world.metadata.uids
    rows = session.execute(
        "select uid, type, org_unit, inactive, potential_duplicate, geometry, created_at_client, updated_at_client,"
        " deleted, pk from tracked_entity where uid = any(%b) order by pk for no key update",
        (list(uids),),
    )
    by_pk: dict[int, Entity] = {}
    for row in rows:
        entity = Entity(row[0], known[row[1]], known[row[2]], *row[3:])
        by_pk[entity.pk] = world.entities[entity.uid] = entity
        world.stored.add(("trackedEntity", entity.uid))
    if by_pk:
        for pk, attribute, value in session.execute(
            "select entity, attribute, value from attribute_value where entity = any(%b)", (list(by_pk),)
        ):
            by_pk[pk].attributes[known[attribute]] = value


def _load_siblings(session: Session, world: World, changes: ChangeSet) -> None:
    """Load the live enrollments of those stored entities that are enrolled or deleted."""
    gone = (t.uid for t in changes.entities if t.delete or changes.strategy == "delete")
    named = {*(n.entity for n in changes.enrollments), *gone} & world.entities.keys()
    if not named:
        return
    for entity, program, uid, status in session.execute(
        "select t.uid, n.program, n.uid, n.status from tracked_entity t join enrollment n on n.entity = t.pk"
        " where t.uid = any(%b) and not n.deleted",
        (list(named),),
    ):
        world.enrolled.setdefault((entity, world.metadata.uids[program]), {})[uid] = status


def _load_held(session: Session, world: World, changes: ChangeSet) -> None:
    """Load the live events of those stored enrollments that get events in stages that do not repeat."""
    once = {stage.uid for stage in world.metadata.stages.values() if not stage.repeatable}
    asked = [
        (world.enrollments[e.enrollment].pk, world.metadata.stages[e.stage].pk)
        for e in changes.events
        if e.stage in once and e.enrollment in world.enrollments
    ]
    if not asked:
        return
    for enrollment, stage, uid in session.execute(
        "select n.uid, v.stage, v.uid from unnest(%b::bigint[], %b::bigint[]) as a (enrollment, stage)"
        " join event v on v.enrollment = a.enrollment and v.stage = a.stage and not v.deleted"
        " join enrollment n on n.pk = v.enrollment",
        ([pk for pk, _ in asked], [pk for _, pk in asked]),
    ):
        world.held.setdefault((enrollment, world.metadata.uids[stage]), set()).add(uid)


def _load_links(session: Session, world: World, changes: ChangeSet) -> None:
    """Load the live relationships that a new one would repeat; those of a bidirectional type either way round."""
    asked = []
    for r in changes.relationships:
        sides = [getattr(world, _SIDES[k]).get(uid) for k, uid in (r.source, r.target) if k in _SIDES]
        type = world.metadata.relationship_types.get(r.type)
        if type and len(sides) == 2 and all(sides):
            asked.append((type.pk, sides[0].pk, sides[1].pk, (r.type, r.source, r.target)))
            if type.bidirectional:
                asked.append((type.pk, sides[1].pk, sides[0].pk, (r.type, r.target, r.source)))
    if not asked:
        return
    keys = {(a, b, c): key for a, b, c, key in asked}
    for type_pk, source, target, uid in session.execute(
        "select r.type, r.from_pk, r.to_pk, r.uid from relationship r join"
        " unnest(%b::bigint[], %b::bigint[], %b::bigint[]) as a (type, source, target)"
        " on r.type = a.type and r.from_pk = a.source and r.to_pk = a.target where not r.deleted",
        ([a for a, _, _ in keys], [b for _, b, _ in keys], [c for _, _, c in keys]),
    ):
        world.linked[keys[type_pk, source, target]] = uid


def _load_owners(session: Session, world: World, changes: ChangeSet) -> None:
    """Load who has the unique values that the changes bring."""
    keys = unique_keys(world, changes)
    if not keys:
        return
    attributes = world.metadata.attributes
    for attribute, key, owner in session.execute(
        "select v.attribute, v.unique_key, t.uid from unnest(%b::bigint[], %b::text[]) as a (attribute, key)"
        " join attribute_value v on v.attribute = a.attribute and v.unique_key = a.key"
        " join tracked_entity t on t.pk = v.entity",
        ([attributes[uid].pk for uid, _ in keys], [key for _, key in keys]),
    ):
        world.taken[world.metadata.uids[attribute], key] = owner


def _load_usernames(session: Session, world: World, changes: ChangeSet) -> None:
    """Load which of the user names in values and assignments are accounts."""
    users = {a.uid for a in world.metadata.attributes.values() if a.value_type == "USERNAME"}
    users |= {d.uid for d in world.metadata.data_elements.values() if d.value_type == "USERNAME"}
    holders = chain((t.attributes for t in changes.entities), (n.attributes for n in changes.enrollments))
    named = {
        str(value)
        for values in chain(holders, (e.data for e in changes.events))
        for uid in users & values.keys()
        if (value := values[uid])
    }
    named |= {name for e in changes.events if (name := e.fields.get("assignedUser")) and isinstance(name, str)}
    if named:
        for username, uid in session.execute(
            "select username, uid from user_account where username = any(%b) or uid = any(%b)",
            (list(named), list(named)),
        ):
            world.usernames |= {username: username, uid: username}


def _load_notes(session: Session, world: World, changes: ChangeSet) -> None:
    """Load which of the notes' uids exist."""
    fields = chain((n.fields for n in changes.enrollments), (e.fields for e in changes.events))
    given = (note for named in fields for note in named.get("notes") or ())
    uids = sorted({note["note"] for note in given if note.get("note")})
    if uids:
        world.notes |= known_notes(session, uids)


def _load_foreign(session: Session, world: World, changes: ChangeSet) -> None:
    """Load which values of generated attributes their pattern did not make, less those that are reserved."""
    generated = {uid: a for uid, a in world.metadata.attributes.items() if a.pattern} if changes.patterns else {}
    holders = chain((t.attributes for t in changes.entities), (n.attributes for n in changes.enrollments))
    odd = {
        (uid, value)
        for values in holders
        for uid in generated.keys() & values.keys()
        if (value := values[uid]) and not patterns.matches(generated[uid].pattern, value)
    }
    if odd:
        known = reserving.reserved(session, [(generated[uid].pk, value) for uid, value in sorted(odd)])
        world.foreign = {(uid, value) for uid, value in odd if (generated[uid].pk, value) not in known}
