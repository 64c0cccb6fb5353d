"""The format of an answer: JSON or XML, pretty or not, by `_format`, `_pretty` and Accept (FHIR R4 3.1.0.1.11)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapters.fhir import outcomes, xml
from tracker_core.errors import HubError, Unavailable, wording

JSON_TYPE = outcomes.CONTENT_TYPE
XML_TYPE = "application/fhir+xml; charset=utf-8"
_JSON = ("application/fhir+json", "application/json", "application/*", "*/*", "text/json", "json", "application/*+json")
_XML = ("application/fhir+xml", "application/xml", "text/xml", "xml", "text/*")
_VERSIONS = ("4.0", "4.0.1")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Format:
    """What the caller wants to read."""

    xml: bool = False
    pretty: bool = False


PLAIN = Format()


def wanted(query: Mapping[str, str], accept: str) -> Format:
    """Return the best offered format. Raises `HTTPException` 406 when none of those asked for is offered."""
    asked = query.get("_format") or accept or "*/*"
    for kind in _by_preference(asked):
        if kind in _JSON or kind in _XML:
            return Format(kind in _XML, query.get("_pretty") == "true")
    raise HTTPException(406, f"{asked} is not offered: ask for application/fhir+json or application/fhir+xml")


def _by_preference(asked: str) -> list[str]:
    """Return the types asked for, the dearest first; those of another FHIR version are left out."""
    kinds: list[tuple[float, str]] = []
    for part in asked.split(","):
        # A plus sign that was not escaped in a query arrives as a blank.
        kind, *settings = (piece.strip() for piece in part.split(";"))
        pairs = dict(setting.partition("=")[::2] for setting in settings)
        if pairs.get("fhirVersion", "4.0").strip('"') in _VERSIONS and (weight := _weight(pairs.get("q", "1"))):
            kinds.append((-weight, kind.replace(" ", "+").lower()))
    return [kind for _, kind in sorted(kinds, key=lambda pair: pair[0])]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0


def negotiated(handler: Handler, *, any_type: bool = False) -> Handler:
    """Return the handler with its answers and refusals in the format that the caller wants.

    With `any_type` the handler decides on the form of what it answers; refusals come in JSON.
    """

    async def answered(request: Request) -> Response:
        asked = PLAIN if any_type else _asked(request)
        try:
            response = await handler(request)
        except Unavailable:
            # The hub's edge says when to come again.
            raise
        except HubError as error:
            response = Response(outcomes.of_error(error), wording(error).http, media_type=JSON_TYPE)
        except HTTPException as error:
            response = Response(
                outcomes.refuse(error.status_code, error.detail)[0], error.status_code, media_type=JSON_TYPE
            )
        return response if asked == PLAIN else shaped(response, asked)

    return answered


def _asked(request: Request) -> Format:
    # Nearly every request asks for JSON by one of the usual names.
    accept = request.headers.get("accept", "")
    if not request.url.query and accept in ("", "*/*", "application/fhir+json", "application/json"):
        return PLAIN
    return wanted(request.query_params, accept)


def shaped(response: Response, asked: Format) -> Response:
    """Return a JSON response in another format."""
    body = bytes(response.body)
    if not body:
        return response
    body = xml.write(body, pretty=asked.pretty) if asked.xml else msgspec.json.format(body, indent=2)
    headers = {
        name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")
    }
    return Response(body, response.status_code, headers, XML_TYPE if asked.xml else JSON_TYPE)
