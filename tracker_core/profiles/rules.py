"""Trees compiled to rules: what is asked of one element, with every expression compiled once."""

from dataclasses import dataclass, field
from typing import Any

from tracker_core import fhirpath
from tracker_core.fhirpath import Expression
from tracker_core.profiles.trees import BASE, Branch

_UNBOUNDED = 1 << 30
DISCRIMINATORS = ("value", "pattern", "exists", "type", "profile")
# Asked of each element in code, and of extensions by their type
_ELSEWHERE = ("ele-1", "ext-1")
# Asked in code: as expressions they take the square of a document's size, or are asked everywhere
IN_CODE = ("ele-1", "dom-3", "ref-1")


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule in FHIRPath. `severity` is error or warning."""

    key: str
    severity: str
    text: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Type:
    """A type an element may have: the profiles one of which it must conform to, and for references the profiles of
    the target and how it is referred to (`contained`, `referenced`, `bundled`)."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """From which value set a code comes; `strength` is required, extensible or preferred."""

    strength: str
    value_set: str


@dataclass(frozen=True, slots=True)
class Discriminator:
    """What tells slices apart. `expression` leads from the element to what is looked at; `path` is as written."""

    type: str
    path: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the repetitions of an element are divided. `rules` is open, closed or openAtEnd."""

    discriminators: tuple[Discriminator, ...]
    rules: str
    ordered: bool


@dataclass(slots=True, eq=False)
class Rule:
    """What is asked of an element. `children` go by their name (`value[x]`), `slices` by theirs.

    `fixed` and `pattern` are (value,) where there is one. `unread` tells what is not understood, and not asked;
    `required` the children that must be there, `sliced` those of which a slice must be, though they need not.
    """

    name: str
    least: int = 0
    most: int = _UNBOUNDED
    types: dict[str, Type] = field(default_factory=dict)
    fixed: tuple[Any, ...] = ()
    pattern: tuple[Any, ...] = ()
    low: Any = None
    high: Any = None
    length: int = 0
    binding: Binding | None = None
    invariants: tuple[Invariant, ...] = ()
    content: str = ""
    children: dict[str, "Rule"] = field(default_factory=dict)
    slicing: Slicing | None = None
    slices: dict[str, "Rule"] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    required: tuple["Rule", ...] = ()
    sliced: tuple["Rule", ...] = ()


def compile_tree(branch: Branch, name: str = "") -> Rule:
    """Return the rule of a branch and of everything below it."""
    element = branch.element
    invariants, unread = _invariants(element)
    slicing, unsliced = _slicing(element.get("slicing"))
    most = element.get("max", "*")
    children = {key: compile_tree(one, key) for key, one in branch.children.items()}
    below = children.values()
    return Rule(
        name=name or str(element.get("path", "")).rpartition(".")[2],
        least=int(element.get("min", 0)),
        most=int(most) if str(most).isdecimal() else _UNBOUNDED,
        types={one.code: one for one in map(_type, element.get("type", []))},
        fixed=_value(element, "fixed"),
        pattern=_value(element, "pattern"),
        low=next(iter(_value(element, "minValue")), None),
        high=next(iter(_value(element, "maxValue")), None),
        length=int(element.get("maxLength", 0)),
        binding=_binding(element.get("binding", {})),
        invariants=invariants,
        content=str(element.get("contentReference", "")).rpartition("#")[2],
        children=children,
        slicing=slicing,
        slices={key: compile_tree(one) for key, one in branch.slices.items()},
        unread=(*unread, *unsliced),
        required=tuple(one for one in below if one.least),
        sliced=tuple(one for one in below if not one.least and any(each.least for each in one.slices.values())),
    )


def _value(element: dict[str, Any], stem: str) -> tuple[Any, ...]:
    return next(((value,) for key, value in element.items() if key.startswith(stem)), ())


def _type(one: dict[str, Any]) -> Type:
    code = str(one["code"]).removeprefix(BASE)
    if code.startswith("http://hl7.org/fhirpath/"):
        declared = [x.get("valueUrl") for x in one.get("extension", []) if x["url"].endswith("-fhir-type")]
        code = str(declared[0]) if declared else "string"
    own = tuple(url for url in one.get("profile", ()) if url != BASE + code)
    return Type(code, own, tuple(one.get("targetProfile", ())), tuple(one.get("aggregation", ())))


def _binding(one: dict[str, Any]) -> Binding | None:
    if not one.get("valueSet") or one.get("strength") == "example":
        return None
    return Binding(str(one.get("strength")), str(one["valueSet"]))


def _invariants(element: dict[str, Any]) -> tuple[tuple[Invariant, ...], tuple[str, ...]]:
    made: list[Invariant] = []
    unread = []
    for one in element.get("constraint", []):
        if not one.get("expression") or ("." in element.get("path", "") and one["key"] in _ELSEWHERE):
            continue
        try:
            compiled = fhirpath.compiled(one["expression"])
        except fhirpath.Misread as error:
            unread.append(f"{one['key']}: {error}")
            continue
        made.append(Invariant(one["key"], one.get("severity", "error"), one.get("human", ""), compiled))
    return tuple(one for one in made if one.key not in IN_CODE), tuple(unread)


def _slicing(one: dict[str, Any] | None) -> tuple[Slicing | None, tuple[str, ...]]:
    """Slices whose discriminators are not understood are not checked: a guess would refuse what is right."""
    if one is None:
        return None, ()
    found = []
    for each in one.get("discriminator", []):
        if each["type"] not in DISCRIMINATORS:
            return None, (f"slicing by {each['type']} is not understood",)
        try:
            found.append(Discriminator(each["type"], each["path"], fhirpath.compiled(each["path"])))
        except fhirpath.Misread as error:
            return None, (f"slicing by {each['path']}: {error}",)
    return Slicing(tuple(found), str(one.get("rules", "open")), bool(one.get("ordered"))), ()
