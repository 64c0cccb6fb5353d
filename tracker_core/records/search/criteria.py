"""Search parameters as a client writes them, read into criteria (FHIR R4 3.1.1.4)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from tracker_core.issues import Issue
from tracker_core.records.definitions import Parameter, parameters, resource_types

_ESCAPED = re.compile(r"\\([,|$\\])")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+.-])")
PREFIXED = ("date", "number", "quantity")
MODIFIERS = {
    "token": ("not", "text", "in", "not-in", "above", "below", "of-type"),
    "string": ("exact", "contains"),
    "uri": ("above", "below"),
    "reference": ("identifier", "above", "below"),
}
# What can be asked of every type beside its own parameters: name -> type
EVERYWHERE = {"_filter": "special", "_has": "special", "_list": "special", "_text": "string", "_content": "string"}
LIST = Parameter("_list", 0, "special", "")
DEEPEST = 12  # links of one chain


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition. `values` are alternatives, still escaped inside; `prefixes` stand beside them.

    With `links`, the condition is on what the reference leads to: for each type it may lead to, that type's criterion.
    With `reverse`, it is on records that refer here through their parameter `reverse` (`_has`): `links` has their type.
    """

    parameter: Parameter
    values: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    modifier: str = ""
    links: "tuple[tuple[str, Criterion], ...]" = ()
    reverse: str = ""


@dataclass(frozen=True, slots=True)
class Combined:
    """Conditions joined by `and`, `or`, or the one of them negated (`_filter`)."""

    how: Literal["and", "or", "not"]
    parts: "tuple[Condition, ...]"


Condition: TypeAlias = Criterion | Combined


@dataclass(slots=True)
class Reading:
    """What was read: criteria, result parameters (`_count` …) by name, and what was not understood."""

    criteria: list[Condition] = field(default_factory=list)
    result: dict[str, list[str]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


RESULT = (
    "_count",
    "_sort",
    "_include",
    "_revinclude",
    "_total",
    "_summary",
    "_elements",
    "_cursor",
    "_format",
    "_pretty",
    "_type",
    "_contained",
    "_containedType",
)


def read(type_: str, pairs: Sequence[tuple[str, str]]) -> Reading:
    """Read decoded query parameters. What is unknown becomes a warning, what is wrong an error; neither is raised."""
    out = Reading()
    for key, value in pairs:
        name = key.partition(":")[0]
        if "\0" in key + value:
            out.issues.append(Issue("value", "a parameter has a NUL character", where=key.replace("\0", "")))
        elif name in RESULT:
            out.result.setdefault(key, []).append(value)
        elif not value.strip():
            out.issues.append(Issue("value", f"the parameter {key} has no value", "warning", where=key))
        else:
            found = criterion(type_, key, value)
            if isinstance(found, Issue):
                out.issues.append(found)
            else:
                out.criteria.append(found)
    return out


def criterion(type_: str, key: str, value: str) -> Condition | Issue:
    """Read one parameter of a type; what cannot be read is returned as an issue."""
    if key.count(".") + key.count("_has:") > DEEPEST:
        return Issue("too-costly", f"a chain has at most {DEEPEST} links", where=key[:100])
    if key == "_filter":
        from tracker_core.records.search.filters import read_filter

        return read_filter(type_, value)
    return _criterion(type_, key, value)


def _criterion(type_: str, key: str, value: str) -> Criterion | Issue:
    if key.startswith("_has:"):
        return _reverse(type_, key, value)
    name, _, rest = key.partition(".")
    code, _, modifier = name.partition(":")
    parameter = LIST if code == "_list" else parameters(type_).get(code)
    if parameter is None:
        return _unknown(type_, key)
    if not parameter.ready:
        return Issue("not-supported", f"{code} cannot be searched yet: it is being indexed", where=key)
    if rest:
        return _chain(type_, parameter, modifier, rest, value, key)
    return _plain(parameter, modifier, value, key)


def _plain(parameter: Parameter, modifier: str, value: str, key: str) -> Criterion | Issue:
    if modifier == "missing":
        if value not in ("true", "false"):
            return Issue("value", ":missing is true or false", where=key, value=value)
        return Criterion(parameter, (value,), modifier="missing")
    values = tuple(split(value))
    if modifier in resource_types() and parameter.type == "reference":
        return Criterion(parameter, tuple(v if "/" in v else f"{modifier}/{v}" for v in values))
    if modifier and modifier not in MODIFIERS.get(parameter.type, ()):
        return Issue("not-supported", f"the modifier :{modifier} is not supported for {parameter.code}", where=key)
    pairs = [split_prefix(v) if parameter.type in PREFIXED else ("", v) for v in values]
    return Criterion(parameter, tuple(v for _, v in pairs), tuple(p for p, _ in pairs), modifier)


def split_prefix(value: str) -> tuple[str, str]:
    """Return the prefix of a value, or empty, and the rest of it."""
    match = _PREFIX.match(value)
    return (match[1], value[2:]) if match else ("", value)


def _chain(type_: str, parameter: Parameter, target: str, rest: str, value: str, key: str) -> Criterion | Issue:
    """Follow a reference to every type that it may lead to and that has the parameter asked of it."""
    found = [(t, _criterion(t, rest, value)) for t in chain_targets(parameter, target, rest)]
    links = tuple((t, inner) for t, inner in found if isinstance(inner, Criterion))
    if links:
        return Criterion(parameter, links=links)
    wrong = [inner for _, inner in found if isinstance(inner, Issue) and inner.severity == "error"]
    return wrong[0] if wrong else _unknown(type_, key)


def chain_targets(parameter: Parameter, target: str, rest: str) -> list[str]:
    """Return the types that a chain may go on to: those named, or all that have a parameter of the next name."""
    name = rest.partition(".")[0].partition(":")[0]
    if parameter.type != "reference":
        return []
    targets = (target,) if target else parameter.targets
    return [t for t in targets if t in resource_types() and (name in parameters(t) or name in ("_has", "_list"))]


def _reverse(type_: str, key: str, value: str) -> Criterion | Issue:
    parts = key.split(":", 3)
    known = parameters(parts[1]) if len(parts) == 4 and parts[1] in resource_types() else {}
    if len(parts) != 4 or parts[2] not in known or known[parts[2]].type != "reference":
        return _unknown(type_, key)
    inner = _criterion(parts[1], parts[3], value)
    if isinstance(inner, Issue):
        return inner
    return Criterion(known[parts[2]], links=((parts[1], inner),), reverse=parts[2])


def _unknown(type_: str, key: str) -> Issue:
    return Issue("not-supported", f"{type_} has no search parameter {key}", "warning", where=key)


def split(value: str) -> Iterator[str]:
    """Yield the alternatives of a value: it is cut at commas that are not escaped."""
    start = 0
    at = 0
    while at < len(value):
        if value[at] == "\\":
            at += 1
        elif value[at] == ",":
            yield value[start:at]
            start = at + 1
        at += 1
    yield value[start:]


def cut(value: str, mark: str) -> list[str]:
    """Return the parts of a value between unescaped marks (`|`, `$`), still escaped."""
    return re.split(rf"(?<!\\){re.escape(mark)}", value)


def unescape(text: str) -> str:
    r"""Return a text without the escapes of `\,`, `\|`, `\$` and `\\`."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def escape(text: str) -> str:
    r"""Return a text with the escapes that keep it one value."""
    return re.sub(r"([,|$\\])", r"\\\1", text)


def token(system: str, value: str) -> str:
    """Return the search value for an identifier or a code: `system|value`, the value empty for any of the system."""
    return f"{escape(system)}|{escape(value)}"


def alternatives(criterion: Criterion) -> list[Criterion]:
    """Return one criterion for each value."""
    prefixes = criterion.prefixes or ("",) * len(criterion.values)
    pairs = zip(criterion.values, prefixes, strict=True)
    return [replace(criterion, values=(value,), prefixes=(prefix,)) for value, prefix in pairs]
