"""What a codec is: a pair of functions over one value, or over the few fields that its row names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mappings.places import MISSING
from mappings.scope import Scope

Decode: TypeAlias = Callable[[Any, Scope, Any], Any]
Encode: TypeAlias = Callable[[Any, Scope, Any], Any]
Form = Literal["text", "head", "raw", "fields"]


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """One codec.

    decode(left, scope, old)   -> the right value, `MISSING` for none; raises `Unfit`; `old` is what is there
    encode(right, scope, old)  -> the left value, None for what it cannot say; raises `Unfit`
    `form` says what it sees of an ER7 value: `text` all of it without escapes, `head` its first component without
    escapes, `raw` its text as it stands, `fields` the raw texts of all fields of the row.
    `owns` are the keys of an element that go stale together; None means the whole value.
    `extra` are sibling elements it also sets; `targets` paths below the element, for coverage.
    `arity` is the number of fields that a codec over fields takes.
    """

    name: str
    decode: Decode
    encode: Encode
    form: Form = "text"
    owns: tuple[str, ...] | None = None
    extra: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    arity: int = 0


def merged(codec: Codec, value: Any, old: Any) -> Any:
    """Return `value` with the keys of the old element that the codec does not own."""
    if codec.owns is None or not isinstance(value, dict) or not isinstance(old, dict):
        return value
    return {**{key: kept for key, kept in old.items() if key not in codec.owns}, **value}


def simple(name: str, decode: Callable[[str], Any], encode: Callable[[Any], Any], form: Form = "head") -> Codec:
    """Make a codec that needs nothing but the value."""
    return Codec(name, lambda left, _scope, _old: decode(left), lambda right, _scope, _old: encode(right), form)


__all__ = ["MISSING", "Codec", "Decode", "Encode", "Form", "merged", "simple"]
