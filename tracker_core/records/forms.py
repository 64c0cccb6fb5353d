"""The forms a reference is written in (FHIR R4 2.3.0.5): `Patient/1`, `https://…/Patient/1`, `Patient?identifier=…`."""

import re

from tracker_core.records.definitions import resource_types

_PLAIN = re.compile(r"(?:https?://.+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]{1,64})?\Z")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)\Z", re.DOTALL)


def target(reference: str) -> tuple[str, str] | None:
    """Return type and id of a reference to a record, or None for another one. An absolute one counts as its tail."""
    match = _PLAIN.match(reference)
    return (match[1], match[2]) if match and match[1] in resource_types() else None


def query(reference: str) -> tuple[str, str] | None:
    """Return type and search of a conditional reference, or None for another one."""
    match = _CONDITIONAL.match(reference)
    return (match[1], match[2]) if match and match[1] in resource_types() else None
