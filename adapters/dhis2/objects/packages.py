"""Objects with all that they need elsewhere: `/api/programs/{uid}/metadata` and `/api/metadata/dependencies`."""

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.reading import wanted
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import View, rendered
from adapters.dhis2.system import VERSION
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.metadata.dependencies import dependencies
from tracker_core.metadata.schema import TYPES

_FIELDS = ":owner"


def read_package(access: Access, call: Call) -> Reply:
    """An object with what it needs, as a payload of `/api/metadata`."""
    return _answer(access, call, [(call.captured["type"], call.captured["uid"])])


def read_dependencies(access: Access, call: Call) -> Reply:
    """The objects named (`programs=uid,uid`) with what they need, as a payload of `/api/metadata`."""
    named = [(name, uid) for name, value in call.pairs if name in TYPES for uid in value.split(",") if uid]
    if not named:
        raise Malformed("name the objects whose dependencies are wanted: programs=uid,uid")
    return _answer(access, call, named)


def _answer(access: Access, call: Call, named: list[tuple[str, str]]) -> Reply:
    fields = call.given.get("fields") or _FIELDS
    with access.session() as session:
        view = open_view(session, call)
        for collection, uid in named:
            wanted(session, view, collection, uid)
        return answer(view, call, lambda: _package(session, view, named, fields))


def _package(session: Session, view: View, named: list[tuple[str, str]], fields: str) -> dict[str, object]:
    found = dependencies(view.known, named)
    shown = {name: rendered(session, view, selection(name, fields), docs) for name, docs in found.items()}
    return {"system": {"version": VERSION}, **shown}


ROUTES: Routes = (
    ("GET", "/metadata/dependencies", read_dependencies),
    ("GET", "/{type:dhis2type}/{uid}/metadata", read_package),
)
