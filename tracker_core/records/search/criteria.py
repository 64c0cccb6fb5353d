"""Search parameters as a client writes them, read into criteria (FHIR R4 3.1.1.4)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tracker_core.issues import Issue
from tracker_core.records.definitions import Parameter, parameters, resource_types

_ESCAPED = re.compile(r"\\([,|$\\])")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+.-])")
PREFIXED = ("date", "number", "quantity")
_MODIFIERS = {
    "token": {"not"},
    "string": {"exact", "contains"},
    "reference": {"identifier"},
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition. `values` are alternatives, still escaped inside; `prefixes` stand beside them.

    With `chain`, the condition is on the target of the reference, of type `target`: `chain` is its criterion.
    With `reverse`, it is on records of type `target` that refer here through their parameter `reverse` (`_has`).
    """

    parameter: Parameter
    values: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    modifier: str = ""
    chain: "Criterion | None" = None
    target: str = ""
    reverse: str = ""


@dataclass(slots=True)
class Reading:
    """What was read: criteria, result parameters (`_count` …) by name, and what was not understood."""

    criteria: list[Criterion] = field(default_factory=list)
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
)


def read(type_: str, pairs: Sequence[tuple[str, str]]) -> Reading:
    """Read decoded query parameters. What is unknown becomes a warning, what is wrong an error; neither is raised."""
    out = Reading()
    for key, value in pairs:
        name = key.partition(":")[0]
        if name in RESULT:
            out.result.setdefault(key, []).append(value)
        elif "\0" in key + value:
            out.issues.append(Issue("value", "a parameter has a NUL character", where=key.replace("\0", "")))
        elif not value.strip():
            out.issues.append(Issue("value", f"the parameter {key} has no value", "warning", where=key))
        else:
            criterion = _criterion(type_, key, value)
            if isinstance(criterion, Issue):
                out.issues.append(criterion)
            else:
                out.criteria.append(criterion)
    return out


def _criterion(type_: str, key: str, value: str) -> Criterion | Issue:
    if key.startswith("_has:"):
        return _reverse(type_, key, value)
    name, _, rest = key.partition(".")
    code, _, modifier = name.partition(":")
    parameter = parameters(type_).get(code)
    if parameter is None:
        return _unknown(type_, key)
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
    if modifier and modifier not in _MODIFIERS.get(parameter.type, ()):
        return Issue("not-supported", f"the modifier :{modifier} is not supported for {parameter.code}", where=key)
    prefixes = tuple(_prefix(v) if parameter.type in PREFIXED else "" for v in values)
    bare = tuple(v[len(p) :] for v, p in zip(values, prefixes, strict=True))
    return Criterion(parameter, bare, prefixes, modifier)


def _prefix(value: str) -> str:
    match = _PREFIX.match(value)
    return match[1] if match else ""


def _chain(type_: str, parameter: Parameter, target: str, rest: str, value: str, key: str) -> Criterion | Issue:
    targets = [t for t in (parameter.targets if not target else (target,)) if t in resource_types()]
    name = rest.partition(".")[0].partition(":")[0]
    fitting = [t for t in targets if name in parameters(t)]
    if parameter.type != "reference" or not fitting:
        return _unknown(type_, key)
    if len(fitting) > 1 and not target:
        # `subject.name` could be a patient's or a device's: the one it is asked of most is a person's.
        fitting = [t for t in fitting if t == "Patient"] or fitting[:1]
    inner = _criterion(fitting[0], rest, value)
    return inner if isinstance(inner, Issue) else Criterion(parameter, chain=inner, target=fitting[0])


def _reverse(type_: str, key: str, value: str) -> Criterion | Issue:
    parts = key.split(":", 3)
    if len(parts) != 4 or parts[1] not in resource_types() or parts[2] not in parameters(parts[1]):
        return _unknown(type_, key)
    inner = _criterion(parts[1], parts[3], value)
    if isinstance(inner, Issue):
        return inner
    return Criterion(parameters(parts[1])[parts[2]], chain=inner, target=parts[1], reverse=parts[2])


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


def narrowed(criterion: Criterion, value: str) -> Criterion:
    """Return the criterion with one of its values only."""
    return replace(criterion, values=(value,))
