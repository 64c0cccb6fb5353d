"""The routes of `$validate`, on types and on records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir import outcomes, xml
from adapters.fhir.formats import negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.requests import kind_of
from adapters.fhir.validating.worlds import world
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.issues import Issue
from tracker_core.profiles import validate
from tracker_core.records import documents
from tracker_core.records.definitions import resource_types

_MODES = ("", "create", "update", "delete", "profile")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be validated: the document's bytes (empty: the stored record), how, and against which profiles."""

    body: bytes = b""
    mode: str = ""
    profiles: tuple[str, ...] = ()


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes."""

    async def validated(request: HttpRequest) -> Response:
        asked = _asked(request, await request.body())
        return await run_in_threadpool(_answered, access, request, asked)

    methods = ["GET", "POST"]
    return [
        Route(f"{prefix}/{{type}}/$validate", negotiated(validated), methods=["POST"]),
        Route(f"{prefix}/{{type}}/{{id}}/$validate", negotiated(validated), methods=methods),
    ]


def _asked(request: HttpRequest, raw: bytes) -> Asked:
    query = request.query_params
    asked = Asked(b"", query.get("mode", ""), tuple(query.getlist("profile")))
    if raw.strip():
        if kind_of(request.headers.get("content-type", "")).endswith("xml"):
            raw = xml.read(raw)
        asked = _with_body(asked, raw)
    if asked.mode not in _MODES:
        raise Malformed(f"mode is one of {', '.join(_MODES[1:])}", where="mode")
    return asked


class _Part(msgspec.Struct, rename="camel"):
    name: str = ""
    resource: msgspec.Raw = msgspec.Raw()
    value_code: str = ""
    value_string: str = ""
    value_uri: str = ""
    value_canonical: str = ""

    @property
    def text(self) -> str:
        return self.value_code or self.value_string or self.value_uri or self.value_canonical


class _Parameters(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    parameter: list[_Part] = msgspec.field(default_factory=list)


def _with_body(asked: Asked, raw: bytes) -> Asked:
    """A Parameters resource holds what is asked, unless it is Parameters that are to be validated."""
    try:
        given = msgspec.json.decode(raw, type=_Parameters)
    except msgspec.ValidationError:
        return Asked(raw, asked.mode, asked.profiles)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    named = {one.name for one in given.parameter}
    if given.resource_type != "Parameters" or not named <= {"resource", "mode", "profile", "usageContext"}:
        return Asked(raw, asked.mode, asked.profiles)
    body = next((bytes(one.resource) for one in given.parameter if one.name == "resource"), b"")
    mode = next((one.text for one in given.parameter if one.name == "mode"), asked.mode)
    profiles = tuple(one.text for one in given.parameter if one.name == "profile" and one.text)
    return Asked(body, mode, (*asked.profiles, *profiles))


def _answered(access: Access, request: HttpRequest, asked: Asked) -> Response:
    type_, id = request.path_params["type"], request.path_params.get("id", "")
    if type_ not in resource_types():
        raise NotFound(f"R4 has no resource type {type_!r}")
    with access.session() as session:
        issues = _issues(session, type_, id, asked)
    return Response(outcomes.outcome(issues), media_type=CONTENT_TYPE)


def _issues(session: Session, type_: str, id: str, asked: Asked) -> list[Issue]:
    body = asked.body
    if id and not body:
        found = records.read(session, [(type_, id)]).get((type_, id))
        if found is None or found.deleted:
            raise NotFound(f"there is no {type_}/{id}")
        body = found.doc
    if asked.mode == "delete" and id:
        return []
    if not body:
        raise Malformed("a resource is expected: as the body, or as the parameter resource")
    document = _decoded(body)
    if not isinstance(document, dict):
        return [Issue("structure", "a resource is a JSON object", where=type_)]
    wrong = _misplaced(document, type_, id, asked.mode)
    return [*wrong, *validate(world(session, [body]), [document], asked.profiles)[0]]


def _decoded(body: bytes) -> Any:
    try:
        return documents.decode(body)
    except (msgspec.DecodeError, orjson.JSONDecodeError, ValueError) as error:
        raise Malformed(f"the resource is not JSON: {error}") from error


def _misplaced(document: dict[str, Any], type_: str, id: str, mode: str) -> list[Issue]:
    """Tell what would keep the document from being created or put here."""
    issues = []
    held = document.get("resourceType")
    if held != type_:
        issues.append(Issue("value", f"resourceType is not {type_}", where="resourceType", value=str(held)))
    if id and document.get("id") != id:
        issues.append(Issue("value", f"the id is not {id}", where=f"{type_}.id", value=str(document.get("id", ""))))
    if mode == "update" and not id and "id" not in document:
        issues.append(Issue("required", "what is updated has an id", where=f"{type_}.id"))
    if mode == "create" and "id" in document:
        text = "what is created gets an id here: this one will not be kept"
        issues.append(Issue("informational", text, "information", where=f"{type_}.id"))
    return issues
