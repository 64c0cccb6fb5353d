"""`GET /api/metadata`: everything, or the types asked for, as the caller sees it (Web API 2.42, "Export")."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.exports.formats import form_of, send
from adapters.dhis2.objects.listing import matching
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import View, rendered
from adapters.dhis2.parameters import flag
from adapters.dhis2.system import VERSION
from adapters.dhis2.webmessage import encode
from tracker_core.database import Session
from tracker_core.metadata import schema

_FIELDS = ":owner"
_SHARING = "!sharing,!publicAccess,!externalAccess,!userAccesses,!userGroupAccesses,!user"
_NARROWED = ("filter", "order")
# Not metadata that is passed on: what was written, uploaded, or runs here.
_LEFT_OUT = ("fileResources", "messageConversations", "interpretations", "apiTokens", "icons", "metadataVersions")


def export_metadata(access: Access, call: Call) -> Reply:
    """Export types with `<type>=true`, else all; each by its own or the common `fields`, `filter` and `order`.

    `skipSharing` leaves out who may see it, `download` and a suffix (`.json.gz`, `.json.zip`) make it a file.
    """
    asked = _asked(call)
    with access.session() as session:
        view = open_view(session, call)
        found = {name: _collection(session, view, call, name) for name in asked or _every()}
    document = {"system": _system(), **{name: docs for name, docs in found.items() if docs}}
    form = form_of(call)
    if form.packed or flag(call.given, "download", default=False):
        return send(call, "metadata", form, lambda: encode(document))
    return Reply(document)


def _asked(call: Call) -> list[str]:
    """Return the types chosen: by `<type>=true`, or because a parameter is about them."""
    named = {name.partition(":")[0]: value for name, value in call.pairs}
    return [name for name in named if name in schema.TYPES and (named[name].lower() == "true" or _is_about(call, name))]


def _is_about(call: Call, collection: str) -> bool:
    return any(name.startswith(f"{collection}:") for name, _ in call.pairs)


def _every() -> Iterator[str]:
    return (name for name, type in schema.TYPES.items() if not type.within and name not in _LEFT_OUT)


def _collection(session: Session, view: View, call: Call, collection: str) -> list[Any]:
    own = {name.partition(":")[2]: value for name, value in call.pairs if name.startswith(f"{collection}:")}
    fields = own.get("fields") or call.given.get("fields") or _FIELDS
    if flag(call.given, "skipSharing", default=False):
        fields = f"{fields},{_SHARING}"
    narrowed = replace(call, pairs=tuple(_narrowing(call, collection)))
    docs = matching(session, view, narrowed, collection)
    return rendered(session, view, selection(collection, fields), docs)


def _narrowing(call: Call, collection: str) -> Iterator[tuple[str, str]]:
    """Yield the filters and orders of one type, its own before the common ones; `rootJunction` is not read."""
    for name in _NARROWED:
        own = [value for key, value in call.pairs if key == f"{collection}:{name}"]
        common = [value for key, value in call.pairs if key == name]
        for value in own or common:
            yield name, value


def _system() -> dict[str, Any]:
    return {"version": VERSION, "date": datetime.now(UTC)}
