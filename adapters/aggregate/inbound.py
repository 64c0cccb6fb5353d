"""Aggregate documents coming in: which format the bytes are, and the changes they ask for."""

from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from adapters.aggregate import adx, measure, value_sets
from adapters.aggregate.document import Document, Kind
from adapters.aggregate.schemes import is_on, terms
from adapters.aggregate.xml import local
from adapters.aggregate.xml import parse as parse_xml
from adapters.contract import Envelope, Identity, Reading, Sender
from mappings import measure_reports
from tracker_core.changes import AggregateChange, AggregateTerms, ChangeSet
from tracker_core.errors import Malformed, Unsupported

# ADX exchanges codes; DHIS2's own formats uids; a MeasureReport says what it means by whichever name it has.
_DEFAULTS: dict[Kind, str] = {"adx": "CODE", "json": "UID", "xml": "UID", "csv": "UID", "measure": ""}

READERS: dict[Kind, Callable[[Any, AggregateTerms], Iterator[AggregateChange]]] = {
    "adx": adx.read,
    "json": value_sets.read,
    "xml": value_sets.read,
    "csv": value_sets.read,
    "measure": measure_reports.read,
}
"""How the body of each format is read into changes, in document order."""


def identify(raw: bytes, envelope: Envelope) -> Identity:
    """Name the format. Values are set to what they say, so that a repeat is taken again and changes nothing."""
    try:
        return Identity(type=kind_of(raw, envelope))
    except Unsupported:
        return Identity()


def kind_of(raw: bytes, envelope: Envelope) -> Kind:
    """Return the format by the content type, and where that says too little by how the bytes begin."""
    declared = envelope.content_type.partition(";")[0].strip().lower()
    if "csv" in declared:
        return "csv"
    if declared == adx.CONTENT_TYPE:
        return "adx"
    head = raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if head == b"<":
        return "adx" if adx.NAMESPACE.encode() in raw[:4000] else "xml"
    if head == b"{":
        return "measure" if "fhir" in declared or _names_a_resource(raw) else "json"
    raise Unsupported("the body is neither ADX, nor a data value set, nor a MeasureReport")


def parse(raw: bytes, envelope: Envelope) -> Document:
    """Return the document. Raises `Malformed` for bytes that are not what they claim, else `Unsupported`."""
    kind = kind_of(raw, envelope)
    if kind == "csv":
        return Document(kind, value_sets.parse_csv(raw))
    if kind == "json":
        return Document(kind, value_sets.parse_json(raw))
    if kind == "measure":
        return Document(kind, measure.parse(raw))
    root = parse_xml(raw)
    if kind == "xml" and _is_value_set(root):
        return Document(kind, value_sets.parse_xml(root))
    adx.check_root(root)
    return Document("adx", root)


def read(document: Document, sender: Sender) -> Reading:
    """Return the values of a document as changes, each standing alone.

    The id schemes and the strategy are those of the body, else of the request, else of the peer's settings.
    """
    given: dict[str, Any] = {**_settings(sender), **sender.parameters}
    if isinstance(document.body, dict):
        given |= {key: value for key, value in document.body.items() if key in value_sets.BODY_PARAMETERS}
    if document.kind == "adx" and "categoryOptionComboIdScheme" in given:
        # DHIS2 reads both kinds of option combo of an ADX document under the one scheme.
        given.setdefault("attributeOptionComboIdScheme", given["categoryOptionComboIdScheme"])
    meant = terms(given, _DEFAULTS[document.kind])
    changes = list(READERS[document.kind](document.body, meant))
    return Reading(ChangeSet(aggregates=changes, atomic=False), dry_run=is_on(given.get("dryRun")))


def _settings(sender: Sender) -> dict[str, Any]:
    found = sender.peer.settings.get("schemes")
    return found if isinstance(found, dict) else {}


def _names_a_resource(raw: bytes) -> bool:
    return b'"resourceType"' in raw[:4000] or (b'"resourceType"' in raw and b'"dataValues"' not in raw)


def _is_value_set(root: etree._Element) -> bool:
    if local(root) != "dataValueSet":
        return False
    if etree.QName(root).namespace not in {None, value_sets.NAMESPACE}:
        raise Malformed(f"the root element is not in the namespace {value_sets.NAMESPACE}", "dataValueSet")
    return True
