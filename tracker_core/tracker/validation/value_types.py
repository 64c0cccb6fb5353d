"""DHIS2's 27 value types (Web API 2.42, "Value types"): what each accepts, a table of predicates over text,
and those that name something stored."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time

import orjson

from tracker_core.tracker.world import World
from tracker_core.uids import is_uid

Accepts = Callable[[str], bool]

_INTEGER = re.compile(r"(?:0|[+-]?[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}\Z")
_PHONE = re.compile(r"[0-9+ \-.()]{6,50}\Z")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}\Z")
_URL = re.compile(r"(?:https?|ftp)://[^\s/?#]+(?:[/?#]\S*)?\Z", re.IGNORECASE)
_LONGEST_TEXT = 50_000


def _integer(text: str) -> bool:
    return _INTEGER.match(text) is not None


def _positive(text: str) -> bool:
    return _INTEGER.match(text) is not None and text[0] not in "-0"


def _negative(text: str) -> bool:
    return _INTEGER.match(text) is not None and text[0] == "-"


def _zero_or_positive(text: str) -> bool:
    return _INTEGER.match(text) is not None and text[0] != "-"


def _number(text: str) -> bool:
    return _NUMBER.match(text) is not None


def _percentage(text: str) -> bool:
    return _NUMBER.match(text) is not None and 0 <= float(text) <= 100


def _unit_interval(text: str) -> bool:
    return _NUMBER.match(text) is not None and 0 <= float(text) <= 1


def _boolean(text: str) -> bool:
    return text in ("true", "false")


def _true_only(text: str) -> bool:
    return text == "true"


def _date(text: str) -> bool:
    """A day; a time of day behind it is allowed, because clients send back the date-times they were given."""
    if _DATE.match(text) is None:
        return len(text) > 10 and text[10] == "T" and _datetime(text)
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _datetime(text: str) -> bool:
    if "T" not in text:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _time(text: str) -> bool:
    if _TIME.match(text) is None:
        return False
    try:
        time.fromisoformat(text)
    except ValueError:
        return False
    return True


def _letter(text: str) -> bool:
    return len(text) == 1 and text.isalpha()


def _phone(text: str) -> bool:
    return _PHONE.match(text) is not None and any(c.isdigit() for c in text)


def _email(text: str) -> bool:
    return len(text) <= 254 and _EMAIL.match(text) is not None


def _url(text: str) -> bool:
    return _URL.match(text) is not None


def _coordinate(text: str) -> bool:
    """`[longitude,latitude]`."""
    try:
        point = orjson.loads(text)
        longitude, latitude = point
        return isinstance(point, list) and abs(longitude) <= 180 and abs(latitude) <= 90
    except (ValueError, TypeError):
        return False


def _geojson(text: str) -> bool:
    try:
        shape = orjson.loads(text)
    except ValueError:
        return False
    return isinstance(shape, dict) and "type" in shape and ("coordinates" in shape or "geometries" in shape)


def _uid(text: str) -> bool:
    return is_uid(text)


def _text(text: str) -> bool:
    return len(text) <= _LONGEST_TEXT


ACCEPTS: dict[str, Accepts] = {
    "TEXT": _text,
    "MULTI_TEXT": _text,
    "LETTER": _letter,
    "PHONE_NUMBER": _phone,
    "EMAIL": _email,
    "BOOLEAN": _boolean,
    "TRUE_ONLY": _true_only,
    "DATE": _date,
    "DATETIME": _datetime,
    "TIME": _time,
    "NUMBER": _number,
    "UNIT_INTERVAL": _unit_interval,
    "PERCENTAGE": _percentage,
    "INTEGER": _integer,
    "INTEGER_POSITIVE": _positive,
    "INTEGER_NEGATIVE": _negative,
    "INTEGER_ZERO_OR_POSITIVE": _zero_or_positive,
    "COORDINATE": _coordinate,
    "REFERENCE": _uid,
    "AGE": _date,
    "URL": _url,
    "GEOJSON": _geojson,
}


def accepts(value_type: str, text: str, world: World) -> bool:
    """Tell whether `text` is a value of `value_type`. LONG_TEXT, and a type that is none of the 27, accept anything."""
    if predicate := ACCEPTS.get(value_type):
        return predicate(text)
    if value_type == "ORGANISATION_UNIT":
        return text in world.metadata.org_units
    if value_type in ("FILE_RESOURCE", "IMAGE"):
        return text in world.files and (value_type != "IMAGE" or world.files[text].startswith("image/"))
    return value_type != "USERNAME" or world.usernames.get(text) == text


def in_options(value_type: str, options: Mapping[str, str], text: str) -> bool:
    """Tell whether `text` names codes of an option set; MULTI_TEXT holds several, separated by commas."""
    if text in options:
        return True
    return value_type == "MULTI_TEXT" and all(code in options for code in text.split(","))
