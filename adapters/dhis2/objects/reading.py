"""`GET /api/<type>/{uid}` and `GET /api/<type>/{uid}/{property}`."""

from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.candidates import find
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.translations import shown_property
from adapters.dhis2.objects.view import Document, View, rendered
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.metadata.schema import TYPES
from tracker_core.uids import is_uid

DEFAULT_FIELDS = ":all"


def read_object(access: Access, call: Call) -> Reply:
    """One object, whole unless `fields` says less."""
    return _read(access, call, call.given.get("fields") or DEFAULT_FIELDS)


def read_property(access: Access, call: Call) -> Reply:
    """One property of an object, under its name; `fields` chooses from the objects it leads to."""
    type, name = TYPES[call.captured["type"]], call.captured["property"]
    described = type.properties.get(name)
    if described is None and not shown_property(name) and not is_uid(name):
        raise NotFound(f"Property {name} does not exist on {type.name}")
    inner = call.given.get("fields") or DEFAULT_FIELDS
    leads_on = described is not None and bool(described.target)
    return _read(access, call, f"{name}[{inner}]" if leads_on else name)


def _read(access: Access, call: Call, fields: str) -> Reply:
    collection, uid = call.captured["type"], call.captured["uid"]
    show = selection(collection, fields)
    with access.session() as session:
        view = open_view(session, call)
        found = wanted(session, view, collection, uid)

        def body() -> Any:
            return rendered(session, view, show, [found])[0]

        return answer(view, call, body)


def wanted(session: Session, view: View, collection: str, uid: str) -> Document:
    """Return an object that the caller sees. Raises `NotFound`."""
    found = find(view, collection, uid)
    if found is None and view.fetch(session):
        found = find(view, collection, uid)
    if found is None:
        raise NotFound(f"{TYPES[collection].name} with id {uid} could not be found.")
    return found
