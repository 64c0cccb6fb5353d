"""DHIS2's envelope for everything that is not data (Web API 2.42, "WebMessage envelope"), and JSON as it writes it."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson

JSON = "application/json"


def web_message(
    status: int, text: str = "", *, code: str = "", response: dict[str, Any] | None = None, state: str = ""
) -> dict[str, Any]:
    """Return the envelope for an HTTP status; `state` is OK, WARNING or ERROR and follows from the status if empty."""
    message: dict[str, Any] = {
        "httpStatus": HTTPStatus(status).phrase,
        "httpStatusCode": status,
        "status": state or ("OK" if status < 400 else "ERROR"),
    }
    if text:
        message["message"] = text
    if code:
        message["errorCode"] = code
    if response is not None:
        message["response"] = response
    return message


def refuse(status: int, text: str) -> tuple[bytes, str]:
    """Return a refusal as the hub's edge sends it: body and content type."""
    return encode(web_message(status, text)), JSON


def encode(value: Any) -> bytes:
    """Return `value` as JSON; times in DHIS2's form, `yyyy-MM-dd'T'HH:mm:ss.SSS` in the server's zone (UTC)."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    if isinstance(value, frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
