"""`fields`, `filter`, `order` and paging of a data store search."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.dhis2.lists import read_paging
from adapters.dhis2.parameters import choice, flag
from tracker_core.datastore import Condition, Query, Wanted
from tracker_core.datastore.paths import steps
from tracker_core.datastore.queries import KEY, OPERATORS, UNARY
from tracker_core.errors import Malformed

_NAME = re.compile(r"\s*([^,\[\](){}]+?)\s*(?:\(\s*([^()]*?)\s*\)\s*)?(?=[,\[\]{}]|$)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as its parameters say: `headless` leaves out the envelope."""

    query: Query
    page: int
    headless: bool


def read_query(pairs: Sequence[tuple[str, str]]) -> Asked:
    """Read the parameters. Raises `Malformed`."""
    given = dict(pairs)
    headless = flag(given, "headless", default=False)
    paging = read_paging(given)
    paged = (paging.number and not headless) or "page" in given or "pageSize" in given
    name, _, direction = given.get("order", "").partition(":")
    if direction.lower() not in ("", "asc", "desc", "nasc", "ndesc"):
        raise Malformed(f"'{direction}' is not a valid sort direction")
    return Asked(
        query=Query(
            wanted=read_fields(given.get("fields", "")),
            conditions=[_condition(text) for key, text in pairs if key == "filter"],
            any_of=choice(given, "rootJunction", {"AND": False, "OR": True}),
            order=steps(name) if name not in ("", KEY) else None,
            order_by_key=name in ("", KEY),
            descending=direction.lower().endswith("desc"),
            everything=flag(given, "includeAll", default=False),
            offset=paging.offset if paged else 0,
            limit=paging.size if paged else 0,
        ),
        page=paging.number,
        headless=headless,
    )


def read_fields(text: str) -> list[Wanted]:
    """Read `path,path(alias),path[child,child]`; `.` is the whole value. Raises `Malformed`."""
    found: list[Wanted] = []
    above: list[str] = []
    at = 0
    while at < len(text):
        sign = text[at]
        if sign in "]}":
            if not above:
                raise Malformed(f"the fields parameter cannot be read at position {at}")
            above.pop()
            at += 1
        elif sign in ", ":
            at += 1
        else:
            name = _NAME.match(text, at)
            if name is None:
                raise Malformed(f"the fields parameter cannot be read at position {at}")
            at = name.end()
            path = ".".join([*above, name[1]])
            if text[at : at + 1] in ("[", "{") and text[at : at + 1]:
                above.append(name[1])
                at += 1
            else:
                found.append(Wanted(name[2] or ("value" if path == "." else path), steps(path)))
    if above:
        raise Malformed("the fields parameter has a bracket that is not closed")
    return found


def _condition(text: str) -> Condition:
    """Read `path:operator[:operand]`; the operand of `in` is a list in brackets."""
    path, _, rest = text.partition(":")
    operator, colon, operand = rest.partition(":")
    if operator.lower() not in OPERATORS:
        raise Malformed(f"'{operator}' is not a valid operator in the filter {text}")
    if operator.lower() in UNARY:
        return Condition(steps(path), operator, (), on_key=path == KEY)
    if not colon:
        raise Malformed(f"the operator {operator} needs a value in the filter {text}")
    several = (
        tuple(part.strip() for part in operand.strip("[]").split(",")) if operator.lower() in ("in", "!in") else ()
    )
    return Condition(steps(path), operator, several or (operand,), on_key=path == KEY)
