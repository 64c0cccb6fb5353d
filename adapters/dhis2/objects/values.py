"""Values as filters and orders compare them."""

import re
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_MOMENT = re.compile(r"(\d{4}-\d{2}(?:-\d{2})?)(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_FIRST_DAY, _MIDNIGHT = "-01", "T00:00:00.000"


def number(text: str) -> Decimal | None:
    """Return the number that `text` is, if it is one."""
    return Decimal(text) if _NUMBER.fullmatch(text.strip()) else None


def moment_text(text: str) -> str | None:
    """Return an ISO date or time in the form in which all of them sort (`2024-03` -> `2024-03-01T00:00:00.000`).

    A zone is ignored: what DHIS2 stores and asks for is the server's time.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, time = found[1], found[2] or ""
    whole = day + (_FIRST_DAY if len(day) == 7 else "")
    return whole + (time + _MIDNIGHT[len(time) :])[: len(_MIDNIGHT)]


def sort_key(value: Any, *, folded: bool) -> tuple[int, Any]:
    """Return a key that sorts values of any kind: numbers first, then text, then nothing."""
    if value is None or isinstance(value, dict | list):
        return 3, 0
    if isinstance(value, bool | int | float):
        return 1, value
    text = str(value)
    return 2, text.casefold() if folded else text
