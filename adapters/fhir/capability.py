"""CapabilityStatement, made from what the store indexes and the face routes."""

from functools import cache, lru_cache
from typing import Any

import orjson

from adapters.fhir.patching import JSON_PATCH
from adapters.fhir.terminology.operations import OPERATIONS
from tracker_core.records.definitions import parameters, resource_types
from tracker_core.records.extraction import sources

_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
_SYSTEM = ("transaction", "batch", "history-system")
_FORMATS = ("json", "application/fhir+json", "xml", "application/fhir+xml")
_HEAD = ("_id", "_lastUpdated")


@lru_cache(maxsize=8)
def statement(base: str) -> bytes:
    """Return the statement of the server at `base`."""
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
                    "mode": "server",
                    "security": {"description": "HTTP Basic"},
                    "resource": [_resource(type_) for type_ in resource_types()],
                    "interaction": [{"code": code} for code in _SYSTEM],
                }
            ],
        }
    )


def _resource(type_: str) -> dict[str, Any]:
    searchable = [p for p in parameters(type_).values() if p.code in _HEAD or sources(type_)[p.code].numbers]
    references = [p.code for p in searchable if p.type == "reference"]
    operations = [_operation(type_, name) for of, name in OPERATIONS if of == type_]
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
        "searchRevInclude": _referrers(type_),
        "searchParam": [{"name": p.code, "type": p.type} for p in sorted(searchable, key=lambda p: p.code)],
        **({"operation": operations} if operations else {}),
    }


def _operation(type_: str, name: str) -> dict[str, str]:
    bare = name.removeprefix("$")
    return {"name": bare, "definition": f"http://hl7.org/fhir/OperationDefinition/{type_}-{bare}"}


@cache
def _referring() -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (type_, p.code, p.targets)
        for type_ in resource_types()
        for p in parameters(type_).values()
        if p.type == "reference" and sources(type_)[p.code].numbers
    ]


def _referrers(type_: str) -> list[str]:
    return [f"{source}:{code}" for source, code, targets in _referring() if type_ in targets]
