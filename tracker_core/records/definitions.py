"""What FHIR R4 4.0.1 says of its types: elements, cardinalities, reference targets, required codes, search parameters.

The data file is made by `scripts/fhir_definitions.py` from the published package and read once per process.
Structures are named by type (`Patient`, `HumanName`) or by path for their inner parts (`Patient.contact`).
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Element:
    """One element as it is written in JSON; a choice `value[x]` is one element per type (`valueQuantity` …).

    `kind` is the type's name or the path of an inner structure; `choice` is the name without its type for choices.
    `codes` are the allowed values where the binding is required and its value set enumerates them, else None.
    `summary` elements are those that a summary shows; `modifier` ones change the meaning of the others; XML has
    `attribute` ones as attributes.
    """

    name: str
    kind: str
    required: bool
    many: bool
    targets: tuple[str, ...] = ()
    codes: frozenset[str] | None = None
    choice: str = ""
    summary: bool = False
    modifier: bool = False
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type. `number` is stored in index rows and never changes.

    `components` are (parameter code, expression relative to `expression`) of a composite. One that is not `ready`
    is written into the index already, but older records are not in it yet.
    """

    code: str
    number: int
    type: str
    expression: str
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = field(default=())
    ready: bool = True


@cache
def _data() -> dict[str, Any]:
    packed = (resources.files(__package__) / "data" / "r4.json.gz").read_bytes()
    data: dict[str, Any] = json.loads(gzip.decompress(packed))
    return data


@cache
def resource_types() -> dict[str, int]:
    """Return every concrete resource type with its number, in alphabetical order."""
    numbers: dict[str, int] = _data()["types"]
    return dict(sorted(numbers.items()))


@cache
def type_names() -> dict[int, str]:
    """Return the resource type of each number."""
    return {number: name for name, number in resource_types().items()}


@cache
def primitive_patterns() -> dict[str, str]:
    """Return the regular expression of each primitive type (FHIR R4, Data Types), empty where there is none."""
    patterns: dict[str, str] = _data()["primitives"]
    return patterns


@cache
def elements(structure: str) -> dict[str, Element]:
    """Return the elements of a structure by JSON name, in their order, inherited ones included.

    Empty for an unknown structure.
    """
    out: dict[str, Element] = {}
    for name, row in _data()["elements"].get(structure, {}).items():
        for element in _expand(structure, name, row):
            out[element.name] = element
    return out


@cache
def enumerated(value_set: str) -> frozenset[str] | None:
    """Return the codes of one of R4's value sets that a required binding names and that lists them, else None."""
    codes = _data()["codes"].get(value_set.partition("|")[0])
    return None if codes is None else frozenset(codes)


def _expand(structure: str, name: str, row: list[Any]) -> list[Element]:
    kinds, required, many, targets, url, flags = row
    codes = frozenset(_data()["codes"][url]) if url else None
    summary = "s" in flags
    if not name.endswith("[x]"):
        kind = _kind(structure, name, kinds[0])
        marks = (summary, "m" in flags, "a" in flags)
        return [Element(name, kind, bool(required), bool(many), tuple(targets), codes, "", *marks)]
    base = name.removesuffix("[x]")
    return [
        Element(
            base + kind[0].upper() + kind[1:],
            kind,
            required=False,
            many=False,
            targets=tuple(targets) if kind == "Reference" else (),
            codes=codes if kind == "code" else None,
            choice=base,
            summary=summary,
        )
        for kind in kinds
    ]


def _kind(structure: str, name: str, kind: str) -> str:
    if kind.startswith("#"):
        return kind[1:]
    return f"{structure}.{name}" if kind in ("BackboneElement", "Element") else kind


@cache
def choices(structure: str) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """Return the choices of a structure: name without `[x]` -> (is required, JSON names)."""
    out = {}
    for name, row in _data()["elements"].get(structure, {}).items():
        if name.endswith("[x]"):
            out[name[:-3]] = (bool(row[1]), tuple(e.name for e in _expand(structure, name, row)))
    return out


@cache
def resolve(type_: str, path: str) -> Element | None:
    """Return the element at a dotted path of JSON names (`name.given`, `value[x]`, `contact.name.family`), else None.

    A step that names a choice as `value[x]` or `value` stands for its first type, and can only be the last step.
    """
    structure = type_
    element = None
    for step in path.split("."):
        element = elements(structure).get(step)
        if element is None:
            variants = choices(structure).get(step.removesuffix("[x]"))
            element = elements(structure)[variants[1][0]] if variants else None
        if element is None:
            return None
        structure = element.kind
    return element


def has(type_: str, path: str) -> bool:
    """Tell whether R4 has the element `path` (dotted JSON names) in a resource or data type."""
    return resolve(type_, path) is not None


def is_list(type_: str, path: str) -> bool:
    """Tell whether the element at `path` is a list in JSON. False for an element R4 does not have."""
    element = resolve(type_, path)
    return element is not None and element.many


def parameters(type_: str) -> Mapping[str, Parameter]:
    """Return the search parameters of a resource type by code, those of every resource (`_id`, `_tag` …) included.

    Those that this hub was given as SearchParameter records are among them (see `custom`).
    """
    added = _added["now"].parameters.get(type_)
    return published(type_) if added is None else added


@dataclass(frozen=True, slots=True)
class _Added:
    edition: int
    parameters: Mapping[str, Mapping[str, Parameter]]


_added = {"now": _Added(0, {})}


def edition() -> int:
    """Return a number that is another one whenever `parameters` may be others."""
    return _added["now"].edition


def extend(own: Mapping[str, Iterable[Parameter]]) -> None:
    """Let these parameters of the hub's own be the ones that are known beside R4's, by type, in this process."""
    merged = {type_: {**published(type_), **{one.code: one for one in ones}} for type_, ones in own.items()}
    _added["now"] = _Added(_added["now"].edition + 1, merged)


@cache
def published(type_: str) -> dict[str, Parameter]:
    """Return R4's own search parameters of a resource type by code."""
    return {
        code: Parameter(
            code,
            row["n"],
            row["type"],
            row["expression"],
            tuple(row.get("targets", ())),
            tuple((c, e) for c, e in row.get("components", ())),
        )
        for code, row in _data()["parameters"].get(type_, {}).items()
    }


@cache
def compartments() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return for each compartment (`Patient`, `Encounter` …) the parameters that put a record of a type into it.

    The compartment's own record belongs to it by being that record: the parameter `{def}` says so.
    """
    return {
        code: {type_: tuple(codes) for type_, codes in members.items()}
        for code, members in _data()["compartments"].items()
    }


def patient_parameters(type_: str) -> tuple[str, ...]:
    """Return the parameters that put a record into a patient's compartment (R4 CompartmentDefinition/patient)."""
    return tuple(code for code in compartments()["Patient"].get(type_, ()) if code != "{def}")
