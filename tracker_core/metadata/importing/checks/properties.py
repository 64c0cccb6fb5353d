"""What the description of a type says of each property: that it is there, what it may be, how long."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from tracker_core.issues import Issue
from tracker_core.metadata import schema
from tracker_core.metadata.importing.incoming import Incoming, Prospect
from tracker_core.metadata.schema import Kind, Property, Type
from tracker_core.uids import is_uid

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+\Z")
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\Z")
_URL = re.compile(r"(?:https?|ftp)://\S+\Z", re.IGNORECASE)
_SHOWN = 200


def check(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4000 (missing), E4027 (no such value), E4001 … E4008 (length, form, range), E4014 (a part's uid)."""
    for item in prospect.items:
        if item.implied:
            continue
        for part in schema.parts(item.type, item.doc):
            yield from _missing(item, part.type, part.doc)
            yield from _identified(item, part.type, part.doc)
        yield from check_values(item)


def check_values(item: Incoming) -> Iterator[Issue]:
    """Yield what is wrong with the values of an object and its parts, not what is missing."""
    for part in schema.parts(item.type, item.doc):
        for name, value in part.doc.items():
            found = part.type.properties.get(name)
            if found is not None and found.owner:
                yield from _wrong(item, found, value)


def _missing(item: Incoming, type: Type, doc: dict[str, Any]) -> Iterator[Issue]:
    for found in type.properties.values():
        if found.required and found.owner and doc.get(found.name) in (None, "") and not _supplied(item, type, found):
            yield item.fault("E4000", found.name)


def _supplied(item: Incoming, type: Type, found: Property) -> bool:
    """Tell whether what is missing in a part follows from where it stands: the name of a visualization's item, say."""
    return found.name == "code" and type is not item.type


def _identified(item: Incoming, type: Type, doc: dict[str, Any]) -> Iterator[Issue]:
    uid = doc.get("id")
    if not type.part and uid is not None and not is_uid(str(uid)):
        yield item.fault("E4014", str(uid), "id", value=str(uid))


def _wrong(item: Incoming, found: Property, value: Any) -> Iterator[Issue]:
    accepts = _ACCEPTS.get(found.kind)
    values = value if found.many and isinstance(value, list) else [value]
    if found.many and not isinstance(value, list):
        yield item.fault("E4027", _shown(value), found.name, value=_shown(value))
        return
    for each in values:
        if accepts is not None and not accepts(found, each):
            yield _form(item, found, each)
            return
    yield from _size(item, found, value)


def _form(item: Incoming, found: Property, value: Any) -> Issue:
    code = {"email": "E4003", "url": "E4004", "color": "E4006"}.get(found.kind)
    if code:
        return item.fault(code, found.name, _shown(value), value=_shown(value))
    return item.fault("E4027", _shown(value), found.name, value=_shown(value))


def _size(item: Incoming, found: Property, value: Any) -> Iterator[Issue]:
    if found.many or (found.low is None and found.high is None):
        return
    size = len(value) if isinstance(value, str) else value
    if (found.low is None or size >= found.low) and (found.high is None or size <= found.high):
        return
    low, high = str(found.low or 0), "" if found.high is None else str(found.high)
    if not isinstance(value, str):
        yield item.fault("E4008", found.name, low, high, str(size))
    elif found.low is None or size > found.low:
        yield item.fault("E4001", found.name, high, str(size))
    else:
        yield item.fault("E4002", found.name, low, high, str(size))


def _shown(value: Any) -> str:
    return str(value)[:_SHOWN]


def _is_text(_found: Property, value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_boolean(_found: Property, value: Any) -> bool:
    return isinstance(value, bool) or value in ("true", "false")


def _is_number(_found: Property, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(_found: Property, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_enum(found: Property, value: Any) -> bool:
    return isinstance(value, str) and value in found.values


def _is_time(_found: Property, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return _is_date(_found, value[:10])
    return True


def _is_date(_found: Property, value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False


def _is_object(_found: Property, value: Any) -> bool:
    return isinstance(value, dict)


def _is_reference(_found: Property, value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and bool({"id", "code"} & value.keys()))


def _matches(pattern: re.Pattern[str]) -> Callable[[Property, Any], bool]:
    return lambda _found, value: isinstance(value, str) and (not value or pattern.match(value) is not None)


_ACCEPTS: dict[Kind, Callable[[Property, Any], bool]] = {
    "text": _is_text,
    "texts": _is_text,
    "boolean": _is_boolean,
    "integer": _is_integer,
    "integers": _is_integer,
    "number": _is_number,
    "date": _is_date,
    "datetime": _is_time,
    "enum": _is_enum,
    "enums": _is_enum,
    "color": _matches(_COLOR),
    "email": _matches(_EMAIL),
    "url": _matches(_URL),
    "part": _is_object,
    "parts": _is_object,
    "ref": _is_reference,
    "refs": _is_reference,
    "geometry": _is_object,
}
