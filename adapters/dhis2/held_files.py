"""The files that attributes and data values hold, reached through their tracked entity or event."""

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.files import DIMENSIONS, deliver
from adapters.dhis2.lists import uid
from adapters.dhis2.parameters import choice
from tracker_core import files
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed, NotFound
from tracker_core.tracker.lookup import attribute_of, data_value_of, find_pk
from tracker_core.tracker.visibility import Kind, Sight, captured, sight_of, visible

_NAMES = {"trackedEntity": "TrackedEntity", "event": "Event"}


def event_file(access: Access, call: Call) -> Reply:
    """The file that a data value names."""
    return _from_event(access, call, ("FILE_RESOURCE", "IMAGE"))


def event_image(access: Access, call: Call) -> Reply:
    """The picture that a data value names; every `dimension` gives the one that was uploaded."""
    return _from_event(access, call, ("IMAGE",))


def entity_file(access: Access, call: Call) -> Reply:
    """The file that an attribute names."""
    return _from_entity(access, call, ("FILE_RESOURCE", "IMAGE"))


def entity_image(access: Access, call: Call) -> Reply:
    """The picture that an attribute names; every `dimension` gives the one that was uploaded."""
    return _from_entity(access, call, ("IMAGE",))


def _from_event(access: Access, call: Call, types: tuple[str, ...]) -> Reply:
    owner, field = _asked(call, types)
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        element = sight.known.data_elements.get(field)
        pk = _visible(session, sight, "event", owner)
        if element is None:
            raise NotFound(f"DataElement with id {field} could not be found.")
        _check_type(field, element.value_type, types)
        held = data_value_of(session, pk, field)
        return _deliver(access, call, session, held, f"{owner} and data element {field}")


def _from_entity(access: Access, call: Call, types: tuple[str, ...]) -> Reply:
    owner, field = _asked(call, types)
    within = uid(call.given, "program")
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        attribute, program = sight.known.attributes.get(field), sight.known.programs.get(within)
        if within and program is None:
            raise NotFound(f"Program with id {within} could not be found.")
        pk = _visible(session, sight, "trackedEntity", owner)
        if program is not None and not captured(session, sight, program, [pk]):
            raise NotFound(f"TrackedEntity with id {owner} could not be found.")
        if attribute is None:
            raise NotFound(f"TrackedEntityAttribute with id {field} could not be found.")
        _check_type(field, attribute.value_type, types)
        held = attribute_of(session, pk, attribute.pk)
        return _deliver(access, call, session, held, f"{owner} and attribute {field}")


def _asked(call: Call, types: tuple[str, ...]) -> tuple[str, str]:
    """Return the owner and the field that the path names."""
    if "FILE_RESOURCE" in types and "dimension" in call.given:
        raise Malformed("Request parameter 'dimension' is only supported for images")
    choice(call.given, "dimension", DIMENSIONS)
    return uid(call.captured, "uid"), uid(call.captured, "field")


def _visible(session: Session, sight: Sight, kind: Kind, wanted: str) -> int:
    pk = find_pk(session, kind, wanted)
    if pk is None or not visible(session, sight, kind, [pk]):
        raise NotFound(f"{_NAMES[kind]} with id {wanted} could not be found.")
    return pk


def _check_type(field: str, value_type: str, types: tuple[str, ...]) -> None:
    if value_type not in types:
        raise Conflict(f"The value type of {field} is {value_type}, which is not one of {', '.join(types)}")


def _deliver(access: Access, call: Call, session: Session, held: str | None, what: str) -> Reply:
    found = files.find(session, held) if held else None
    if found is None:
        raise NotFound(f"There is no file for {what}")
    return deliver(access, call, found)


ROUTES: Routes = (
    ("GET", "/tracker/events/{uid}/dataValues/{field}/file", event_file),
    ("GET", "/tracker/events/{uid}/dataValues/{field}/image", event_image),
    ("GET", "/tracker/trackedEntities/{uid}/attributes/{field}/file", entity_file),
    ("GET", "/tracker/trackedEntities/{uid}/attributes/{field}/image", entity_image),
)
