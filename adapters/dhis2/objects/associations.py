"""`GET /api/programs/orgUnits` and its like: where each object is used, in one answer for many of them."""

from collections.abc import Callable

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes, Serve
from adapters.dhis2.objects.candidates import candidates
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.view import View
from tracker_core.errors import Malformed
from tracker_core.metadata.compiling import reference

_ASSIGNED = ("programs", "categoryOptions", "dataSets")


def _list_org_units(collection: str) -> Serve:
    """Return what answers `?programs=uid,uid` with the org units of each; an empty list is everywhere."""

    def serve(access: Access, call: Call) -> Reply:
        uids = [uid for uid in call.given.get(collection, "").replace(";", ",").split(",") if uid]
        if not uids:
            raise Malformed(f"At least one {collection} UID must be specified")
        with access.session() as session:
            view = open_view(session, call)
            return answer(view, call, _units(view, collection, uids))

    return serve


def _units(view: View, collection: str, uids: list[str]) -> Callable[[], dict[str, list[str]]]:
    def body() -> dict[str, list[str]]:
        docs = candidates(view, collection, dict.fromkeys(uids))
        return {str(doc["id"]): [reference(unit) for unit in doc.get("organisationUnits") or ()] for doc in docs}

    return body


ROUTES: Routes = tuple(("GET", f"/{collection}/orgUnits", _list_org_units(collection)) for collection in _ASSIGNED)
