"""Comparing an answer with the `fields` it was asked with: every property named must be there."""

from collections.abc import Collection
from typing import Any

from adapters.dhis2.fields import Field, parse_fields


def lacking(document: Any, fields: str, absent: Collection[str] = ()) -> list[str]:
    """Return the paths that `fields` names and `document` (or one of a list of them) does not have.

    `absent` are paths that may be missing because the object has no such value; of an empty list nothing is expected.
    """
    return sorted(_walk(document, parse_fields(fields), "") - set(absent))


def _walk(document: Any, fields: tuple[Field, ...], path: str) -> set[str]:
    if isinstance(document, list):
        return set().union(*(_walk(item, fields, path) for item in document))
    if not isinstance(document, dict):
        return {f"{path.rstrip('.')} is no object"}
    found: set[str] = set()
    for field in fields:
        if field.excluded or field.name in ("*", ":all"):
            if field.excluded and field.name in document:
                found.add(f"{path}!{field.name}")
            continue
        renamed = [step.arguments[0] for step in field.transformers if step.name == "rename"]
        name = renamed[0] if renamed else field.name
        if name not in document:
            found.add(f"{path}{name}")
        elif field.inner is not None:
            found |= _walk(document[name], field.inner, f"{path}{name}.")
    return found
