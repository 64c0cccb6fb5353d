"""What an evaluation carries along: the resource, variables, and how references are followed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

from tracker_core.fhirpath.nodes import Node, Value

Items: TypeAlias = list[Value]
Run: TypeAlias = "Callable[[Context, Items], Items]"


class Failed(Exception):
    """An expression has no value: two items where one is expected, a text where a number is."""


class TooLong(Failed):
    """An expression would take too long on a document of this size."""


@dataclass(slots=True)
class Budget:
    """How many elements may still be looked at: an expression can ask for the square of a document's size."""

    left: int = 1_000_000

    def spend(self, count: int) -> None:
        """Take note of elements that were looked at. Raises `TooLong` when it was too many."""
        self.left -= count
        if self.left < 0:
            raise TooLong("it would take too long on a document of this size")


def _unasked(_what: str, _of: Node) -> bool:
    raise Failed("nobody is there to be asked")


def _nowhere(_reference: str, _from: Node | None) -> Node | None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """`resource` is the one at hand, `root` the one that holds it when it is contained, `start` what the expression
    was asked of. `resolve(reference, element)` follows a reference; without one `resolve()` finds nothing.
    `conforms(profile, element)` and `member(value set, element)` answer `conformsTo()` and `memberOf()`.
    """

    resource: Node | None = None
    root: Node | None = None
    start: tuple[Value, ...] = ()
    variables: Mapping[str, Items] = field(default_factory=dict)
    resolve: Callable[[str, Node | None], Node | None] = _nowhere
    conforms: Callable[[str, Node], bool | None] = _unasked
    member: Callable[[str, Node], bool | None] = _unasked
    budget: Budget = field(default_factory=Budget)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    this: tuple[Value, ...] = ()
    index: int = 0
    total: tuple[Value, ...] = ()

    def within(self, item: Value, index: int) -> "Context":
        """Return the context of one item of a collection that a criterion is asked of."""
        return replace(self, this=(item,), index=index)


def truth(items: Items) -> bool | None:
    """Return what a collection says as a boolean: any single item is true, nothing is None. Raises `Failed` of many."""
    if not items:
        return None
    if len(items) > 1:
        raise Failed("several items where one boolean is expected")
    value = items[0].value if isinstance(items[0], Node) else items[0]
    return value if isinstance(value, bool) else True


def told(value: bool | None) -> Items:
    """Return a boolean as a collection, None as nothing."""
    return [] if value is None else [value]
