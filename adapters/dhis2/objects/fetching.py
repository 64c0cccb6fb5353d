"""Org units, of which the snapshot knows only the tree: whatever reads more of one sees its whole document."""

from collections.abc import Iterable

from adapters.dhis2.objects.properties import raw_reader
from adapters.dhis2.objects.translations import shown_property
from adapters.dhis2.objects.view import UNITS, Document, Show, View
from tracker_core.metadata.schema import Type

# What the snapshot knows; and what, where nothing is translated, it shows.
_TREE = ("id", "name", "code", "path", "level", "leaf", "parent", "children", "ancestors")
_KNOWN = frozenset({*_TREE, "programs", "dataSets", "organisationUnitGroups", "href", "access"})
_DISPLAYED = frozenset({"displayName"})


def fetching(show: Show, names: Iterable[str]) -> Show:
    """Let `show`, which reads the properties `names` of an org unit, see the whole document where it has to."""
    asked = set(names)
    heavy = not asked <= _KNOWN | _DISPLAYED
    displays = any(shown_property(name) for name in asked)

    def fetched(view: View, doc: Document) -> object:
        if heavy or (displays and view.locale):
            doc = view.full(UNITS, str(doc.get("id"))) or doc
        return show(view, doc)

    return fetched


def fetching_reader(type: Type, name: str) -> Show:
    """Return how to read the property `name` as it is, of whatever type."""
    read = raw_reader(type, name)
    return fetching(read, [name]) if type.collection == UNITS else read
