"""The HTTP face: every path under `/api` and `/api/{28…43}`, with and without `.json`."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access, Face
from adapters.dhis2 import (
    configuration,
    data_store,
    duplicates,
    exports,
    files,
    generated,
    geo,
    held_files,
    icons,
    imports,
    jobs,
    login,
    me,
    metadata,
    notes,
    objects,
    org_unit_changes,
    org_units,
    ownership,
    settings,
    sharing,
    shell,
    system,
    user_pages,
)
from adapters.dhis2.calls import Call, Reply, Routes, Serve
from adapters.dhis2.webmessage import JSON, encode, refuse, web_message
from tracker_core.context import User
from tracker_core.errors import Conflict, Forbidden, HubError, wording
from tracker_core.metadata import schema


class _VersionConvertor(Convertor[str]):
    regex = "2[89]|3[0-9]|4[0-3]"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _TypeConvertor(_VersionConvertor):
    regex = "|".join(sorted(schema.TYPES, reverse=True))


register_url_convertor("dhis2version", _VersionConvertor())
register_url_convertor("dhis2type", _TypeConvertor())

# In the order in which they are tried: what is named comes before what a type may be called.
_SERVED: Routes = (
    *imports.ROUTES,
    *jobs.ROUTES,
    *exports.ROUTES,
    *ownership.ROUTES,
    *notes.ROUTES,
    *duplicates.ROUTES,
    *generated.ROUTES,
    *files.ROUTES,
    *held_files.ROUTES,
    *system.ROUTES,
    *shell.ROUTES,
    *login.ROUTES,
    *me.ROUTES,
    *user_pages.ROUTES,
    *configuration.ROUTES,
    *settings.ROUTES,
    *data_store.ROUTES,
    *icons.ROUTES,
    *sharing.ROUTES,
    *geo.ROUTES,
    *org_unit_changes.ROUTES,
    *org_units.ROUTES,
    *metadata.ROUTES,
    *objects.ROUTES,
)

# A part of the path captured whole takes a suffix along, and loses it in `answer`.
_SWALLOWS_SUFFIX = re.compile(r"\{\w+\}$")


_PREFIXES = ("/api", *(f"/api/{version}" for version in range(28, 44)))
_OPEN = ("/loginConfig", "/auth/login", "/ping", "/system/ping", "/locales/ui", "/staticContent/logo_front")
# The old address of the menu, which the header bar of every app still asks for.
_MENU = "/dhis-web-commons/menu/getModules.action"
# Stands in a call for who has not logged in, where that is allowed.
_ANYBODY = User("", "")


def routes(access: Access) -> Sequence[BaseRoute]:
    """Return the routes, answered by functions over `access`."""
    by_path: dict[str, dict[str, Serve]] = {}
    for method, path, serve in _SERVED:
        by_path.setdefault(path, {})[method] = serve
    menu = Route(_MENU, _endpoint(access, {"GET": shell.list_menu}), methods=["GET"])
    return [menu] + [
        Route(f"{prefix}{path}{suffix}", _endpoint(access, served), methods=list(served))
        for path, served in by_path.items()
        for suffix in ("", ".json")
        if not (suffix and _SWALLOWS_SUFFIX.search(path))
        for prefix in ("/api", "/api/{version:dhis2version}")
    ]


def _endpoint(access: Access, served: dict[str, Serve]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        call = Call(
            method=request.method,
            path=request.url.path,
            url=str(request.url.replace(query="")),
            pairs=tuple(request.query_params.multi_items()),
            captured={key: str(value).removesuffix(".json") for key, value in request.path_params.items()},
            body=await request.body(),
            content_type=request.headers.get("content-type", ""),
            headers=request.headers,
            user=getattr(request.state, "user", _ANYBODY),
        )
        serve = served["GET" if request.method == "HEAD" else request.method]
        reply = await run_in_threadpool(_reply, access, serve, call)
        content_type = reply.content_type or JSON
        body = reply.body if isinstance(reply.body, bytes) else encode(reply.body)
        return Response(body, reply.status, {**reply.headers, "Content-Type": content_type})

    return answer


def _reply(access: Access, serve: Serve, call: Call) -> Reply:
    try:
        return serve(access, call)
    except HubError as error:
        status = wording(error).http
        code, _, text = error.detail.partition(" ")
        known = isinstance(error, Conflict | Forbidden) and code[:1] == "E" and code[1:].isdigit()
        place = f" ({error.where})" if error.where else ""
        message = web_message(status, (text if known else error.detail) + place, code=code if known else "")
        return Reply(message, status)


FACE = Face(
    "/api",
    "the DHIS2 Web API: tracker, metadata, who you are",
    routes,
    refuse,
    public=frozenset(f"{prefix}{path}{suffix}" for prefix in _PREFIXES for path in _OPEN for suffix in ("", ".json")),
    audited=tuple(f"{prefix}/tracker" for prefix in _PREFIXES),
    opens="/api/system/info",
)
