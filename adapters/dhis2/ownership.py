"""Handing a person's program over to another org unit, and breaking the glass (Web API 2.42, "Access control")."""

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.lists import uid
from adapters.dhis2.webmessage import web_message
from tracker_core import history, metadata
from tracker_core.database import Session
from tracker_core.errors import Forbidden, Malformed, NotFound
from tracker_core.metadata import Metadata, Program
from tracker_core.tracker import ownership
from tracker_core.tracker.lookup import Subject, find_entity


def transfer(access: Access, call: Call) -> Reply:
    """Make another org unit the owner of a tracked entity within a program."""
    wanted, program_uid, entity_uid = _unit(call), _needed(call, "program"), _needed(call, "trackedEntity")
    with access.session() as session:
        known = metadata.load(session)
        program, entity = _program(known, program_uid), _entity(session, entity_uid)
        unit = known.org_units.get(wanted)
        if unit is None:
            raise NotFound("Tracked entity not transferred. Org unit supplied does not exist.")
        if unit.uid not in program.org_units:
            raise Forbidden(
                "Tracked entity not transferred."
                f" The program {program.uid} is not associated to the org unit {unit.uid}"
            )
        owner = ownership.owners(session, [entity.pk]).get((entity.pk, program.pk))
        pair = f"the tracked entity {entity.uid} and program {program.uid}"
        if owner is None:
            raise Malformed(f"Tracked entity not transferred. No owner found for the combination of {pair}")
        if owner == unit.pk:
            raise Malformed(f"Tracked entity not transferred. The owner of {pair} is already {unit.uid}")
        context = history.open_change_set(session, actor=call.user.username)
        ownership.transfer(session, context, entity.pk, program.pk, unit.pk)
    return Reply(web_message(200, "Ownership transferred"))


def override(access: Access, call: Call) -> Reply:
    """Give the caller access to one tracked entity of a PROTECTED program for three hours, with a reason, logged."""
    program_uid, entity_uid = _needed(call, "program"), _needed(call, "trackedEntity")
    reason = call.given.get("reason", "").strip()
    if not reason:
        raise Malformed("Required request parameter 'reason' is not present")
    with access.session() as session:
        known = metadata.load(session)
        program, entity = _program(known, program_uid), _entity(session, entity_uid)
        _check_protected(known, program, entity)
        if "ALL" in call.user.authorities:
            raise Forbidden("Temporary ownership not created. Current user is a superuser.")
        context = history.open_change_set(session, actor=call.user.username)
        ownership.grant(session, context, (entity.pk, program.pk), reason)
    return Reply(web_message(200, "Temporary Ownership granted"))


def _check_protected(known: Metadata, program: Program, entity: Subject) -> None:
    if program.access_level != "PROTECTED":
        raise Forbidden(
            "Temporary ownership not created. Temporary ownership can only be granted to protected programs."
            f" {program.uid} access level is {program.access_level}."
        )
    if program.entity_type is None or program.entity_type.pk != entity.type:
        raise Forbidden(
            "Temporary ownership not created. The tracked entity type of the program"
            f" {program.uid} differs from that of the tracked entity, which is {known.uids[entity.type]}."
        )


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
