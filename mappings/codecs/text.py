"""Codecs for plain values: texts, numbers, truth."""

from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.codecs.codec import MISSING, Codec, simple
from mappings.scope import Scope, Unfit

TRUE = frozenset({"Y", "YES", "TRUE", "1", "T"})
FALSE = frozenset({"N", "NO", "FALSE", "0", "F"})


def read_text(text: str) -> Any:
    """Return the text without surrounding space, `MISSING` when nothing is left."""
    return text.strip() or MISSING


def write_text(value: Any) -> str | None:
    """Return a primitive as text, None for anything that is not one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or isinstance(value, dict | list) else str(value)


def read_decimal(text: str) -> Any:
    """Return a decimal with every digit it was written with (`72.50` stays `72.50`)."""
    cleaned = text.strip()
    if not cleaned:
        return MISSING
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        raise Unfit("not a number") from None
    if not number.is_finite():
        raise Unfit("not a number")
    return number


def write_decimal(value: Any) -> str | None:
    """Return a number as text with all its digits and without exponent."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    return format(value if isinstance(value, Decimal) else Decimal(str(value)), "f")


def read_integer(text: str) -> Any:
    """Return a whole number."""
    number = read_decimal(text)
    if number is MISSING:
        return MISSING
    if number != number.to_integral_value() or abs(number) > 2**31 - 1:
        raise Unfit("not a whole number")
    return int(number)


def read_yes(text: str) -> Any:
    """Return the truth of v2 table 0136 and of common spellings."""
    word = text.strip().upper()
    if not word:
        return MISSING
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise Unfit("neither Y nor N")


def truth(value: Any, _scope: Scope, _old: Any) -> str | None:
    """Return Y or N."""
    return ("Y" if value else "N") if isinstance(value, bool) else None


CODECS = (
    simple("text", read_text, write_text, "text"),
    simple("first", read_text, write_text),
    simple("decimal", read_decimal, write_decimal),
    simple("integer", read_integer, write_decimal),
    Codec("yes", lambda left, _scope, _old: read_yes(left), truth, "head"),
)
