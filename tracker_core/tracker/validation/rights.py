"""Checks of what the acting user may write (Web API 2.42, "Access control, ownership, break the glass").

Each returns the arguments of its message once per fault, nothing when all is well or the user may do everything. What
is stored is judged by where it is stored, what is new or moves by where it is to be.
"""

from collections.abc import Sequence
from typing import TypeAlias

from tracker_core.access import Actor, in_scope, may_see_unit
from tracker_core.metadata import OrgUnit, Program
from tracker_core.tracker.ownership import scope_of
from tracker_core.tracker.rows import EnrollmentItem, Entity, EntityItem, Event, EventItem, RelationshipItem
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]


def entity_at_capture(item: EntityItem, world: World) -> Found:
    """E1000: it is registered, moved to and deleted within the capture units."""
    return _at_capture(world, _unit_to_check(world, item))


def enrollment_at_capture(item: EnrollmentItem, world: World) -> Found:
    """E1000: it is made, moved to and deleted within the capture units."""
    return _at_capture(world, _unit_to_check(world, item))


def event_at_capture(item: EventItem, world: World) -> Found:
    """E1000: it is made, moved to and deleted within the capture units; events of event programs changed too."""
    unit = _unit_to_check(world, item)
    if unit is None and item.old and item.program and not item.program.registration:
        unit = world.metadata.org_units.get(item.old.org_unit)
    return _at_capture(world, unit)


def writes_type(item: EntityItem, world: World) -> Found:
    """E1001: a new one is of a type whose data the user may write."""
    actor, type = world.actor, item.type
    if actor is None or type is None or type.pk in actor.writes["trackedEntityTypes"]:
        return ()
    return [(actor.uid, type.uid)]


def writes_entity(item: EntityItem, world: World) -> Found:
    """E1003: a stored one is changed by who may write its type and reaches it through a program or its org unit."""
    if world.actor is None or item.old is None or _may_write_entity(world, world.actor, item.old):
        return ()
    return [(world.actor.uid, item.row.uid)]


def cascades_entity(item: EntityItem, world: World) -> Found:
    """E1100: deleting one with enrollments needs F_TEI_CASCADE_DELETE."""
    actor = world.actor
    if actor is None or actor.may("F_TEI_CASCADE_DELETE"):
        return ()
    enrolled = any(enrollments for (entity, _), enrollments in world.enrolled.items() if entity == item.row.uid)
    return [(actor.uid, item.row.uid)] if enrolled else ()


def cascades_enrollment(item: EnrollmentItem, world: World) -> Found:
    """E1103: deleting one with events needs F_ENROLLMENT_CASCADE_DELETE."""
    actor = world.actor
    if actor is None or item.row.uid not in world.eventful or actor.may("F_ENROLLMENT_CASCADE_DELETE"):
        return ()
    return [(actor.uid, item.row.uid)]


def writes_program(item: EnrollmentItem | EventItem, world: World) -> Found:
    """E1091: the program's data may be written; for events it is asked in event programs only."""
    actor, program = world.actor, item.program
    if actor is None or program is None or (isinstance(item, EventItem) and program.registration):
        return ()
    return () if program.pk in actor.writes["programs"] else [(actor.uid, program.uid)]


def writes_stage(item: EventItem, world: World) -> Found:
    """E1095: the stage's data may be written, in programs with registration."""
    actor, stage, program = world.actor, item.stage, item.program
    if actor is None or stage is None or program is None or not program.registration:
        return ()
    return () if stage.pk in actor.writes["programStages"] else [(actor.uid, stage.uid)]


def reads_program(item: EventItem, world: World) -> Found:
    """E1096: the data of the event's program may be read, in programs with registration."""
    actor, program = world.actor, item.program
    if actor is None or program is None or not program.registration or program.pk in actor.reads["programs"]:
        return ()
    return [(actor.uid, program.uid)]


def reads_type(item: EnrollmentItem | EventItem, world: World) -> Found:
    """E1104: the data of the program's tracked entity type may be read."""
    actor, program = world.actor, item.program
    if actor is None or program is None or program.entity_type is None:
        return ()
    if program.entity_type.pk in actor.reads["trackedEntityTypes"]:
        return ()
    return [(actor.uid, program.uid, program.entity_type.uid)]


def owns_enrolled(item: EnrollmentItem, world: World) -> Found:
    """E1102: the user reaches the entity's owner in this program; before there is one, its registering unit."""
    actor, program, entity = world.actor, item.program, item.entity
    if actor is None or program is None or entity is None or _reaches(world, actor, entity, program):
        return ()
    return [(actor.uid, entity.uid, program.uid)]


def owns_visited(item: EventItem, world: World) -> Found:
    """E1102: the user reaches the owner of the event's entity in this program."""
    actor, program = world.actor, item.program
    entity = world.entities.get(item.enrollment.entity) if item.enrollment else None
    if actor is None or program is None or entity is None or (entity.uid, program.uid) not in world.owners:
        return ()
    return () if _reaches(world, actor, entity, program) else [(actor.uid, entity.uid, program.uid)]


def writes_options(item: EventItem, world: World) -> Found:
    """E1099: the data of every category option of the event may be written."""
    actor, known = world.actor, world.metadata
    combo = known.option_combos.get(item.row.attribute_option_combo or "")
    if actor is None or combo is None:
        return ()
    options = (known.category_options.get(uid) for uid in combo.options)
    return [(actor.uid, o.uid) for o in options if o and o.pk not in actor.writes["categoryOptions"]]


def may_reopen(item: EventItem, world: World) -> Found:
    """E1083: a completed event is opened again with F_UNCOMPLETE_EVENT only."""
    actor, old = world.actor, item.old
    if actor is None or old is None or old.status != "COMPLETED" or item.row.status == "COMPLETED":
        return ()
    return () if actor.may("F_UNCOMPLETE_EVENT") else [(actor.uid,)]


def writes_relationship(item: RelationshipItem, world: World) -> Found:
    """E4020: its type's data and what it starts from may be written; of a bidirectional type what it leads to too."""
    actor, type = world.actor, item.type
    if actor is None or type is None:
        return ()
    far = _may_write if type.bidirectional else _may_read
    allowed = type.pk in actor.writes["relationshipTypes"] and _may_write(world, actor, *item.row.source)
    return () if allowed and far(world, actor, *item.row.target) else [(actor.uid, item.row.uid)]


def _unit_to_check(world: World, item: EntityItem | EnrollmentItem | EventItem) -> OrgUnit | None:
    """Return the org unit within whose scope the user must be: where it is deleted, or where it is new."""
    if item.step == "delete":
        return world.metadata.org_units.get(item.old.org_unit) if item.old else None
    moved = item.old is None or item.row.org_unit != item.old.org_unit
    return item.unit if moved else None


def _at_capture(world: World, unit: OrgUnit | None) -> Found:
    if world.actor is None or unit is None or in_scope(world.actor, "capture", unit.path):
        return ()
    return [(world.actor.uid, unit.uid)]


def _reaches(world: World, actor: Actor, entity: Entity, program: Program) -> bool:
    """Tell whether an actor has access to what is captured of an entity in a program, by its owner or by a grant."""
    owner = world.metadata.org_units.get(world.owners.get((entity.uid, program.uid), entity.org_unit))
    if owner is None:
        return True
    if scope_of(program.access_level) == "search":
        return may_see_unit(actor, owner.path)
    granted = program.access_level == "PROTECTED" and (entity.uid, program.uid) in world.granted
    return granted or in_scope(actor, "capture", owner.path)


def _may_write_entity(world: World, actor: Actor, entity: Entity) -> bool:
    return _may_touch_entity(world, actor, entity, actor.writes["trackedEntityTypes"], actor.writes["programs"])


def _may_touch_entity(
    world: World, actor: Actor, entity: Entity, types: frozenset[int], programs: frozenset[int]
) -> bool:
    """Tell whether an entity of an allowed type is reached through an allowed program that owns it, or its org unit."""
    known = world.metadata
    type = known.entity_types.get(entity.type)
    if type is None or type.pk not in types:
        return False
    owning = [p for p in known.programs.values() if (entity.uid, p.uid) in world.owners]
    if owning:
        return any(p.pk in programs and _reaches(world, actor, entity, p) for p in owning)
    unit = known.org_units.get(entity.org_unit)
    return unit is None or may_see_unit(actor, unit.path)


def _may_write(world: World, actor: Actor, kind: str, uid: str) -> bool:
    return _may_touch(world, actor, kind, uid, write=True)


def _may_read(world: World, actor: Actor, kind: str, uid: str) -> bool:
    return _may_touch(world, actor, kind, uid, write=False)


def _may_touch(world: World, actor: Actor, kind: str, uid: str, *, write: bool) -> bool:
    """Tell whether an actor may write, or read, one side of a relationship; what this import makes has been checked."""
    rights, row = actor.writes if write else actor.reads, world.row(kind, uid)
    if row is None or (kind, uid) not in world.stored:
        return True
    if isinstance(row, Entity):
        return _may_touch_entity(world, actor, row, rights["trackedEntityTypes"], rights["programs"])
    known = world.metadata
    program = known.programs.get(row.program)
    if program is None:
        return False
    if isinstance(row, Event) and not row.enrollment:
        unit = known.org_units.get(row.org_unit)
        seen = unit is not None and (
            in_scope(actor, "capture", unit.path) or (not write and may_see_unit(actor, unit.path))
        )
        return seen and program.pk in rights["programs"]
    stage = known.stages.get(row.stage) if isinstance(row, Event) else None
    enrollment = world.enrollments[row.enrollment] if isinstance(row, Event) else row
    allowed = stage.pk in rights["programStages"] if stage else program.pk in rights["programs"]
    return allowed and _reaches(world, actor, world.entities[enrollment.entity], program)
