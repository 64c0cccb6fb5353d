"""Lists: the parameters that page them, uids among the others, and the envelope around one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlencode

from adapters.dhis2.parameters import flag, positive
from tracker_core.errors import Malformed
from tracker_core.uids import is_uid

Pairs: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for; `number` 0 means everything (`paging=false`)."""

    number: int
    size: int
    total: bool

    @property
    def limit(self) -> int | None:
        """One more than fits on the page tells whether there is a next one; None without paging."""
        return self.size + 1 if self.number else None

    @property
    def offset(self) -> int:
        """How many objects come before this page."""
        return (self.number - 1) * self.size if self.number else 0


def read_paging(given: Mapping[str, str]) -> Paging:
    """Read `page`, `pageSize`, `totalPages`, `paging`. Raises `Malformed`."""
    paged = flag(given, "paging", default=True)
    if not paged and any(name in given for name in ("page", "pageSize", "totalPages")):
        raise Malformed(
            "Paging cannot be disabled with paging=false while also requesting a paginated response with page,"
            " pageSize and/or totalPages=true"
        )
    number, size = positive(given, "page", 1), positive(given, "pageSize", 50)
    return Paging(number if paged else 0, size, flag(given, "totalPages", default=False))


def envelope(
    name: str,
    items: Sequence[Any],
    paging: Paging,
    url: str,
    given: Mapping[str, str] | Pairs,
    total: int | None,
    *,
    more: bool = False,
) -> dict[str, Any]:
    """Return one page under its list key, with the pager that leads on and back, every other parameter kept.

    `more` tells that another page follows; items beyond the page's size tell it too, and are cut off.
    """
    if not paging.number:
        return {name: list(items)}
    pager: dict[str, Any] = {"page": paging.number, "pageSize": paging.size}
    if total is not None:
        pager |= {"total": total, "pageCount": max(-(-total // paging.size), 1)}
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    kept = [(key, value) for key, value in pairs if key != "page"]
    if paging.number > 1:
        pager["prevPage"] = f"{url}?{urlencode([*kept, ('page', paging.number - 1)])}"
    if more or len(items) > paging.size:
        pager["nextPage"] = f"{url}?{urlencode([*kept, ('page', paging.number + 1)])}"
    return {"pager": pager, name: list(items)[: paging.size]}


def uid(given: Mapping[str, str], name: str) -> str:
    """Return a parameter that is a UID, empty when absent. Raises `Malformed`."""
    text = given.get(name, "").strip()
    if text and not is_uid(text):
        raise Malformed(
            f"Value '{text}' is not valid for parameter {name}. UID must be an alphanumeric string of 11"
            " characters starting with a letter."
        )
    return text


def uids(given: Mapping[str, str], name: str) -> list[str]:
    """Return a parameter that is a list of UIDs, separated by `,` (2.42) or `;` (2.41)."""
    parts = given.get(name, "").replace(";", ",").split(",")
    return [uid({name: part}, name) for part in parts if part.strip()]
