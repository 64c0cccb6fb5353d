"""Parts of a record: `_elements` and `_summary` (FHIR R4 3.1.1.5.8 and 3.1.1.5.9)."""

from functools import cache

from adapters.fhir.replies import Pairs
from tracker_core.errors import Malformed
from tracker_core.records import documents
from tracker_core.records.definitions import elements

_SUMMARIES = ("true", "text", "data", "count", "false")


def shown(type_: str, doc: bytes, pairs: Pairs) -> bytes:
    """Return a document as `_elements` or `_summary` ask: reduced and marked as incomplete, else the stored bytes.

    Elements that are mandatory or change the meaning of the others are always kept. Raises `Malformed` for another
    `_summary`.
    """
    if not pairs:
        return doc
    parameters = dict(pairs)
    names = parameters.get("_elements")
    if names:
        wanted = {name.strip().removeprefix(f"{type_}.").partition(".")[0] for name in names.split(",")}
        return documents.keep(doc, _needed(type_) | _variants(type_, wanted))
    summary = parameters.get("_summary") or "false"
    if summary not in _SUMMARIES:
        raise Malformed(f"_summary is one of {', '.join(_SUMMARIES)}, not {summary!r}", where="_summary")
    if summary == "text":
        return documents.keep(doc, _needed(type_) | {"text"})
    if summary == "data":
        return documents.drop(doc, ("text",))
    return documents.summary(doc, type_) if summary == "true" else doc


@cache
def _needed(type_: str) -> set[str]:
    return {name for name, element in elements(type_).items() if element.required or element.modifier}


def _variants(type_: str, names: set[str]) -> set[str]:
    """Return the names with those of the choices among them: `value` is `valueQuantity` and all the others."""
    return names | {element.name for element in elements(type_).values() if element.choice in names}
