"""`/api/<type>/gist`: flat lists for browsing, in which collections are a size, ids, or only an address."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.fields import ALL, STORED, Field, Transformer, parse_fields
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.listing import enveloped, matching, read_page
from adapters.dhis2.objects.members import collection_of
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.properties import reference_reader
from adapters.dhis2.objects.reading import wanted
from adapters.dhis2.objects.selection import compile_fields
from adapters.dhis2.objects.view import Document, Show, View, rendered
from adapters.dhis2.parameters import choice, flag
from tracker_core.metadata.schema import TYPES, Property, Type

# How much of a collection is shown when the fields do not say: nothing but its address, its size, its ids.
_AUTO: dict[str, str] = {"S": "", "XS": "", "M": "size", "L": "ids", "XL": "id-objects"}
_FLAT = ("text", "boolean", "integer", "number", "date", "datetime", "enum", "color", "email", "url", "phone")
_UNSHOWN = ("href", "favorite", "access", "sharing", "externalAccess", "publicAccess")


def list_gist(access: Access, call: Call) -> Reply:
    """One page of a type."""
    collection = call.captured["type"]
    with access.session() as session:
        view = open_view(session, call)

        def body() -> Any:
            return _page(call, view, collection, matching(session, view, call, collection), session)

        return answer(view, call, body)


def read_gist(access: Access, call: Call) -> Reply:
    """One object."""
    collection = call.captured["type"]
    show = _shown(call, collection, auto="M")
    with access.session() as session:
        view = open_view(session, call)
        found = wanted(session, view, collection, call.captured["uid"])
        return answer(view, call, lambda: rendered(session, view, show, [found])[0])


def list_gist_items(access: Access, call: Call) -> Reply:
    """One page of the objects that a collection of an object holds."""
    type, found = collection_of(call)
    with access.session() as session:
        view = open_view(session, call)
        doc = wanted(session, view, type.collection, call.captured["uid"])

        def body() -> Any:
            items = rendered(session, view, reference_reader(type, found, None), [doc])[0]
            uids = [item["id"] for item in items]
            return _page(call, view, found.target, matching(session, view, call, found.target, uids), session)

        return answer(view, call, body)


def _page(call: Call, view: View, collection: str, docs: Sequence[Document], session: Any) -> Any:
    page = read_page(call)
    items = rendered(session, view, _shown(call, collection, auto="S"), page.cut(docs))
    if flag(call.given, "headless", default=False):
        return items
    body = enveloped(collection, items, page, call, len(docs))
    if "pager" in body and not any(flag(call.given, name, default=False) for name in ("total", "totalPages")):
        body["pager"] = {key: value for key, value in body["pager"].items() if key not in ("total", "pageCount")}
    return body


def _shown(call: Call, collection: str, *, auto: str) -> Show:
    chosen = choice({"auto": call.given.get("auto") or auto}, "auto", {name: name for name in _AUTO})
    return _compiled(collection, call.given.get("fields") or "*", _AUTO[chosen])


@lru_cache(maxsize=512)
def _compiled(collection: str, text: str, auto: str) -> Show:
    """Return what shows an object flat, with the addresses of its collections under `apiEndpoints`."""
    type = TYPES[collection]
    asked = parse_fields(text)
    entries = [replaced for entry in asked for replaced in _spread(type, entry, auto)]
    show = compile_fields(type, tuple(entries))
    excluded = {entry.name for entry in asked if entry.excluded}
    spread = any(entry.name in (*ALL, *STORED) for entry in asked if not entry.excluded)
    named = {entry.name for entry in asked}
    lists = [p.name for p in _collections(type) if p.name not in excluded and (spread or p.name in named)]

    def flat(view: View, doc: Document) -> dict[str, Any]:
        shown: dict[str, Any] = show(view, doc)
        if lists:
            base = f"/{collection}/{doc['id']}"
            shown["apiEndpoints"] = {name: f"{base}/{name}/gist" for name in lists}
        return shown

    return flat


def _collections(type: Type) -> list[Property]:
    return [found for found in type.properties.values() if found.kind == "refs"]


def _spread(type: Type, entry: Field, auto: str) -> list[Field]:
    """Return the flat entries that one entry stands for."""
    if not entry.excluded and entry.name in (*ALL, *STORED):
        listed = [p for p in type.properties.values() if p.name not in _UNSHOWN]
        flat = [Field(p.name) for p in listed if p.kind in _FLAT and not p.name.startswith("display")]
        return [
            *flat,
            *(_flat(type, Field(p.name), auto) for p in listed if p.kind == "ref" or (auto and p.kind == "refs")),
        ]
    return [_flat(type, entry, auto or "size")]


def _flat(type: Type, entry: Field, auto: str) -> Field:
    """Return an entry that shows a reference as its id, and a collection as `auto` says unless it says it itself."""
    found = type.properties.get(entry.name)
    if found is None or entry.excluded or entry.inner is not None or entry.transformers:
        return entry
    if found.kind == "refs":
        return replace(entry, transformers=(Transformer(auto, ()),))
    return replace(entry, transformers=(Transformer("id", ()),)) if found.kind == "ref" else entry


_ONE = "/{type:dhis2type}/{uid}"
ROUTES: Routes = (
    ("GET", "/{type:dhis2type}/gist", list_gist),
    ("GET", f"{_ONE}/gist", read_gist),
    ("GET", f"{_ONE}/{{property}}/gist", list_gist_items),
)
