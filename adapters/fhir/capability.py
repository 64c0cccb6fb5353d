"""CapabilityStatement, made from what the store indexes and the face routes."""

from functools import lru_cache
from typing import Any

import orjson

from adapters.fhir.bulk import OPERATIONS as BULK
from adapters.fhir.forms import OPERATIONS as FORMS
from adapters.fhir.measures.http import OFFERED as MEASURE_OPERATIONS
from adapters.fhir.messaging.http import OFFERED as MESSAGING
from adapters.fhir.patching import JSON_PATCH
from adapters.fhir.patients.http import OFFERED as PATIENT_OPERATIONS
from adapters.fhir.searching import operations as searching
from adapters.fhir.subscriptions import OPERATIONS as SUBSCRIPTIONS
from adapters.fhir.terminology.operations import OPERATIONS
from tracker_core.records.definitions import edition, parameters, resource_types
from tracker_core.records.extraction import sources
from tracker_core.records.search.criteria import EVERYWHERE

_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
_SYSTEM = ("transaction", "batch", "history-system", "search-system")
_FORMATS = ("json", "application/fhir+json", "xml", "application/fhir+xml")
_HEAD = ("_id", "_lastUpdated")
_SOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"


def statement(base: str) -> bytes:
    """Return the statement of the server at `base`."""
    return _statement(base, edition())


@lru_cache(maxsize=8)
def _statement(base: str, now: int) -> bytes:
    return orjson.dumps(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-01-01",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": _FORMATS,
            "patchFormat": (JSON_PATCH, "application/fhir+json", "application/fhir+xml"),
            "software": {"name": "Tracker Hub"},
            "implementation": {"description": "Tracker Hub", "url": base},
            "rest": [
                {
                    "extension": [{"url": _SOCKET, "valueUri": f"{base.replace('http', 'ws', 1)}/websocket"}],
                    "mode": "server",
                    "security": {"description": "HTTP Basic"},
                    "resource": [_resource(type_, now) for type_ in resource_types()],
                    "interaction": [{"code": code} for code in _SYSTEM],
                    "searchParam": [{"name": name, "type": kind} for name, kind in EVERYWHERE.items()],
                    "operation": [{"name": name, "definition": url} for of, name, url in BULK if not of]
                    + [{"name": name, "definition": url} for name, url in MESSAGING.items()],
                }
            ],
        }
    )


def _resource(type_: str, now: int) -> dict[str, Any]:
    known = [p for p in parameters(type_).values() if p.ready]
    searchable = [p for p in known if p.code in _HEAD or sources(type_)[p.code].numbers]
    references = [p.code for p in searchable if p.type == "reference"]
    operations = [_operation("Resource", "$validate")]
    operations += [_operation(type_, name) for of, name in OPERATIONS if of == type_]
    ours = ({"Patient": PATIENT_OPERATIONS, "Measure": MEASURE_OPERATIONS, "Subscription": SUBSCRIPTIONS} | FORMS).get(
        type_, {}
    )
    ours = ours | {one.name: one.definition for one in searching.OPERATIONS if one.type == type_}
    operations += [{"name": name, "definition": definition} for name, definition in ours.items()]
    operations += [{"name": name, "definition": definition} for of, name, definition in BULK if of == type_]
    return {
        "type": type_,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical"],
        "searchInclude": ["*", *(f"{type_}:{code}" for code in references)],
        "searchRevInclude": _referrers(type_, now),
        "searchParam": [{"name": p.code, "type": p.type} for p in sorted(searchable, key=lambda p: p.code)],
        **({"operation": operations} if operations else {}),
    }


def _operation(type_: str, name: str) -> dict[str, str]:
    bare = name.removeprefix("$")
    return {"name": bare, "definition": f"http://hl7.org/fhir/OperationDefinition/{type_}-{bare}"}


@lru_cache(maxsize=2)
def _referring(_now: int) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (type_, p.code, p.targets)
        for type_ in resource_types()
        for p in parameters(type_).values()
        if p.ready and p.type == "reference" and sources(type_)[p.code].numbers
    ]


def _referrers(type_: str, now: int) -> list[str]:
    return [f"{source}:{code}" for source, code, targets in _referring(now) if type_ in targets]
