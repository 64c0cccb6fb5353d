"""Checks of events. Each returns the arguments of its message once per fault, nothing when all is well."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from tracker_core.tracker.rows import EventItem
from tracker_core.tracker.validation.geometry import fits
from tracker_core.tracker.validation.value_types import accepts, in_options
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]
HAPPENED = ("ACTIVE", "COMPLETED", "VISITED")
STATUSES = (*HAPPENED, "SCHEDULE", "OVERDUE", "SKIPPED")


def is_new(item: EventItem, world: World) -> Found:
    """E1030: strategy CREATE takes new ones only."""
    return [(item.row.uid,)] if item.old else ()


def is_stored(item: EventItem, world: World) -> Found:
    """E1032: an update or deletion needs a stored one."""
    return () if item.old else [(item.row.uid,)]


def is_alive(item: EventItem, world: World) -> Found:
    """E1082: a deleted one stays as it is."""
    return [(item.row.uid,)] if item.old and item.old.deleted else ()


def is_complete(item: EventItem, world: World) -> Found:
    """E1123: program, stage and org unit are there."""
    row = item.row
    parts = (("orgUnit", row.org_unit), ("programStage", row.stage), ("program", row.program))
    return [(name,) for name, value in parts if not value]


def has_program(item: EventItem, world: World) -> Found:
    """E1010: the program exists."""
    return [(item.row.program,)] if item.row.program and item.program is None else ()


def has_unit(item: EventItem, world: World) -> Found:
    """E1011: the org unit exists."""
    return [(item.row.org_unit,)] if item.row.org_unit and item.unit is None else ()


def has_stage(item: EventItem, world: World) -> Found:
    """E1013: the stage exists."""
    return [(item.row.stage,)] if item.row.stage and item.stage is None else ()


def stage_has_program(item: EventItem, world: World) -> Found:
    """E1008: the stage belongs to a program."""
    return [(item.stage.uid,)] if item.stage and not item.stage.program else ()


def names_enrollment(item: EventItem, world: World) -> Found:
    """E1033: an event of a program with registration belongs to an enrollment."""
    missing = item.program and item.program.registration and not item.row.enrollment
    return [(item.row.uid,)] if missing else ()


def has_enrollment(item: EventItem, world: World) -> Found:
    """E1081: the enrollment is stored, alive, or in this import."""
    missing = item.row.enrollment and (item.enrollment is None or item.enrollment.deleted)
    return [(item.row.enrollment,)] if missing else ()


def has_entity(item: EventItem, world: World) -> Found:
    """E1313: the enrollment is one of a tracked entity."""
    registered = item.program is not None and item.program.registration
    return [(item.row.uid,)] if registered and item.enrollment and not item.enrollment.entity else ()


def in_program(item: EventItem, world: World) -> Found:
    """E1079: the event's program is its enrollment's."""
    enrollment, program = item.enrollment, item.program
    if enrollment is None or program is None or enrollment.program == program.uid:
        return ()
    return [(item.row.uid, program.uid, enrollment.uid)]


def in_stage(item: EventItem, world: World) -> Found:
    """E1089: the stage is one of the program's."""
    if item.stage is None or item.program is None or item.stage.uid in item.program.stages:
        return ()
    return [(item.row.uid, item.stage.uid, item.program.uid)]


def at_program(item: EventItem, world: World) -> Found:
    """E1029: the org unit is one of the program's."""
    if item.program is None or item.unit is None or item.unit.uid in item.program.org_units:
        return ()
    return [(item.unit.uid, item.program.uid)]


def keeps_parents(item: EventItem, world: World) -> Found:
    """E1128: stage and enrollment never change."""
    old, row = item.old, item.row
    if old is None:
        return ()
    pairs = (("programStage", row.stage, old.stage), ("enrollment", row.enrollment, old.enrollment))
    return [(name,) for name, new, before in pairs if new != before]


def has_status(item: EventItem, world: World) -> Found:
    """E1123: the status is one of the six."""
    return () if item.row.status in STATUSES else [("status",)]


def has_date(item: EventItem, world: World) -> Found:
    """E1031: what happened has a date; in event programs, everything has."""
    needed = item.row.status in HAPPENED or (item.program is not None and not item.program.registration)
    return [()] if needed and item.row.occurred_at is None and not item.findings else ()


def has_due_date(item: EventItem, world: World) -> Found:
    """E1050: what is scheduled has a due date."""
    missing = item.row.status == "SCHEDULE" and item.row.scheduled_at is None and not item.findings
    return [()] if missing else ()


def open_without_completion(item: EventItem, world: World) -> Found:
    """E1051: only a completed one has a completion date."""
    given = item.change.fields.get("completedAt")
    return [(item.row.uid, item.row.status)] if given and item.row.status != "COMPLETED" else ()


def not_repeated(item: EventItem, world: World) -> Found:
    """E1039: a stage that does not repeat holds one event per enrollment; earlier ones of this import count too."""
    stage, row = item.stage, item.row
    if stage is None or stage.repeatable or not row.enrollment:
        return ()
    return [(stage.uid,)] if world.held.get((row.enrollment, row.stage), set()) - {row.uid} else ()


def may_hold_values(item: EventItem, world: World) -> Found:
    """E1315: what has not happened has no data values."""
    if item.row.status in HAPPENED or item.row.status not in STATUSES or not any(item.change.data.values()):
        return ()
    return [(item.row.status, ", ".join(HAPPENED))]


def may_become(item: EventItem, world: World) -> Found:
    """E1316: what happened does not become planned again."""
    old, row = item.old, item.row
    if old is None or old.status not in HAPPENED or row.status in HAPPENED or row.status not in STATUSES:
        return ()
    return [(old.status, row.status)]


def form_is_open(item: EventItem, world: World) -> Found:
    """E1326: where the stage blocks its form on completion, a completed event is opened again before it is changed."""
    blocked = item.stage is not None and item.stage.block_entry_form
    completed = item.old is not None and item.old.status == item.row.status == "COMPLETED"
    return [(item.row.uid,)] if blocked and completed else ()


def may_assign(item: EventItem, world: World) -> Found:
    """E1120: the stage allows an assigned user."""
    given = item.change.fields.get("assignedUser")
    return [(item.stage.uid,)] if given and item.stage and not item.stage.user_assignment else ()


def assignee_exists(item: EventItem, world: World) -> Found:
    """E1118: the assigned user is an account."""
    given = item.change.fields.get("assignedUser")
    missing = given and given not in world.usernames
    return [(str(given),)] if missing else ()


def has_feature_type(item: EventItem, world: World) -> Found:
    """E1074: a geometry needs a stage that has one."""
    return [()] if item.change.fields.get("geometry") and item.stage and item.stage.feature_type == "NONE" else ()


def fits_feature_type(item: EventItem, world: World) -> Found:
    """E1012: a geometry is of the stage's feature type."""
    geometry, stage = item.change.fields.get("geometry"), item.stage
    if not geometry or stage is None or stage.feature_type == "NONE" or fits(geometry, stage.feature_type):
        return ()
    return [(stage.feature_type,)]


def elements_known(item: EventItem, world: World) -> Found:
    """E1304: every data element exists."""
    known, given = world.metadata.data_elements, item.change.data
    return () if given.keys() <= known.keys() else [(uid,) for uid in given if uid not in known]


def elements_of_stage(item: EventItem, world: World) -> Found:
    """E1305: every data element is one of the stage's."""
    if item.stage is None or item.change.data.keys() <= item.stage.elements.keys():
        return ()
    stage, known = item.stage, world.metadata.data_elements
    return [(uid, stage.uid) for uid in item.change.data if uid not in stage.elements and uid in known]


def values_valid(item: EventItem, world: World) -> Found:
    """E1302: a value is of its data element's value type."""
    known = world.metadata.data_elements
    return [
        (uid, f"Value `{value}` is not a valid {element.value_type}")
        for uid, value in _changed(item)
        if (element := known.get(uid)) and not accepts(element.value_type, value, world)
    ]


def files_free(item: EventItem, world: World) -> Found:
    """E1009: a file belongs to no other value, neither stored nor in this import (the first one has it)."""
    own = item.row.uid
    if not world.files:
        return ()
    return [
        (value,)
        for uid, value in item.change.data.items()
        if value in world.files and world.claimed.setdefault(value, (own, uid)) != (own, uid)
    ]


def _changed(item: EventItem) -> Iterable[tuple[str, str]]:
    """Yield the values that differ from the stored ones: what is sent back as it is stays, whatever it was then."""
    if item.old is None:
        return [(uid, value) for uid, value in item.change.data.items() if value]
    stored = item.old.data
    return ((uid, value) for uid, value in item.change.data.items() if value and stored.get(uid) != value)


def values_of_options(item: EventItem, world: World) -> Found:
    """E1125: a value of an option set is one of its codes."""
    known = world.metadata.data_elements
    if world.metadata.with_options.isdisjoint(item.change.data):
        return ()
    return [
        (value, options.uid)
        for uid, value in _changed(item)
        if (element := known.get(uid))
        and (options := element.option_set)
        and not in_options(element.value_type, options.options, value)
    ]


def has_compulsory(item: EventItem, world: World) -> Found:
    """E1303: a completed event has every compulsory value; an active one too where the stage says so."""
    if not (stage := item.stage) or not _demands(item):
        return ()
    given, held = item.change.data, item.row.data
    compulsory = (uid for uid, place in stage.elements.items() if place.compulsory)
    return [(uid,) for uid in compulsory if uid not in held and uid not in given]


def keeps_compulsory(item: EventItem, world: World) -> Found:
    """E1076: where compulsory values are demanded, none is cleared."""
    if not (stage := item.stage) or not _demands(item):
        return ()
    cleared = (uid for uid, value in item.change.data.items() if not value)
    return [("DataElement", uid) for uid in cleared if uid in stage.elements and stage.elements[uid].compulsory]


def _demands(item: EventItem) -> bool:
    status = item.row.status
    return status == "COMPLETED" or (status in HAPPENED and item.stage is not None and item.stage.validate_always)
