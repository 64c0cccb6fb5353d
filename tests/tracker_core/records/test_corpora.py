"""Real bundles: nothing is lost, every document comes back as it was sent."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.contract import Envelope, Sender
from adapters.fhir import ADAPTER
from tracker_core import history, metadata, peers, records
from tracker_core.database import Session

IMPERSONAL = ("Organization", "Practitioner", "Location", "PractitionerRole", "Medication")


def parsed(text: bytes) -> Any:
    """JSON with decimals digit for digit."""
    return json.loads(text, parse_float=Decimal)


def without_ours(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what the store sets: id, version, time, and the targets of references."""
    meta = {k: v for k, v in document.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    cleaned = {k: v for k, v in document.items() if k not in ("id", "meta")}
    without: dict[str, Any] = _unreferred({**cleaned, "meta": meta} if meta else cleaned)
    return without


def _unreferred(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "…" if k == "reference" else _unreferred(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_unreferred(v) for v in value]
    return (str(value.as_tuple()), value) if isinstance(value, Decimal) else value


def test_synthea_bundles_are_kept_whole(session: Session, corpora: Path) -> None:
    """Prerequisites and six patients: every entry stored, equal to what was sent, and with its person."""
    metadata.bootstrap(session)
    sender = peers.ensure(session, "synthea", "fhir")
    files = sorted((corpora / "fhir" / "synthea").glob("*.json.gz"))
    assert files[0].name.startswith("0-")
    for file in files[:8]:
        raw = gzip.decompress(file.read_bytes())
        context = history.open_change_set(session, "tester", sender)
        request = ADAPTER.parse(raw, Envelope("application/fhir+json", "POST", "/fhir"))
        reading = ADAPTER.read(request, Sender(sender, context.at))
        applied = records.apply(session, context, reading.changes.records)
        assert (reading.issues, applied.issues) == ([], [])
        stored = records.read(session, [(o.kind, o.id) for o in applied.outcomes])
        sent = [entry["resource"] for entry in parsed(raw)["entry"]]
        assert len(applied.outcomes) == len(sent)
        for outcome, resource in zip(applied.outcomes, sent, strict=True):
            found = stored[(outcome.kind, outcome.id)]
            assert without_ours(parsed(found.doc)) == without_ours(resource)
            assert b'"reference":"urn:uuid:' not in found.doc
            assert found.subject is not None or outcome.kind in IMPERSONAL
