"""Types of items, and the tests `is`, `as` and `ofType` (N1 6.3; FHIR R4 2.9.1)."""

from decimal import Decimal
from functools import cache

from tracker_core.fhirpath.moments import Moment
from tracker_core.fhirpath.nodes import Node, Value
from tracker_core.fhirpath.syntax import Misread
from tracker_core.records import definitions

_SYSTEM = ("Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any")
# What R4's own types are kinds of, beside Element
_ABOVE = {
    "code": "string", "id": "string", "markdown": "string", "url": "uri", "canonical": "uri", "uuid": "uri",
    "oid": "uri", "positiveInt": "integer", "unsignedInt": "integer", "Age": "Quantity", "Count": "Quantity",
    "Distance": "Quantity", "Duration": "Quantity", "SimpleQuantity": "Quantity", "MoneyQuantity": "Quantity",
}  # fmt: skip
_NOT_DOMAIN = ("Bundle", "Binary", "Parameters")
_VALUES: dict[str, type | tuple[type, ...]] = {
    "Boolean": bool, "String": str, "Integer": int, "Decimal": Decimal,
}  # fmt: skip


def type_of(item: Value) -> str:
    """Return the full name of an item's type: `FHIR.Patient`, `System.String`."""
    if isinstance(item, Node):
        return f"FHIR.{item.kind if '.' not in item.kind else 'BackboneElement'}"
    if isinstance(item, Moment):
        return {"date": "System.Date", "dateTime": "System.DateTime", "time": "System.Time"}[item.kind]
    for name, kind in _VALUES.items():
        if isinstance(item, kind) and not (name == "Integer" and isinstance(item, bool)):
            return f"System.{name}"
    return "System.Quantity"


@cache
def known(name: str) -> str:
    """Return the full name of a type that an expression names. Raises `Misread` for one that does not exist."""
    space, _, bare = name.rpartition(".")
    if space in ("", "FHIR") and (
        bare in definitions.resource_types()
        or bare in definitions.primitive_patterns()
        or definitions.elements(bare)
        or bare in _ABOVE
        or bare in ("Resource", "DomainResource", "xhtml")
    ):
        return f"FHIR.{bare}"
    if space in ("", "System") and bare in _SYSTEM:
        return f"System.{bare}"
    raise Misread(f"there is no type {name}")


def is_a(item: Value, wanted: str) -> bool:
    """Tell whether an item is of the type `wanted`, a full name, or of one below it."""
    found = type_of(item)
    if wanted in (found, "System.Any"):
        return True
    if not isinstance(item, Node) or not wanted.startswith("FHIR."):
        return False
    return wanted.removeprefix("FHIR.") in _above(item.kind)


def is_just(item: Value, wanted: str) -> bool:
    """Tell whether `as` and `ofType` keep an item: a primitive is of its own type alone, a code no string."""
    if isinstance(item, Node) and wanted.startswith("FHIR.") and item.kind[:1].islower():
        return item.kind == wanted.removeprefix("FHIR.")
    return is_a(item, wanted)


@cache
def _above(kind: str) -> frozenset[str]:
    if kind in definitions.resource_types():
        return frozenset({kind, "Resource"} | (set() if kind in _NOT_DOMAIN else {"DomainResource"}))
    names = {kind, "Element", *(("BackboneElement",) if "." in kind else ())}
    while kind in _ABOVE:
        kind = _ABOVE[kind]
        names.add(kind)
    return frozenset(names)
