"""Codecs for dates and times: DTM text (`202401020304+0300`) of ER7, ISO text of other documents, both <-> FHIR.

Precision is kept: a year stays a year. A time without offset gets the offset of its zone on that day (Scope.zone).
HL7 v2.9 chapter 2A (DTM, DT, TM); FHIR R4 Data Types (date, dateTime, time).
"""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.scope import Scope, Unfit

_DTM = re.compile(
    r"(?P<y>\d{4})(?:(?P<m>\d\d)(?:(?P<d>\d\d)(?:(?P<H>\d\d)(?:(?P<M>\d\d)(?:(?P<S>\d\d)(?P<f>\.\d+)?)?)?)?)?)?"
    r"(?P<z>[+-]\d{4})?\Z"
)
_ISO = re.compile(
    r"(?P<y>\d{4})(?:-(?P<m>\d\d)(?:-(?P<d>\d\d)(?:[T ](?P<H>\d\d):(?P<M>\d\d)(?::(?P<S>\d\d)(?P<f>\.\d+)?)?)?)?)?"
    r"\s?(?P<z>Z|[+-]\d\d:?\d\d)?\Z"
)
_TM = re.compile(r"(?P<H>\d\d)(?::?(?P<M>\d\d)(?::?(?P<S>\d\d)(?P<f>\.\d+)?)?)?(?P<z>Z|[+-]\d\d:?\d\d)?\Z")


def read_datetime(text: str, scope: Scope, _old: Any = None) -> Any:
    """Read DTM or ISO text as a FHIR date or dateTime of the same precision. Raises `Unfit`."""
    cleaned = text.strip()
    if not cleaned:
        return MISSING
    match = _DTM.match(cleaned) or _ISO.match(cleaned)
    if match is None:
        raise Unfit("not a date or time")
    day = read_day(match)
    if match["H"] is None or match["M"] is None:
        if match["H"] is not None:
            scope.warn("hour-precision", "FHIR has no time of an hour's precision; the date was kept", text)
        return day
    moment = checked_time(match)
    offset = offset_text(match["z"], f"{day}T{moment[:8]}", scope)
    return f"{day}T{moment}{offset}"


def read_day(match: re.Match[str]) -> str:
    """Return the date part of a match, checked against the calendar."""
    parts = [match[name] for name in "ymd" if match[name]]
    try:
        date(int(parts[0]), *(int(part) for part in [*parts[1:], "1", "1"][:2]))
    except ValueError:
        raise Unfit("no such day") from None
    return "-".join(parts)


def checked_time(match: re.Match[str]) -> str:
    """Return the time part of a match with seconds, as FHIR wants them."""
    hour, minute, second = match["H"], match["M"] or "00", match["S"] or "00"
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        raise Unfit("no such time")
    return f"{hour}:{minute}:{second}{match['f'] or ''}"


def offset_text(found: str | None, moment: str, scope: Scope) -> str:
    """Return the offset of a time: its own, else that of the zone on that day."""
    if found == "Z":
        return "Z"
    if found:
        sign, digits = found[0], found[1:].replace(":", "")
        if int(digits[:2]) > 14 or int(digits[2:]) > 59:
            raise Unfit("no such time offset")
        return f"{sign}{digits[:2]}:{digits[2:]}"
    try:
        local = datetime.fromisoformat(moment.replace(":60", ":59")).replace(tzinfo=scope.zone())
    except ValueError:
        raise Unfit("no such time") from None
    return local.isoformat()[-6:]


def read_instant(text: str, scope: Scope, _old: Any = None) -> Any:
    """Read a time of at least a minute's precision as a FHIR instant."""
    value = read_datetime(text, scope)
    if value is not MISSING and "T" not in value:
        raise Unfit("an instant needs a time")
    return value


def parse_offset(text: str) -> timezone | None:
    """Return the zone of an offset as DTM ends with it (`…+0300`), None when there is none."""
    match = _DTM.match(text)
    if match is None or not match["z"]:
        return None
    minutes = int(match["z"][1:3]) * 60 + int(match["z"][3:])
    return timezone(timedelta(minutes=-minutes if match["z"][0] == "-" else minutes))


def write_dtm(value: Any, _scope: Scope, _old: Any = None) -> str | None:
    """Return a FHIR date or dateTime as DTM of the same precision, its offset kept."""
    match = _ISO.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    text = "".join(match[name] or "" for name in "ymdHMS") + (match["f"] or "")
    zone = match["z"]
    return text + ("+0000" if zone == "Z" else zone.replace(":", "") if zone else "")


def write_day(value: Any, _scope: Scope, _old: Any = None) -> str | None:
    """Return the date of a FHIR date or dateTime as DT."""
    match = _ISO.match(value) if isinstance(value, str) else None
    return "".join(match[name] or "" for name in "ymd") if match else None


def read_date(text: str, _scope: Scope, old: Any = None) -> Any:
    """Read the date of a text as a FHIR date; an old dateTime of that day keeps its time."""
    cleaned = text.strip()
    if not cleaned:
        return MISSING
    match = _DTM.match(cleaned) or _ISO.match(cleaned)
    if match is None:
        raise Unfit("not a date")
    day = read_day(match)
    return old if isinstance(old, str) and old[:10] == day and len(old) > 10 else day


def read_time(text: str, _scope: Scope, _old: Any = None) -> Any:
    """Read a time of day as a FHIR time; FHIR's has no offset."""
    match = _TM.match(text.strip())
    if match is None:
        raise Unfit("not a time of day")
    return checked_time(match)


def write_tm(value: Any, _scope: Scope, _old: Any = None) -> str | None:
    """Return a FHIR time as TM."""
    match = _TM.match(value) if isinstance(value, str) else None
    return "".join(match[name] or "" for name in "HMS") + (match["f"] or "") if match else None


def iso(value: Any, _scope: Scope, _old: Any = None) -> str | None:
    """Return a FHIR date or dateTime as it is."""
    return value if isinstance(value, str) else None


def iso_day(value: Any, _scope: Scope, _old: Any = None) -> str | None:
    """Return the day of a FHIR date or dateTime; a year or a month stays one."""
    return value[:10] if isinstance(value, str) else None


CODECS = (
    Codec("dateTime", read_datetime, write_dtm, "head"),
    Codec("instant", read_instant, write_dtm, "head"),
    Codec("date", read_date, write_day, "head"),
    Codec("time_of_day", read_time, write_tm, "head"),
)
