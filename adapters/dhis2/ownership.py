"""Handing a person's program over to another org unit, and breaking the glass (Web API 2.42, "Access control")."""

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.lists import uid
from adapters.dhis2.webmessage import web_message
from tracker_core import access as rights
from tracker_core import history
from tracker_core.database import Session
from tracker_core.errors import Forbidden, Malformed, NotFound
from tracker_core.metadata import Metadata, OrgUnit, Program
from tracker_core.tracker import ownership
from tracker_core.tracker.lookup import Subject, find_entity
from tracker_core.tracker.visibility import Sight, captured, sight_of

_KEPT = "Tracked entity not transferred."
_REFUSED = "Temporary ownership not created."


def transfer(access: Access, call: Call) -> Reply:
    """Make another org unit the owner of a tracked entity within a program."""
    wanted, program_uid, entity_uid = _unit(call), _needed(call, "program"), _needed(call, "trackedEntity")
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        program, entity = _program(sight.known, program_uid), _entity(session, entity_uid)
        unit = sight.known.org_units.get(wanted)
        if unit is None:
            raise NotFound(f"{_KEPT} Org unit supplied does not exist.")
        _check_new_owner(session, sight, program, entity, unit)
        context = history.open_change_set(session, actor=call.user.username)
        ownership.transfer(session, context, sight.known, (entity.pk, program.pk), unit.pk)
    return Reply(web_message(200, "Ownership transferred"))


def _check_new_owner(session: Session, sight: Sight, program: Program, entity: Subject, unit: OrgUnit) -> None:
    owner = ownership.owners(session, [entity.pk]).get((entity.pk, program.pk))
    pair = f"the tracked entity {entity.uid} and program {program.uid}"
    if owner is None:
        raise Malformed(f"{_KEPT} No owner found for the combination of {pair}")
    if not captured(session, sight, program, [entity.pk]):
        reason = ownership.DENIED.get(program.access_level, "")
        text = "User does not have access to change ownership for the entity-program combination"
        raise Forbidden(f"{_KEPT} {text} {reason}".strip())
    if unit.uid not in program.org_units:
        raise Forbidden(f"{_KEPT} The program {program.uid} is not associated to the org unit {unit.uid}")
    if owner == unit.pk:
        raise Malformed(f"{_KEPT} The owner of {pair} is already {unit.uid}")


def override(access: Access, call: Call) -> Reply:
    """Give the caller access to one tracked entity of a PROTECTED program for three hours, with a reason, logged."""
    program_uid, entity_uid = _needed(call, "program"), _needed(call, "trackedEntity")
    reason = call.given.get("reason", "").strip()
    if not reason:
        raise Malformed("Required request parameter 'reason' is not present")
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        program, entity = _program(sight.known, program_uid), _entity(session, entity_uid)
        _check_glass(sight, program, entity)
        owner = ownership.owners(session, [entity.pk]).get((entity.pk, program.pk), entity.org_unit)
        _check_breaker(sight, owner)
        context = history.open_change_set(session, actor=call.user.username)
        ownership.grant(session, context, (entity.pk, program.pk), reason)
    return Reply(web_message(200, "Temporary Ownership granted"))


def _check_glass(sight: Sight, program: Program, entity: Subject) -> None:
    """Refuse where there is no glass to break: the caller may not read such entities, or the program has none."""
    type = sight.known.uids[entity.type]
    if entity.type not in sight.reads("trackedEntityTypes"):
        raise Forbidden(f"{_REFUSED} User has no data read access to tracked entity type: {type}")
    if program.access_level != "PROTECTED":
        raise Forbidden(
            f"{_REFUSED} Temporary ownership can only be granted to protected programs."
            f" {program.uid} access level is {program.access_level}."
        )
    if program.entity_type is None or program.entity_type.uid != type:
        raise Forbidden(
            f"{_REFUSED} The tracked entity type of the program {program.uid} differs from that of the tracked entity,"
            f" which is {type}."
        )


def _check_breaker(sight: Sight, owner: int) -> None:
    if sight.actor.superuser:
        raise Forbidden(f"{_REFUSED} Current user is a superuser.")
    unit = sight.known.org_units[sight.known.uids[owner]]
    if not rights.in_scope(sight.actor, "search", unit.path):
        raise Forbidden(f"{_REFUSED} The owner of the entity-program combination is not in the user's search scope.")


def _needed(call: Call, name: str) -> str:
    text = uid(call.given, name)
    if not text:
        raise Malformed(f"Required request parameter '{name}' is not present")
    return text


def _unit(call: Call) -> str:
    """Return the org unit asked for; its older parameter is `ou`."""
    old, new = uid(call.given, "ou"), uid(call.given, "orgUnit")
    if old and new:
        raise Malformed("Only one parameter of 'ou' and 'orgUnit' must be specified. Prefer 'orgUnit' as 'ou' is old")
    if not (old or new):
        raise Malformed("Required request parameter 'orgUnit' is not present")
    return old or new


def _program(known: Metadata, wanted: str) -> Program:
    found = known.programs.get(wanted)
    if found is None:
        raise NotFound(f"Program with id {wanted} could not be found.")
    if not found.registration:
        raise Malformed(f"Provided program, {wanted}, is not a tracker program.")
    return found


def _entity(session: Session, wanted: str) -> Subject:
    found = find_entity(session, wanted)
    if found is None:
        raise NotFound(f"TrackedEntity with id {wanted} could not be found.")
    return found


ROUTES: Routes = (
    ("PUT", "/tracker/ownership/transfer", transfer),
    ("POST", "/tracker/ownership/override", override),
)
