"""Trees of expressions as closures: each takes a context and a collection, and gives a collection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tracker_core.fhirpath import functions, moments
from tracker_core.fhirpath.context import Context, Failed, Items, Run, truth
from tracker_core.fhirpath.criteria import CRITERIA, sort
from tracker_core.fhirpath.nodes import Node, Value, root
from tracker_core.fhirpath.operators import OPERATORS, single
from tracker_core.fhirpath.quantities import Quantity
from tracker_core.fhirpath.syntax import Misread, Tree, parse, unquoted
from tracker_core.fhirpath.types import is_a, is_just, known

_URIS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_TESTS = ("is", "as", "ofType")


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, shared by threads."""

    text: str
    run: Run

    def on(self, focus: Node | dict[str, Any], context: Context | None = None) -> Items:
        """Return what the expression gives of a document or one of its elements. Raises `Failed`."""
        node = root(focus) if isinstance(focus, dict) else focus
        if context is None:
            context = Context(resource=node, root=node)
        return self.run(_started(context, node), [node])

    def holds(self, focus: Node | dict[str, Any], context: Context | None = None) -> bool | None:
        """Return whether the expression is true, None where it gives nothing. Raises `Failed`."""
        return truth(self.on(focus, context))


def _started(context: Context, node: Node) -> Context:
    return replace(context, start=(node,), this=(node,))


@lru_cache(maxsize=8192)
def compiled(text: str) -> Expression:
    """Return the expression. Raises `Misread` for what is no FHIRPath or names a function or type that is not there."""
    return Expression(text, _leading(parse(text)))


def _leading(tree: Tree) -> Run:
    return _BUILDERS[tree.kind](tree)


def _constant(*values: Value) -> Run:
    found = list(values)
    return lambda _context, _focus: found


def _number(tree: Tree) -> Run:
    return _constant(Decimal(tree.text) if "." in tree.text else int(tree.text))


def _quantity(tree: Tree) -> Run:
    unit = tree.parts[0]
    return _constant(Quantity(Decimal(tree.text), unquoted(unit.text) if unit.kind == "text" else unit.text))


def _date(tree: Tree) -> Run:
    text = tree.text[1:]
    kind = "time" if text.startswith("T") else "dateTime" if "T" in text else "date"
    found = moments.read_moment(text.removeprefix("T"), kind)
    if found is None:
        raise Misread(f"{tree.text} is no date or time")
    return _constant(found)


def _variable(tree: Tree) -> Run:
    name = tree.text[1:]
    name = unquoted(name) if name[:1] in "`'" else name
    if name in _URIS:
        return _constant(_URIS[name])
    if name.startswith(("vs-", "ext-")):
        kind = "ValueSet" if name.startswith("vs-") else "StructureDefinition"
        return _constant(f"http://hl7.org/fhir/{kind}/{name.partition('-')[2]}")
    held: Mapping[str, Callable[[Context], Items]] = {
        "resource": lambda context: _of(context.resource),
        "rootResource": lambda context: _of(context.root),
        "context": lambda context: list(context.start),
    }
    read = held.get(name)
    return (lambda context, _focus: read(context)) if read else (lambda context, _focus: _named(context, name))


def _of(node: Node | None) -> Items:
    return [] if node is None else [node]


def _named(context: Context, name: str) -> Items:
    if name not in context.variables:
        raise Failed(f"there is no variable %{name}")
    return list(context.variables[name])


def _this(tree: Tree) -> Run:
    if tree.text == "$index":
        return lambda context, _focus: [context.index]
    if tree.text == "$total":
        return lambda context, _focus: list(context.total)
    return lambda context, _focus: list(context.this)


def _name(tree: Tree) -> Run:
    """The first name of a path: an element of what is at hand, or its own type."""
    name = tree.text
    if not name[:1].isupper():
        return _child(name)

    def run(_context: Context, focus: Items) -> Items:
        if any(isinstance(item, Node) and is_named(item, name) for item in focus):
            return focus
        return child(focus, name)

    return run


def is_named(node: Node, name: str) -> bool:
    """Tell whether a path that begins with a type's name begins at this node."""
    return is_a(node, f"FHIR.{name}")


def child(focus: Items, name: str) -> Items:
    """Return the elements called `name` of all items."""
    return [found for item in focus if isinstance(item, Node) for found in item.children(name)]


def _child(name: str) -> Run:
    def run(context: Context, focus: Items) -> Items:
        found = child(focus, name)
        context.budget.spend(len(focus) + len(found))
        return found

    return run


def _step(tree: Tree) -> Run:
    left, right = tree.parts
    before = _leading(left)
    then = _child(right.text) if right.kind == "name" else _leading(right)
    return lambda context, focus: then(context, before(context, focus))


def _index(tree: Tree) -> Run:
    before, place = map(_leading, tree.parts)

    def run(context: Context, focus: Items) -> Items:
        items = before(context, focus)
        at = single(place(context, focus), "one position")
        return items[at : at + 1] if isinstance(at, int) and at >= 0 else []

    return run


def _sign(tree: Tree) -> Run:
    inner = _leading(tree.parts[0])
    if tree.text == "+":
        return inner

    def run(context: Context, focus: Items) -> Items:
        value = single(inner(context, focus), "one number")
        if value is None:
            return []
        if isinstance(value, Quantity):
            return [Quantity(-value.value, value.unit)]
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise Failed("a sign stands before a number")
        return [-value]

    return run


def _operator(tree: Tree) -> Run:
    if tree.text in _TESTS:
        return _tested(tree.text, _leading(tree.parts[0]), tree.parts[1].text)
    left, right = map(_leading, tree.parts)
    operate = OPERATORS[tree.text]
    shortcut = {"and": False, "or": True, "implies": True}.get(tree.text)
    if shortcut is None:
        return lambda context, focus: operate(left(context, focus), right(context, focus))
    decisive = not shortcut if tree.text == "implies" else shortcut

    def run(context: Context, focus: Items) -> Items:
        first = left(context, focus)
        if truth(first) is decisive:
            return [shortcut]
        return operate(first, right(context, focus))

    return run


def _tested(test: str, before: Run, name: str) -> Run:
    """`is`, `as` and `ofType`; a bare name may mean the FHIR type or the system's own one."""
    wanted = {known(name)}
    if name == "Quantity":
        wanted.add("System.Quantity")

    def run(context: Context, focus: Items) -> Items:
        items = before(context, focus)
        if test != "is":
            return [item for item in items if any(is_just(item, one) for one in wanted)]
        if len(items) > 1:
            raise Failed("one item is asked for its type")
        return [any(is_a(items[0], one) for one in wanted)] if items else []

    return run


def _focus(_context: Context, focus: Items) -> Items:
    return focus


def _call(tree: Tree) -> Run:
    name, parts = tree.text, tree.parts
    if name in _TESTS:
        return _tested(name, _focus, _type_name(tree))
    if name == "sort":
        return _sorting(parts)
    if name in CRITERIA:
        least, most, criterion = CRITERIA[name]
        if not least <= len(parts) <= most:
            raise Misread(f"{name}() does not take {len(parts)} arguments")
        given = tuple(map(_leading, parts))
        return lambda context, focus: criterion(context, focus, given)
    function = functions.named(name, len(parts))
    arguments = [_leading(part) for part in parts]

    def run(context: Context, focus: Items) -> Items:
        # Arguments are read where the call stands, not on what it is called on (N1 3.4).
        here = list(context.this) or focus
        return function(focus, [argument(context, here) for argument in arguments])

    return run


def _sorting(parts: tuple[Tree, ...]) -> Run:
    """`sort(key, -key)`: a minus before a key turns its order around, also of texts."""
    keys = [
        (_leading(part.parts[0]), True) if part.kind == "sign" and part.text == "-" else (_leading(part), False)
        for part in parts or (Tree("this", "$this"),)
    ]
    return lambda context, focus: sort(context, focus, keys)


def _type_name(tree: Tree) -> str:
    names: list[str] = []
    at = tree.parts[0] if len(tree.parts) == 1 else Tree("nothing")
    while at.kind == "step":
        names.insert(0, at.parts[1].text)
        at = at.parts[0]
    if at.kind != "name":
        raise Misread(f"{tree.text}() takes the name of a type")
    return ".".join([at.text, *names])


_BUILDERS: dict[str, Callable[[Tree], Run]] = {
    "nothing": lambda _tree: _constant(),
    "boolean": lambda tree: _constant(tree.text == "true"),
    "text": lambda tree: _constant(unquoted(tree.text)),
    "number": _number,
    "quantity": _quantity,
    "date": _date,
    "variable": _variable,
    "this": _this,
    "name": _name,
    "step": _step,
    "index": _index,
    "sign": _sign,
    "operator": _operator,
    "call": _call,
}
