"""`order=name:asc,sortOrder:idesc` over metadata objects."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from adapters.dhis2.objects.fetching import fetching_reader
from adapters.dhis2.objects.values import sort_key
from adapters.dhis2.objects.view import Document, Show, View
from tracker_core.errors import Conflict
from tracker_core.metadata.schema import TYPES

Order = tuple[Show, str]

_DIRECTIONS = ("asc", "desc", "iasc", "idesc")
_UNORDERED = ("ref", "refs", "part", "parts", "json", "geometry")


@lru_cache(maxsize=512)
def parse_order(collection: str, text: str) -> tuple[Order, ...]:
    """Read an `order` parameter; properties that have no order are ignored, as DHIS2 does.

    Raises `Conflict` (E7653) for an unknown direction.
    """
    type, found = TYPES[collection], []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, direction = part.partition(":")
        direction = direction.lower() or "asc"
        if direction not in _DIRECTIONS:
            raise Conflict(f"E7653 Illegal order `{part}`: unknown direction `{direction}`")
        described = type.properties.get(name)
        if described is not None and described.kind not in _UNORDERED:
            found.append((fetching_reader(type, name), direction))
    return tuple(found)


def ordered(view: View, docs: Sequence[Document], orders: Sequence[Order]) -> list[Document]:
    """Return `docs` in the order asked for, equal ones as they were; what has no value is last, or first downwards."""
    found = list(docs)
    for read, direction in reversed(orders):
        found.sort(key=_key(view, read, folded=direction.startswith("i")), reverse=direction.endswith("desc"))
    return found


def _key(view: View, read: Show, *, folded: bool) -> Callable[[Document], Any]:
    return lambda doc: sort_key(read(view, doc), folded=folded)
