"""What an expression works on: elements of a document with their types, and the plain values that are computed.

A collection is a list whose items are `Node`s, or values: `str`, `bool`, `int`, `Decimal`, `Moment`, `Quantity`.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import zip_longest
from typing import Any, TypeAlias

from tracker_core.fhirpath.moments import Moment, read_moment
from tracker_core.fhirpath.quantities import Quantity, read_quantity
from tracker_core.records import definitions

_TEMPORAL = frozenset({"date", "dateTime", "instant", "time"})
_LAST = (1 << 30, "", "")
QUANTITIES = frozenset({"Quantity", "SimpleQuantity", "MoneyQuantity", "Age", "Count", "Distance", "Duration"})


class Node:
    """One element: its JSON `value`, its FHIR type `kind` (a path for inner structures), and beside a primitive its
    `beside` (`_birthDate`). `parent` is the node it stands in under `name`, None for the resource itself."""

    __slots__ = ("beside", "kind", "name", "parent", "value")

    def __init__(self, value: Any, kind: str, beside: Any = None, parent: "Node | None" = None, name: str = "") -> None:
        """Take a parsed value; one that is a resource has the type it names."""
        self.name = name
        self.value = value
        self.kind = kind
        self.beside = beside
        self.parent = parent

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.kind!r})"

    def children(self, name: str) -> list["Node"]:
        """Return the elements called `name` in their order; a choice is called without its type."""
        held = self._object()
        if held is None:
            return []
        out: list[Node] = []
        known = members(self._structure())
        for key, kind in known.get(name, ()) if known else ((name, ""),):
            if key in held or "_" + key in held:
                out += _items(held.get(key), held.get("_" + key), kind, self, name)
        return out

    def every_child(self) -> Iterator["Node"]:
        """Yield every element in the order of the definition; elements that R4 does not have come last."""
        held = self._object()
        if not held:
            return
        known = places(self._structure())
        keys = {key.removeprefix("_") for key in held if key != "resourceType" or key in known}
        for key in sorted(keys, key=lambda key: known.get(key, _LAST)):
            _, name, kind = known.get(key, (0, key, ""))
            yield from _items(held.get(key), held.get("_" + key), kind, self, name)

    def _object(self) -> dict[str, Any] | None:
        if isinstance(self.value, dict):
            return self.value
        return self.beside if isinstance(self.beside, dict) else None

    def _structure(self) -> str:
        return self.kind if isinstance(self.value, dict) else "Element"

    def has_value(self) -> bool:
        """Tell whether it is a primitive that has a value, not extensions alone."""
        return self.value is not None and not isinstance(self.value, dict | list)


Value: TypeAlias = Node | str | bool | int | Decimal | Moment | Quantity


@cache
def members(structure: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the elements of a structure by name: (JSON key, type) of each, several for a choice."""
    found = definitions.elements(structure)
    out: dict[str, tuple[tuple[str, str], ...]] = {}
    for element in found.values():
        name = element.choice or element.name
        out[name] = (*out.get(name, ()), (element.name, element.kind))
    return out


@cache
def places(structure: str) -> dict[str, tuple[int, str, str]]:
    """Return the elements of a structure by JSON key: place in the definition, name, type."""
    found = definitions.elements(structure)
    return {one.name: (n, one.choice or one.name, one.kind) for n, one in enumerate(found.values())}


def root(document: dict[str, Any]) -> Node:
    """Return the node of a whole document: a resource of the type it names, else of an unknown type."""
    return Node(document, str(document.get("resourceType", "")))


def _items(held: Any, beside: Any, kind: str, parent: Node, name: str) -> list[Node]:
    if not isinstance(held, list) and not isinstance(beside, list):
        return [Node(held, _kind(held, kind), beside, parent, name)] if held is not None or beside else []
    values = held if isinstance(held, list) else []
    extras = beside if isinstance(beside, list) else []
    pairs = zip_longest(values, extras)
    return [
        Node(value, _kind(value, kind), extra, parent, name) for value, extra in pairs if value is not None or extra
    ]


def _kind(value: Any, kind: str) -> str:
    if kind in ("Resource", "") and isinstance(value, dict) and "resourceType" in value:
        return str(value["resourceType"])
    return kind


def enclosing(node: Node) -> Node:
    """Return the resource that a node stands in, itself when it is one."""
    known = definitions.resource_types()
    while node.parent is not None and node.kind not in known:
        node = node.parent
    return node


def plain(item: Value) -> Any:
    """Return the value behind an item: what operators compare. Elements that are no primitives stay nodes."""
    if not isinstance(item, Node):
        return item
    value = item.value
    if isinstance(value, str):
        return (read_moment(value, item.kind) or value) if item.kind in _TEMPORAL else value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return (read_quantity(value) or item) if item.kind in QUANTITIES else item
    return item if value is None else value
