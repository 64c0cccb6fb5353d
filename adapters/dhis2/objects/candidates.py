"""Which objects of a collection a caller sees, before filters: all that sharing shows, or only those named."""

from collections.abc import Iterable, Iterator, Sequence

from adapters.dhis2.objects.view import UNITS, USERS, Document, View
from tracker_core.access import metadata_readable
from tracker_core.metadata.schema import TYPES


def candidates(view: View, collection: str, uids: Iterable[str] | None = None) -> list[Document]:
    """Return the documents of a collection in the order of their names, or those of `uids` among them."""
    found = _every(view, collection) if uids is None else _named(view, collection, uids)
    if view.actor.superuser or not TYPES[collection].shareable:
        return list(found)
    return [doc for doc in found if metadata_readable(view.actor, doc)]


def find(view: View, collection: str, uid: str) -> Document | None:
    """Return one object that the caller sees."""
    return next(iter(candidates(view, collection, [uid])), None)


def _every(view: View, collection: str) -> Iterable[Document]:
    if collection == UNITS:
        return view.indexes.units
    return _sorted(view.everything(USERS)) if collection == USERS else view.indexes.documents(collection)


def _named(view: View, collection: str, uids: Iterable[str]) -> Iterable[Document]:
    return _sorted(_found(view, collection, uids))


def _found(view: View, collection: str, uids: Iterable[str]) -> Iterator[Document]:
    for uid in uids:
        doc = view.find(collection, uid)
        if doc is not None:
            yield doc


def _sorted(docs: Iterable[Document]) -> Sequence[Document]:
    return sorted(docs, key=lambda doc: (str(doc.get("name") or "").casefold(), str(doc["id"])))
