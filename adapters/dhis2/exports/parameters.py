"""Single parameters of an export: uids, times, durations, words; renamed ones under either name."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from adapters.dhis2.lists import uid, uids
from adapters.dhis2.parameters import flag
from tracker_core.errors import Malformed
from tracker_core.tracker.resolving import parse_moment
from tracker_core.tracker.search import MODES, Assignees, Mode, Place, Span
from tracker_core.tracker.search.queries import AssigneeMode

T = TypeVar("T", bound=str)
_NEEDS_UNITS = ("SELECTED", "CHILDREN", "DESCENDANTS")
_ASSIGNEES: tuple[AssigneeMode, ...] = ("ALL", "CURRENT", "PROVIDED", "NONE", "ANY")
_ISO = re.compile(r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SHORT = re.compile(r"(\d+)([dhms])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def renamed(given: Mapping[str, str], old: str, new: str) -> str:
    """Return a parameter that may be given under its older name, but not under both. Raises `Malformed`."""
    before, now = given.get(old, "").strip(), given.get(new, "").strip()
    if before and now:
        raise Malformed(
            f"Only one parameter of '{old}' and '{new}' must be specified. Prefer '{new}' as '{old}' will be removed."
        )
    return before or now


def word(given: Mapping[str, str], name: str, choices: Sequence[T]) -> T | None:
    """Return which of `choices` a parameter names, in any case of letters. Raises `Malformed`."""
    text = given.get(name, "").strip().upper()
    if text and text not in choices:
        raise Malformed(f"Value '{given[name]}' is not valid for parameter {name}. Valid values are: {list(choices)}")
    return cast("T", text) if text else None


def maybe(given: Mapping[str, str], name: str) -> bool | None:
    """Return a boolean parameter, None when it is absent."""
    return flag(given, name, default=False) if given.get(name, "").strip() else None


def span(given: Mapping[str, str], name: str) -> Span:
    """Read `<name>After` and `<name>Before`; a day without time is counted from its start, or to its end."""
    return _bound(given, f"{name}After", before=False), _bound(given, f"{name}Before", before=True)


def updated(given: Mapping[str, str]) -> Span:
    """Read `updatedAfter` and `updatedBefore`, or `updatedWithin`: a duration back from now. Raises `Malformed`."""
    within = given.get("updatedWithin", "").strip()
    after, before = span(given, "updated")
    if within and (after or before):
        raise Malformed("Last updated from and/or to and last updated duration cannot be specified simultaneously")
    return (datetime.now(UTC) - _duration(within), None) if within else (after, before)


def place(given: Mapping[str, str], *, alone: bool = False) -> Place:
    """Read `orgUnits` (or `orgUnit`) and `orgUnitMode`; `alone` when units need not go with a mode that wants them."""
    renamed(given, "orgUnit", "orgUnits")
    units = uids(given, "orgUnits") or uids(given, "orgUnit")
    name = "ouMode" if renamed(given, "ouMode", "orgUnitMode") and given.get("ouMode") else "orgUnitMode"
    mode: Mode = word(given, name, MODES) or ("SELECTED" if units else "ACCESSIBLE")
    if mode in _NEEDS_UNITS and not units:
        if alone:
            return Place()
        raise Malformed(
            f"At least one org unit is required for orgUnitMode: {mode}."
            " Please add one org unit or use a different orgUnitMode."
        )
    if mode not in _NEEDS_UNITS and units:
        raise Malformed(
            f"orgUnitMode {mode} cannot be used with orgUnits. Please remove the orgUnit parameter and try again."
        )
    return Place(mode, tuple(dict.fromkeys(units)))


def assignees(given: Mapping[str, str]) -> Assignees:
    """Read `assignedUserMode` and `assignedUsers`. Raises `Malformed`."""
    renamed(given, "assignedUser", "assignedUsers")
    users = uids(given, "assignedUsers") or uids(given, "assignedUser")
    mode = word(given, "assignedUserMode", _ASSIGNEES) or ("PROVIDED" if users else "ALL")
    if users and mode != "PROVIDED":
        raise Malformed("Assigned User uid(s) cannot be specified if selectionMode is not PROVIDED")
    if mode == "PROVIDED" and not users:
        raise Malformed("Assigned User uid(s) must be specified if selectionMode is PROVIDED")
    return Assignees(mode, users)


def order(given: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Read `order`: (property, descending) of each key. Raises `Malformed` for what is no direction."""
    found = []
    for part in filter(None, (piece.strip() for piece in given.get("order", "").split(","))):
        name, _, direction = part.partition(":")
        if direction.lower() not in ("", "asc", "desc"):
            raise Malformed(f"'{direction}' is not a valid sort direction. Valid values are: [asc, desc].")
        found.append((name, direction.lower() == "desc"))
    return found


def need_program(given: Mapping[str, str], reasons: Mapping[str, str]) -> None:
    """Refuse parameters that make sense within a program only. Raises `Malformed` in DHIS2's words."""
    if uid(given, "program"):
        return
    for name, meaning in reasons.items():
        if given.get(name, "").strip():
            raise Malformed(f"Program must be defined when {meaning}")


def _bound(given: Mapping[str, str], name: str, *, before: bool) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    moment = parse_moment(text)
    if moment is None:
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. It must be an ISO 8601 date or date-time")
    if not before:
        return moment
    try:
        return moment + (timedelta(days=1) if len(text) == 10 else timedelta(milliseconds=1))
    except OverflowError as error:
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. It is too far away") from error


def _duration(text: str) -> timedelta:
    """Read an ISO 8601 duration (`P5D`, `PT12H`) or a short one (`5d`, `12h`)."""
    short, iso = _SHORT.fullmatch(text.lower()), _ISO.fullmatch(text.upper())
    try:
        if short:
            return _at_most(timedelta(**{_UNITS[short[2]]: int(short[1])}))
        if iso:
            weeks, days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
            return _at_most(timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds))
    except (OverflowError, ValueError) as error:
        raise Malformed(f"Duration is not valid: {text}") from error
    raise Malformed(f"Duration is not valid: {text}")


def _at_most(duration: timedelta) -> timedelta:
    """Refuse what leads to before the first year. Raises `OverflowError`."""
    _ = datetime.now(UTC) - duration
    return duration
