"""PATCH: JSON Patch (RFC 6902) and FHIRPath Patch (FHIR R4, FHIRPath Patch), as edits of a stored document."""

from adapters.fhir.patching.bodies import JSON_PATCH, read_patch

__all__ = ["JSON_PATCH", "read_patch"]
