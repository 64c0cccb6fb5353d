"""The parameters of an export, as DHIS2 names them (2.42 Web API, "Data values: reading data values")."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from starlette.datastructures import QueryParams

from adapters.aggregate.schemes import is_on
from tracker_core import metadata
from tracker_core.aggregates.exporting import Selection
from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.metadata import Metadata


def selection(session: Session, parameters: QueryParams) -> Selection:
    """Read an export's parameters. Raises `Conflict` with DHIS2's words for what is missing (E2001, E2002, E2006 …)."""
    known = metadata.load(session)
    data_sets = _uids(known, "dataSets", parameters.getlist("dataSet"))
    elements = _uids(known, "dataElements", parameters.getlist("dataElement"))
    units = _uids(known, "organisationUnits", parameters.getlist("orgUnit"))
    start, end = _day(parameters, "startDate"), _day(parameters, "endDate")
    periods = parameters.getlist("period")
    since = _since(parameters)
    for absent, code, text in (
        (not data_sets and not elements, "E2001", "At least one data element, data set or data element group"),
        (
            not periods and not (start and end) and not since,
            "E2002",
            "At least one period, start/end dates or last updated",
        ),
        (not units, "E2006", "At least one organisation unit"),
    ):
        if absent:
            raise Conflict(f"{code}: {text} must be specified")
    if periods and (start or end):
        raise Conflict("E2003: Both periods and start/end date cannot be specified")
    if start and end and start > end:
        raise Conflict("E2004: Start date must be before end date")
    deleted = is_on(parameters.get("includeDeleted"))
    limit = parameters.get("limit", "")
    return Selection(
        data_sets, elements, periods, start, end, since, units, is_on(parameters.get("children")), deleted,
        int(limit) if limit.isdecimal() else None,
    )  # fmt: skip


def _uids(known: Metadata, type: str, keys: list[str]) -> list[str]:
    found = [(key, known.uid_of(type, key)) for key in keys]
    for key, uid in found:
        if uid is None:
            raise Conflict(f"{key!r} is not found in {type}")
    return [uid for _, uid in found if uid]


def _day(parameters: Mapping[str, str], name: str) -> date | None:
    try:
        return date.fromisoformat(parameters[name]) if parameters.get(name) else None
    except ValueError as error:
        raise Conflict(f"{name} is not a date: {parameters[name]!r}") from error


def _since(parameters: Mapping[str, str]) -> datetime | None:
    duration = parameters.get("lastUpdatedDuration", "")
    if duration:
        number, unit = duration[:-1], {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}.get(duration[-1])
        if not number.isdecimal() or unit is None:
            raise Conflict(f"E2005: Duration is not valid: `{duration}`")
        return datetime.now(UTC) - timedelta(**{unit: int(number)})
    try:
        found = datetime.fromisoformat(parameters["lastUpdated"]) if parameters.get("lastUpdated") else None
    except ValueError as error:
        raise Conflict(f"lastUpdated is not a date: {parameters['lastUpdated']!r}") from error
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None
