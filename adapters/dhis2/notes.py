"""`POST …/note`: one note on an enrollment or event (Web API 2.42, "Notes")."""

from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.lists import uid
from tracker_core import history
from tracker_core.errors import Forbidden, Malformed, NotFound
from tracker_core.tracker.lookup import find_pk
from tracker_core.tracker.notes import Noted, add_note
from tracker_core.tracker.provenance import user_of
from tracker_core.tracker.visibility import sight_of, visible

_NAMES = {"enrollment": "Enrollment", "event": "Event"}


def add_to_enrollment(access: Access, call: Call) -> Reply:
    """Add a note to an enrollment."""
    return _add(access, call, "enrollment")


def add_to_event(access: Access, call: Call) -> Reply:
    """Add a note to an event."""
    return _add(access, call, "event")


def _add(access: Access, call: Call, kind: Noted) -> Reply:
    owner = uid(call.captured, "uid")
    value, chosen = _read_note(read_object(call))
    with access.session() as session:
        pk = find_pk(session, kind, owner)
        if pk is None:
            raise NotFound(f"{_NAMES[kind]} with id {owner} could not be found.")
        if not visible(session, sight_of(session, call.user.username), kind, [pk]):
            raise Forbidden(f"User has no access to {_NAMES[kind]}: {owner}")
        context = history.open_change_set(session, actor=call.user.username)
        note = add_note(session, context, kind, pk, value, chosen)
        author = user_of(session, call.user.username)
    return Reply({**note, "storedAt": context.at, "createdBy": author})


def _read_note(body: dict[str, Any]) -> tuple[str, str]:
    """Return the text, and the uid that the caller chose for the note."""
    value = body.get("value")
    if not isinstance(value, str) or not value.strip():
        raise Malformed("Note cannot be empty")
    return value, uid({"note": str(body.get("note") or "")}, "note")


ROUTES: Routes = (
    ("POST", "/tracker/enrollments/{uid}/note", add_to_enrollment),
    ("POST", "/tracker/events/{uid}/note", add_to_event),
)
