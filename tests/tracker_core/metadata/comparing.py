"""Comparing a document that came in with the one that is given back."""

from typing import Any

from tracker_core.metadata import schema

# Set by the server, whatever a document says.
SERVERS = ("lastUpdated", "lastUpdatedBy", "createdBy")


def lost(given: Any, found: Any, place: str = "") -> list[str]:
    """Return the places of `given` that `found` does not have or has otherwise; `found` may say more."""
    if isinstance(given, dict) and isinstance(found, dict):
        return [
            each
            for name, value in given.items()
            if value is not None
            for each in ([f"{place}.{name}"] if name not in found else lost(value, found[name], f"{place}.{name}"))
        ]
    if isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        return [
            each
            for at, (one, other) in enumerate(zip(given, found, strict=True))
            for each in lost(one, other, f"{place}[{at}]")
        ]
    return [] if given == found else [f"{place}: {str(given)[:60]} != {str(found)[:60]}"]


def owned(collection: str, doc: dict[str, Any]) -> dict[str, Any]:
    """Return what of a document the server is to give back: not what is computed, nor what it sets itself.

    Of what a reference leads to that is the id.
    """
    return _owned(schema.of(collection), doc)


def _owned(type: schema.Type, doc: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in doc.items():
        found = type.properties.get(name)
        stray = found is None and type.collection == "sharing"  # a grant that is none; DHIS2 drops it as well
        if stray or name in SERVERS or (found is not None and not found.owner):
            continue
        kept[name] = value
        if found is not None and found.kind in ("ref", "refs"):
            kept[name] = _named(value)
        if found is not None and found.kind == "part" and isinstance(value, dict):
            kept[name] = _owned(schema.structure(found.target), value)
        if found is not None and found.kind == "parts" and isinstance(value, list):
            inner = schema.structure(found.target)
            kept[name] = [_owned(inner, each) if isinstance(each, dict) else each for each in value]
    return kept


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(each) for each in value]
    return {"id": value["id"]} if isinstance(value, dict) and "id" in value else value
