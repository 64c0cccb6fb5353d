"""Conditions in SQL that carry their arguments, so that they can be put together in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition; `arguments` stand for its placeholders, in order."""

    text: str
    arguments: tuple[Any, ...] = ()


ALWAYS = Clause("true")
NEVER = Clause("false")


def clause(text: str, *arguments: Any) -> Clause:
    """Return a condition of one text."""
    return Clause(text, arguments)


def all_of(*parts: Clause) -> Clause:
    """Return what holds when all `parts` hold; with none of them, always."""
    if NEVER in parts:
        return NEVER
    return _joined(" and ", [part for part in parts if part != ALWAYS], ALWAYS)


def any_of(*parts: Clause) -> Clause:
    """Return what holds when one of `parts` holds; with none of them, never."""
    if ALWAYS in parts:
        return ALWAYS
    return _joined(" or ", [part for part in parts if part != NEVER], NEVER)


def exists(source: str, condition: Clause) -> Clause:
    """Return whether `source` (what follows `from`) has a row for which `condition` holds."""
    return Clause(f"exists (select from {source} where {condition.text})", condition.arguments)


def is_none(source: str, condition: Clause) -> Clause:
    """Return whether `source` has no row for which `condition` holds."""
    return Clause(f"not exists (select from {source} where {condition.text})", condition.arguments)


def _joined(word: str, parts: Sequence[Clause], empty: Clause) -> Clause:
    if not parts:
        return empty
    if len(parts) == 1:
        return parts[0]
    text = word.join(part.text for part in parts)
    return Clause(f"({text})", tuple(argument for part in parts for argument in part.arguments))
