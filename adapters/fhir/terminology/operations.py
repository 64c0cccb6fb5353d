"""The operations by type and name, each from a request to the resource that answers it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from adapters.fhir.terminology.shelf import Reader
from terminology.closure import grow
from terminology.expanding import expand
from terminology.library import Document
from terminology.looking_up import look_up, subsume
from terminology.problems import Problem
from terminology.requests import Request
from terminology.translating import compile_map, translate
from terminology.validating import validate_code, validate_in_system, validate_many
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import NotFound

Operation = Callable[[Reader, Request, str], Document]
_GIVEN = {"ValueSet": "valueSet", "CodeSystem": "codeSystem", "ConceptMap": "conceptMap"}


def _expand(shelf: Reader, request: Request, accepted: str) -> Document:
    return expand(shelf.library, request, datetime.now(UTC), accepted)


def _validate_code(shelf: Reader, request: Request, accepted: str) -> Document:
    return _parameters(validate_code(shelf.library, request, accepted))


def _validate_many(shelf: Reader, request: Request, accepted: str) -> Document:
    return _parameters(validate_many(shelf.library, request, accepted))


def _validate_in_system(shelf: Reader, request: Request, accepted: str) -> Document:
    return _parameters(validate_in_system(shelf.library, request, accepted))


def _look_up(shelf: Reader, request: Request, accepted: str) -> Document:
    return _parameters(look_up(shelf.library, request, accepted))


def _subsumes(shelf: Reader, request: Request, _: str) -> Document:
    outcome = subsume(shelf.library, request)
    return _parameters([{"name": "outcome", "valueCode": outcome}])


def _translate(shelf: Reader, request: Request, _: str) -> Document:
    brought = [compile_map(doc) for doc in request.resources if doc.get("resourceType") == "ConceptMap"]
    if isinstance(given := request.single.get("conceptMap"), dict):
        return _parameters(translate([compile_map(given)], request))
    url = request.text("url").partition("|")[0]
    maps = [one for one in [*brought, *shelf.maps(url)] if not url or one.url == url]
    if url and not maps:
        raise Problem.value_set_missing(url)
    return _parameters(translate(maps, request))


def _closure(shelf: Reader, request: Request, _: str) -> Document:
    name = request.text("name")
    if not name or shelf.session is None:
        raise Problem.bad_request("the name of the closure table is expected")
    return grow(shelf.session, shelf.library, name, request.many.get("concept", []), request.number("version"))


def _parameters(parts: list[dict[str, Any]]) -> Document:
    return {"resourceType": "Parameters", "parameter": parts}


# Answered in the event loop when all they need is in memory: they look up and never walk.
QUICK = frozenset({_validate_code, _validate_in_system, _look_up, _subsumes, _translate})

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("ValueSet", "$expand"): _expand,
    ("ValueSet", "$validate-code"): _validate_code,
    ("ValueSet", "$batch-validate-code"): _validate_many,
    ("CodeSystem", "$validate-code"): _validate_in_system,
    ("CodeSystem", "$lookup"): _look_up,
    ("CodeSystem", "$subsumes"): _subsumes,
    ("ConceptMap", "$translate"): _translate,
    ("ConceptMap", "$closure"): _closure,
}


def on_instance(session: Session, type_: str, id: str, request: Request) -> None:
    """Let `request` ask about the record `type_/id`. Raises `NotFound`."""
    found = records.read(session, [(type_, id)]).get((type_, id))
    if found is None or found.deleted:
        raise NotFound(f"{type_}/{id} is not known")
    doc = orjson.loads(found.doc)
    request.single[_GIVEN[type_]] = doc
    if type_ == "CodeSystem":
        request.single["system"] = doc.get("url", "")
