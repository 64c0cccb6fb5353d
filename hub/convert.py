"""Convert without storing: the same parse, mapping and render as the flow, on one body, with every issue found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapters.contract import Adapter, Envelope, Sender, View
from tracker_core.changes import RecordChange
from tracker_core.context import Peer
from tracker_core.errors import Unsupported
from tracker_core.issues import Issue
from tracker_core.records.documents import decode
from tracker_core.uids import new_uid


@dataclass(slots=True)
class Converted:
    """The result of a conversion: bytes in the target format, and what was met on the way."""

    body: bytes
    content_type: str
    issues: list[Issue] = field(default_factory=list)


def convert(
    adapters: Mapping[str, Adapter],
    raw: bytes,
    source: str,
    target: str,
    *,
    type: str = "",
    envelope: Envelope | None = None,
    settings: dict[str, Any] | None = None,
) -> Converted:
    """Read `raw` as `source` and write it as `target`; `type` names the target's message type where it has several.

    Nothing is stored and no database is asked: the result rests on `raw` alone. `settings` is the profile of the peer
    that would have sent it (tables, zone, charset). Raises one of the six errors when it cannot be done.
    """
    reader, writer = _adapter(adapters, source), _adapter(adapters, target)
    if writer.write is None or writer.render is None:
        raise Unsupported(f"the format {target} can be read but not written")
    peer = Peer(0, f"convert-{source}", "conversion", source, None, settings or {})
    now = datetime.now(UTC)
    given = envelope or Envelope(content_type=reader.content_types[0])
    reading = reader.read(reader.parse(raw, given), Sender(peer, now, given.parameters))
    documents = documents_of(reading.changes.records)
    if not documents:
        raise Unsupported(f"nothing in this {source} body has a mapping to records, so it cannot become {target}")
    receiver = Sender(Peer(0, f"convert-{target}", "conversion", target, None, settings or {}), now)
    body = writer.render(writer.write(View("person", type, documents), receiver, "CONVERT"), receiver)
    return Converted(body, writer.content_types[0], reading.issues)


def _adapter(adapters: Mapping[str, Adapter], name: str) -> Adapter:
    if name not in adapters:
        raise Unsupported(f"{name!r} is not a format; the formats are {', '.join(sorted(adapters))}")
    return adapters[name]


def documents_of(changes: list[RecordChange]) -> list[dict[str, Any]]:
    """Return the documents of `changes`, Patient first, with ids, and references between them made real."""
    made = [change for change in changes if change.method not in ("delete", "retract")]
    documents = [_document(change) for change in made]
    names = {
        change.name: f"{change.type}/{document['id']}"
        for change, document in zip(made, documents, strict=True)
        if change.name
    }
    for document in documents:
        _point(document, names)
    return sorted(documents, key=lambda document: document["resourceType"] != "Patient")


def _document(change: RecordChange) -> dict[str, Any]:
    parsed = change.document if isinstance(change.document, dict) else decode(change.document)
    filled = change.defaults | {key: value for key, value in parsed.items() if value is not None}
    return {"resourceType": change.type, "id": change.id or filled.get("id") or new_uid(), **filled}


def _point(node: Any, names: dict[str, str]) -> None:
    if isinstance(node, dict):
        if node.get("reference") in names:
            node["reference"] = names[node["reference"]]
        for value in node.values():
            _point(value, names)
    elif isinstance(node, list):
        for value in node:
            _point(value, names)
