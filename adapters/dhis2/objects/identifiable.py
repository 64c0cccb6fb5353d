"""`GET /api/identifiableObjects/{uid}`: whatever object has this id."""

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.candidates import find
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import rendered
from tracker_core.errors import NotFound
from tracker_core.metadata.schema import TYPES

_FIELDS = ":all"


def read_any(access: Access, call: Call) -> Reply:
    """The object of any type that has the id, whole unless `fields` says less. Raises `NotFound`."""
    uid, fields = call.captured["uid"], call.given.get("fields") or _FIELDS
    with access.session() as session:
        view = open_view(session, call)
        found = [(name, doc) for name in TYPES if (doc := find(view, name, uid)) is not None]
        if not found and view.fetch(session):
            found = [(name, doc) for name in TYPES if (doc := find(view, name, uid)) is not None]
        if not found:
            raise NotFound(f"IdentifiableObject with id {uid} could not be found.")
        collection, doc = found[0]
        show = selection(collection, fields)
        return answer(view, call, lambda: rendered(session, view, show, [doc])[0])
