"""`GET /api/<type>`: filtered, ordered, paged lists (Web API 2.42, "Common list parameters")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.candidates import candidates
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.filters import Predicate, parse_filter, passing
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.ordering import ordered, parse_order
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import Document, View, rendered
from adapters.dhis2.parameters import choice, flag
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.metadata.defaults import DEFAULTED

DEFAULT_FIELDS = "id,displayName"
_PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """The page asked for: `number` 0 is everything (`paging=false`)."""

    number: int
    size: int

    def cut(self, items: Sequence[Document]) -> Sequence[Document]:
        """Return the items of this page."""
        return items[(self.number - 1) * self.size :][: self.size] if self.number else items


def list_objects(access: Access, call: Call) -> Reply:
    """One page of the objects of a type that the caller sees; an empty one is no error."""
    collection = call.captured["type"]
    show = selection(collection, call.given.get("fields") or DEFAULT_FIELDS)
    page = read_page(call)
    with access.session() as session:
        view = open_view(session, call)

        def body() -> dict[str, Any]:
            found = matching(session, view, call, collection)
            return enveloped(collection, rendered(session, view, show, page.cut(found)), page, call, len(found))

        return answer(view, call, body)


def matching(
    session: Session, view: View, call: Call, collection: str, uids: Iterable[str] | None = None
) -> Sequence[Document]:
    """Return the objects of a collection, or those of `uids`, that the call's parameters ask for, in its order."""
    filters = [parse_filter(collection, text) for name, text in call.pairs if name == "filter"]
    orders = [each for name, text in call.pairs if name == "order" for each in parse_order(collection, text)]
    any_of = choice(call.given, "rootJunction", {"AND": False, "OR": True})
    if uids is None and not any_of:
        uids = next((each.uids for each in filters if each.uids is not None), None)
    passes = passing(filters, any_of=any_of) if filters else None
    sought = call.given.get("query", "").strip().casefold()
    while True:
        found = _matching(view, candidates(view, collection, uids), passes, sought)
        found = ordered(view, found, orders) if orders else found
        if not view.fetch(session):
            break
    if view.skip_defaults and collection in DEFAULTED:
        return [doc for doc in found if doc.get("name") != "default"]
    return found


def _matching(view: View, docs: Sequence[Document], passes: Predicate | None, sought: str) -> Sequence[Document]:
    if sought:
        docs = [doc for doc in docs if _is_sought(doc, sought)]
    return docs if passes is None else [doc for doc in docs if passes(view, doc)]


def _is_sought(doc: Document, sought: str) -> bool:
    """`query` finds a part of the name or code, or the id."""
    if str(doc["id"]).casefold() == sought:
        return True
    return any(sought in str(doc.get(name) or "").casefold() for name in ("name", "code"))


def read_page(call: Call) -> Page:
    """Read `paging`, `page` and `pageSize`. Raises `Malformed` for what is no number from 1 on."""
    size = _positive(call, "pageSize", _PAGE_SIZE)
    number = _positive(call, "page", 1)
    return Page(number if flag(call.given, "paging", default=True) else 0, size)


def _positive(call: Call, name: str, default: int) -> int:
    text = call.given.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. It must be a number from 1 on")
    return int(text)


def enveloped(name: str, items: list[Any], page: Page, call: Call, total: int) -> dict[str, Any]:
    """Return a page under its key, with a pager that names the next page while there is one."""
    if not page.number:
        return {name: items}
    count = max(-(-total // page.size), 1)
    pager: dict[str, Any] = {"page": page.number, "total": total, "pageSize": page.size, "pageCount": count}
    if page.number < count:
        pager["nextPage"] = _link(call, page.number + 1)
    if page.number > 1:
        pager["prevPage"] = _link(call, page.number - 1)
    return {"pager": pager, name: items}


def _link(call: Call, number: int) -> str:
    kept = [(name, value) for name, value in call.pairs if name != "page"]
    return f"{call.url}?{urlencode([*kept, ('page', str(number))])}"
