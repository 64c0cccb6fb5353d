"""Filters of a value set's compose (R4 4.9, http://hl7.org/fhir/filter-operator) as tests on concepts."""

from collections.abc import Callable, Iterable
from typing import Any

import re2

from terminology.code_system import CodeSystem
from terminology.concepts import Concept
from terminology.ecl import compile_ecl
from terminology.icd10 import SYSTEM, SYSTEM_CM, Ranges, read_ranges
from terminology.problems import Problem

Test = Callable[[Concept], bool]
_HIERARCHY = ("concept", "code")


def compile_filters(system: CodeSystem, filters: Iterable[dict[str, Any]]) -> Test:
    """Return a test that all `filters` pass. Raises `Problem` for a filter that is not understood."""
    tests = [_compile(system, one) for one in filters]
    return tests[0] if len(tests) == 1 else lambda concept: all(test(concept) for test in tests)


def _compile(system: CodeSystem, one: dict[str, Any]) -> Test:
    name, op, value = one.get("property", ""), one.get("op", ""), one.get("value")
    if value is None:
        raise Problem.filter_without_value(system.edition.url, name, op)
    if (name, op) == ("constraint", "="):
        return compile_ecl(system, value)
    if op in _BY_HIERARCHY:
        return _BY_HIERARCHY[op](system, value)
    if op in ("in", "not-in") and name in _HIERARCHY and system.edition.url in (SYSTEM, SYSTEM_CM):
        ranges = _ranges(value)
        return lambda concept: (concept.code in ranges) is (op == "in")
    if op in _BY_VALUE:
        test = _BY_VALUE[op](value)
        return lambda concept: test(_values(system, concept, name))
    raise Problem.filter_unknown(system.edition.url, name, op)


def _is_a(system: CodeSystem, value: str) -> Test:
    return lambda concept: system.subsumes(value, concept.code)


def _descendent_of(system: CodeSystem, value: str) -> Test:
    return lambda concept: concept.code != value and system.subsumes(value, concept.code)


def _is_not_a(system: CodeSystem, value: str) -> Test:
    return lambda concept: not system.subsumes(value, concept.code)


def _generalizes(system: CodeSystem, value: str) -> Test:
    return lambda concept: system.subsumes(concept.code, value)


def _child_of(_: CodeSystem, value: str) -> Test:
    return lambda concept: value in concept.parents


def _descendent_leaf(system: CodeSystem, value: str) -> Test:
    above = _descendent_of(system, value)
    return lambda concept: above(concept) and not system.children(concept.code)


_BY_HIERARCHY: dict[str, Callable[[CodeSystem, str], Test]] = {
    "is-a": _is_a,
    "descendent-of": _descendent_of,
    "is-not-a": _is_not_a,
    "generalizes": _generalizes,
    "child-of": _child_of,
    "descendent-leaf": _descendent_leaf,
}


def _ranges(value: str) -> Ranges:
    """Read codes and ranges of ICD-10, `B50-B54,B56`: each holds what is below it too."""
    try:
        return read_ranges(value.replace(",", " "))
    except ValueError as error:
        raise Problem.bad_request(str(error)) from error


def _values(system: CodeSystem, concept: Concept, name: str) -> list[str]:
    """Return the values of a property as text; `code`, `display` and `definition` count as properties."""
    if name in _HIERARCHY:
        return [concept.code]
    if name in ("display", "definition"):
        return [getattr(concept, name)]
    if name == "parent":
        return list(concept.parents)
    if name == "child":
        return [child.code for child in system.children(concept.code)]
    value = concept.properties.get(name)
    return [_text(one) for one in (value if isinstance(value, list) else [] if value is None else [value])]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value)


def _equals(value: str) -> Callable[[list[str]], bool]:
    return lambda values: value in values


def _among(value: str) -> Callable[[list[str]], bool]:
    wanted = {part.strip() for part in value.split(",")}
    return lambda values: not wanted.isdisjoint(values)


def _outside(value: str) -> Callable[[list[str]], bool]:
    among = _among(value)
    return lambda values: not among(values)


def _exists(value: str) -> Callable[[list[str]], bool]:
    wanted = value.lower() == "true"
    return lambda values: bool(values) is wanted


def _matches(value: str) -> Callable[[list[str]], bool]:
    try:
        compiled = re2.compile(value)
    except re2.error as error:
        raise Problem.regex_bad(value, str(error)) from error
    return lambda values: any(compiled.fullmatch(one) for one in values)


_BY_VALUE: dict[str, Callable[[str], Callable[[list[str]], bool]]] = {
    "=": _equals,
    "in": _among,
    "not-in": _outside,
    "exists": _exists,
    "regex": _matches,
}
