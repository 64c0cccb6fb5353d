"""`filter` and `filterAttributes`: `uid[:operator[:value]]…`, several separated by commas (Web API 2.42)."""

from collections.abc import Sequence

from tracker_core.errors import Malformed
from tracker_core.tracker.filters import OPERATORS, UNARY, Filter
from tracker_core.uids import is_uid

_MOST = 3


def read_filters(pairs: Sequence[tuple[str, str]], name: str) -> list[Filter]:
    """Return every condition of the parameters called `name`. Raises `Malformed` in DHIS2's words."""
    found: list[Filter] = []
    for key, text in pairs:
        if key == name:
            try:
                for part in filter(None, split(text, ",")):
                    found += _conditions(split(part, ":"))
            except Malformed as error:
                raise Malformed(f"{name}={text} is invalid. {error.detail}") from error
    return found


def _conditions(steps: list[str]) -> list[Filter]:
    """Read `uid[:operator[:operand]]…`; a bare uid asks for nothing."""
    uid, rest, found = steps[0].strip(), steps[1:], list[Filter]()
    if not is_uid(uid):
        raise Malformed(f"UID must be an alphanumeric string of 11 characters starting with a letter, not '{uid}'.")
    while rest and rest != [""]:
        written = rest.pop(0)
        operator = written.lower()
        if not operator:
            raise Malformed(f"UID '{uid}' is missing an operator (or has too many ':').")
        if operator not in OPERATORS:
            raise Malformed(f"'{written}' is not a valid operator.")
        found.append(Filter(uid, operator, "" if operator in UNARY else _operand(written, rest)))
        if operator in UNARY and rest and rest[0].lower() not in OPERATORS:
            raise Malformed(f"Unary operator '{written}' cannot have a value.")
    if len(found) > _MOST:
        raise Malformed("A maximum of three operators can be used in a filter.")
    return found


def _operand(operator: str, rest: list[str]) -> str:
    value = rest.pop(0) if rest else ""
    if not value:
        raise Malformed(f"Binary operator '{operator}' must have a value.")
    return value


def split(text: str, separator: str) -> list[str]:
    """Split at `separator`, except where `/` escapes it; escapes are resolved at the innermost separator, `:`."""
    parts, current, at = [], "", 0
    while at < len(text):
        if text[at] == "/" and at + 1 < len(text) and text[at + 1] in "/,:":
            current += text[at : at + 2] if separator == "," else text[at + 1]
            at += 2
        elif text[at] == separator:
            parts.append(current)
            current, at = "", at + 1
        else:
            current, at = current + text[at], at + 1
    return [*parts, current]
