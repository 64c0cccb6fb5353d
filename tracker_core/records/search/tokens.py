"""Values of token and uri parameters as the tokens that index entries carry (FHIR R4 3.1.1.4.10, 3.1.1.4.13)."""

from collections.abc import Callable, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from tracker_core.database import Session
from tracker_core.errors import Malformed, TooCostly
from tracker_core.records import vocabulary
from tracker_core.records.definitions import Parameter, parameters
from tracker_core.records.expressions import compile_expression
from tracker_core.records.extraction import sources
from tracker_core.records.search.criteria import Criterion, cut, unescape
from tracker_core.records.terms import fold, hashed

MOST_TOKENS = 20_000  # alternatives that one parameter of a search may stand for

# (modifier, value) -> the codes it stands for as (system, code), or None when nobody knows: `in` and `not-in` a value
# set by url or reference, `above` and `below` a code as `system|code`.
Codes: TypeAlias = Callable[[str, str], Sequence[tuple[str, str]] | None]


def no_codes(_modifier: str, _value: str) -> Sequence[tuple[str, str]] | None:
    """Know no code."""
    return None


def modified_tokens(session: Session, type_: str, criterion: Criterion, codes: Codes) -> list[int]:
    """Return the tokens of which a record has one when one of the values holds, in the sense of the modifier."""
    found: list[int] = []
    for value in criterion.values:
        found += _modified(session, type_, criterion, value, codes)
        if len(found) > MOST_TOKENS:
            raise TooCostly(f"more than {MOST_TOKENS} codes are asked for", where=criterion.parameter.code)
    return found


def _modified(session: Session, type_: str, criterion: Criterion, value: str, codes: Codes) -> list[int]:
    parameter, modifier = criterion.parameter, criterion.modifier
    numbers = sources(type_)[parameter.code].numbers
    if parameter.type == "uri":
        return _uris(session, numbers, modifier, unescape(value))
    if modifier == "text":
        terms = vocabulary.beginning(session, numbers, fold(unescape(value)), MOST_TOKENS + 1)
        return [hashed(n, "t", term) for n, term in terms]
    if modifier == "of-type":
        parts = [unescape(part) for part in cut(value, "|")]
        if len(parts) != 3 or not all(parts[1:]):
            raise Malformed(f"{value!r} is not written system|code|value", where=parameter.code)
        return [hashed(n, "o", "|".join(parts)) for n in numbers]
    if modifier in ("in", "not-in", "above", "below"):
        return _coded(type_, parameter, modifier, unescape(value), codes)
    return tokens_of(type_, parameter, value)


def _coded(type_: str, parameter: Parameter, modifier: str, value: str, codes: Codes) -> list[int]:
    found = codes(modifier, value)
    if found is None:
        what = "value set" if modifier in ("in", "not-in") else "code of a code system known here"
        raise Malformed(f"{value} is no {what}", where=f"{parameter.code}:{modifier}")
    return [t for system, code in found for t in coded_tokens(type_, parameter, system, code)]


def tokens_of(type_: str, parameter: Parameter, value: str) -> list[int]:
    """Return the tokens of which a record has at least one when `value` (`code`, `system|code`, `system|`) holds."""
    numbers = sources(type_)[parameter.code].numbers
    parts = [unescape(part) for part in cut(value, "|")]
    if parameter.type == "uri":
        return [hashed(n, "c", unescape(value)) for n in numbers]
    if len(parts) == 1:
        return [hashed(n, "c", parts[0]) for n in numbers]
    system, code = parts[0], "|".join(parts[1:])
    if not code:
        return [hashed(n, "y", system) for n in numbers]
    return coded_tokens(type_, parameter, system, code)


def coded_tokens(type_: str, parameter: Parameter, system: str, code: str) -> list[int]:
    """Return the tokens of a code of a system."""
    numbers = sources(type_)[parameter.code].numbers
    if system and _is_plain(type_, parameter):
        # The system of an element of type `code` is implied by the element.
        return [hashed(n, "c", code) for n in numbers]
    return [hashed(n, "s", f"{system}|{code}") for n in numbers]


def _is_plain(type_: str, parameter: Parameter) -> bool:
    paths = compile_expression(parameter.expression, type_)
    return bool(paths) and all(path.kind in ("code", "boolean") for path in paths)


def _uris(session: Session, numbers: Sequence[int], modifier: str, value: str) -> list[int]:
    """`:below` finds what goes on after the value, at a slash; `:above` what the value goes on from; urns are whole."""
    exact = [hashed(n, "c", value) for n in numbers]
    if not modifier or value.startswith("urn:"):
        return exact
    if modifier == "below":
        start = value if value.endswith("/") else f"{value}/"
        terms = vocabulary.beginning(session, numbers, start, MOST_TOKENS + 1)
        return exact + [hashed(n, "c", term) for n, term in terms]
    parts = urlsplit(value)
    path = parts.path.strip("/").split("/")
    base = f"{parts.scheme}://{parts.netloc}"
    above = [base, *("/".join([base, *path[:n]]) for n in range(1, len(path)))]
    return exact + [hashed(n, "c", text + end) for n in numbers for text in above for end in ("", "/")]


def simple_tokens(type_: str, pairs: Sequence[tuple[str, str]]) -> list[int] | None:
    """Return tokens that a record must all have to match, or None when the search is not of that simple kind."""
    out: list[int] = []
    for key, value in pairs:
        parameter = parameters(type_).get(key)
        if parameter is None or parameter.type not in ("token", "uri") or "," in value or parameter.code[0] == "_":
            return None
        alternatives = tokens_of(type_, parameter, value)
        if len(alternatives) != 1:
            return None
        out += alternatives
    return out or None
