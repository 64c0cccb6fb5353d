"""Lists: query parameters of tracker exports, and the envelope around one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from adapters.dhis2.parameters import choice, flag, positive
from tracker_core.errors import Malformed
from tracker_core.tracker.filters import OPERATORS, UNARY, Filter
from tracker_core.tracker.resolving import parse_moment
from tracker_core.tracker.searching import Mode, Query
from tracker_core.uids import is_uid

_MODES: dict[str, Mode] = {
    "SELECTED": "SELECTED",
    "CHILDREN": "CHILDREN",
    "DESCENDANTS": "DESCENDANTS",
    "CAPTURE": "ALL",
    "ACCESSIBLE": "ALL",
    "ALL": "ALL",
}
_NEEDS_UNITS = ("SELECTED", "CHILDREN", "DESCENDANTS")
Kind = Literal["trackedEntity", "enrollment", "event"]
Span = tuple[datetime | None, datetime | None]


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
        raise Malformed("paging=false cannot be combined with page, pageSize or totalPages")
    number, size = positive(given, "page", 1), positive(given, "pageSize", 50)
    return Paging(number if paged else 0, size, flag(given, "totalPages", default=False))


def envelope(
    name: str, items: Sequence[Any], paging: Paging, url: str, given: Mapping[str, str], total: int | None
) -> dict[str, Any]:
    """Return one page under its list key, with the pager that leads on and back."""
    if not paging.number:
        return {name: list(items)}
    pager: dict[str, Any] = {"page": paging.number, "pageSize": paging.size}
    if total is not None:
        pager |= {"total": total, "pageCount": max(-(-total // paging.size), 1)}
    if paging.number > 1:
        pager["prevPage"] = f"{url}?{urlencode({**given, 'page': paging.number - 1})}"
    if len(items) > paging.size:
        pager["nextPage"] = f"{url}?{urlencode({**given, 'page': paging.number + 1})}"
    return {"pager": pager, name: list(items)[: paging.size]}


def read_query(kind: Kind, pairs: Sequence[tuple[str, str]]) -> Query:
    """Read the parameters of an export of `kind` (plural lists: several values separated by commas)."""
    given = dict(pairs)
    units = uids(given, "orgUnits") or uids(given, "orgUnit")
    mode = choice(
        {"orgUnitMode": given.get("orgUnitMode") or ("SELECTED" if units else "ACCESSIBLE")},
        "orgUnitMode",
        {name: name for name in _MODES},
    )
    if mode in _NEEDS_UNITS and not units:
        raise Malformed(f"At least one org unit is required for orgUnitMode: {mode}")
    if mode not in _NEEDS_UNITS and units:
        raise Malformed(f"orgUnitMode {mode} cannot be used with orgUnits")
    data = "filter" if kind == "event" else ""
    return Query(
        kind=kind,
        uids=uids(given, {"trackedEntity": "trackedEntities", "enrollment": "enrollments", "event": "events"}[kind]),
        org_units=units,
        mode=_MODES[mode],
        program=uid(given, "program"),
        type=uid(given, "trackedEntityType") if kind == "trackedEntity" else "",
        stage=uid(given, "programStage") if kind == "event" else "",
        entity=uid(given, "trackedEntity") if kind != "trackedEntity" else "",
        enrollments=uids(given, "enrollments") if kind == "event" else (),
        status=given.get("status", "").upper() if kind != "trackedEntity" else "",
        enrollment_status=(given.get("enrollmentStatus") or given.get("programStatus") or "").upper(),
        follow_up=flag(given, "followUp", default=False) if given.get("followUp") else None,
        occurred=_span(given, "occurred"),
        scheduled=_span(given, "scheduled"),
        enrolled=_span(given, "enrolled" if kind == "enrollment" else "enrollmentEnrolled"),
        updated=_span(given, "updated"),
        attributes=_filters(pairs, "filterAttributes" if data else "filter"),
        data=_filters(pairs, data),
        deleted=flag(given, "includeDeleted", default=False),
        order=_order(given.get("order", "")),
    )


def uid(given: Mapping[str, str], name: str) -> str:
    """Return a parameter that is a UID, empty when absent. Raises `Malformed`."""
    text = given.get(name, "").strip()
    if text and not is_uid(text):
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. UID must be an alphanumeric string of 11")
    return text


def uids(given: Mapping[str, str], name: str) -> list[str]:
    """Return a parameter that is a list of UIDs, separated by `,` (2.42) or `;` (2.41)."""
    parts = given.get(name, "").replace(";", ",").split(",")
    return [uid({name: part}, name) for part in parts if part.strip()]


def _span(given: Mapping[str, str], name: str) -> Span:
    """Read `<name>After` and `<name>Before`; a day without time is counted from its start, or to its end."""
    return _bound(given, f"{name}After", 0), _bound(given, f"{name}Before", 1)


def _bound(given: Mapping[str, str], name: str, days: int) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    moment = parse_moment(text)
    if moment is None:
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. It must be an ISO 8601 date or date-time")
    whole_day = len(text) == 10
    return moment + timedelta(days=days if whole_day else 0, milliseconds=days if not whole_day else 0)


def _filters(pairs: Sequence[tuple[str, str]], name: str) -> list[Filter]:
    found = []
    for key, text in pairs:
        if key == name:
            for part in _split(text, ","):
                found += _conditions(_split(part, ":"))
    return found


def _conditions(steps: list[str]) -> list[Filter]:
    """Read `uid[:operator[:operand]]…`; a bare uid asks for nothing."""
    uid_text, rest, found = steps[0], steps[1:], []
    while rest:
        operator = rest.pop(0).lower()
        if operator not in OPERATORS:
            raise Malformed(f"'{operator}' is not a valid operator.")
        if operator in UNARY:
            found.append(Filter(uid_text, operator))
        elif rest:
            found.append(Filter(uid_text, operator, rest.pop(0)))
        else:
            raise Malformed(f"Operator in filter must be be used with a value: {uid_text}:{operator}")
    return found


def _split(text: str, separator: str) -> list[str]:
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


def _order(text: str) -> list[tuple[str, bool]]:
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, direction = part.partition(":")
        if direction.lower() not in ("", "asc", "desc"):
            raise Malformed(f"'{direction}' is not a valid sort direction. Valid values are: [asc, desc].")
        found.append((name, direction.lower() == "desc"))
    if len({name for name, _ in found}) < len(found):
        raise Malformed("order must not repeat a field")
    return found
