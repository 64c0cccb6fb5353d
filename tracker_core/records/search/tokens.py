"""Values of token, uri and reference parameters as the tokens that index entries carry."""

from collections.abc import Sequence

from tracker_core.records import composites
from tracker_core.records.definitions import Parameter, parameters
from tracker_core.records.expressions import compile_expression
from tracker_core.records.extraction import sources
from tracker_core.records.search.criteria import cut, unescape
from tracker_core.records.terms import hashed


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
    if system and _is_plain(type_, parameter):
        # The system of an element of type `code` is implied by the element.
        return [hashed(n, "c", code) for n in numbers]
    return [hashed(n, "s", f"{system}|{code}") for n in numbers]


def _is_plain(type_: str, parameter: Parameter) -> bool:
    paths = compile_expression(parameter.expression, type_)
    return bool(paths) and all(path.kind in ("code", "boolean") for path in paths)


def pair_tokens(type_: str, parameter: Parameter, value: str) -> list[int]:
    """Return the tokens for a pair of codes (`code$value`); empty when it is no pair."""
    parts = [unescape(part) for part in cut(value, "$")]
    if len(parts) != 2:
        return []
    return [composites.pair_token(n, *parts) for n in sources(type_)[parameter.code].numbers]


def simple_tokens(type_: str, pairs: Sequence[tuple[str, str]]) -> list[int] | None:
    """Return tokens that a record must all have to match, or None when the search is not of that simple kind."""
    out: list[int] = []
    for key, value in pairs:
        parameter = parameters(type_).get(key)
        if parameter is None or parameter.type not in ("token", "uri") or "," in value or parameter.code == "_id":
            return None
        alternatives = tokens_of(type_, parameter, value)
        if len(alternatives) != 1:
            return None
        out += alternatives
    return out or None
