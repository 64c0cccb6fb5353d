"""Request bodies that are JSON documents."""

from typing import Any

import orjson

from adapters.dhis2.calls import Call
from tracker_core.errors import Malformed


def read_json(call: Call) -> Any:
    """Return the JSON value in the body. Raises `Malformed` for what is none, or holds a character we cannot keep."""
    try:
        found = orjson.loads(call.body)
    except ValueError as error:
        raise Malformed(f"Invalid JSON: {error}") from error
    if b"\\u0000" in call.body:
        raise Malformed("the body holds the character U+0000, which cannot be stored")
    return found


def read_object(call: Call) -> dict[str, Any]:
    """Return the JSON object in the body. Raises `Malformed`."""
    found = read_json(call)
    if not isinstance(found, dict):
        raise Malformed("a JSON object was expected")
    return found
