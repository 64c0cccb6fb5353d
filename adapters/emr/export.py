"""Records back into rows: the visits of a view, or of a period, in the shape in which an EMR uploads them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.contract import Sender, View
from adapters.emr.sheet import write_sheet
from adapters.emr.systems import VISIT, to_table, value_in
from adapters.emr.tables import layout_of
from adapters.emr.words import Untold, count_untold
from mappings.scope import Profile, Scope, profile_from
from tracker_core.context import Peer
from tracker_core.errors import Unsupported

Doc = dict[str, Any]
_MISTAKE = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows on their way out: columns and rows of the peer's table, and the codes that the EMR has no word for."""

    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    untold: Untold = field(default_factory=Counter)


def write(view: View, sender: Sender, control_id: str) -> Table:
    """Return the rows of every visit in a view. Raises Unsupported when it holds none: a row is a visit."""
    rows = visit_rows(view.documents, sender.peer)
    if not rows.rows:
        raise Unsupported(f"a {view.kind} without a visit makes no row ({control_id})")
    return rows


def render(table: Table, sender: Sender) -> bytes:
    """Return rows as a file: CSV, or what the peer's `layout` says (`csv`, `tsv`, `ndjson`; `delimiter` for CSV)."""
    return render_as(table, str(sender.peer.settings.get("layout", "csv")), sender.peer)


def render_as(table: Table, layout: str, peer: Peer) -> bytes:
    """Return rows as a file of the named layout. Raises Unsupported for another name."""
    if layout not in ("csv", "tsv", "ndjson"):
        raise Unsupported(f"there is no layout {layout!r}: csv, tsv or ndjson")
    delimiter = "\t" if layout == "tsv" else str(peer.settings.get("delimiter", ","))
    return write_sheet(list(table.columns), table.rows, "ndjson" if layout == "ndjson" else "csv", delimiter)


def visit_rows(documents: Sequence[Doc], peer: Peer, profile: Profile | None = None) -> Table:
    """Return a row per Encounter among `documents`, with its patient, diagnoses and observations from among them.

    What was entered in error is left out. Diagnoses stand in the order of their rank, in the EMR's own codes: those
    that it sent, else those of its concept maps.
    """
    layout = layout_of(peer)
    scope = Scope(profile or profile_from(peer.settings, peer.code))
    patients = {f"Patient/{doc['id']}": doc for doc in documents if doc.get("resourceType") == "Patient"}
    items = _by_encounter(documents)
    rows = []
    for encounter in documents:
        if encounter.get("resourceType") != "Encounter" or encounter.get("status") == _MISTAKE:
            continue
        patient = patients.get(encounter.get("subject", {}).get("reference", ""))
        document = _document(patient, encounter, items.get(f"Encounter/{encounter.get('id')}", []), peer)
        scope.returning = bool(value_in(document["Encounter"][0]["identifier"], VISIT))
        rows.append(layout.table.write(document, scope))
    table = Table(layout.table.written, rows)
    count_untold(table.untold, scope.issues)
    return table


def _by_encounter(documents: Iterable[Doc]) -> Mapping[str, list[Doc]]:
    """Return live Conditions and Observations by the reference to their Encounter."""
    found: dict[str, list[Doc]] = {}
    for doc in documents:
        if doc.get("resourceType") in ("Condition", "Observation") and not _mistaken(doc):
            found.setdefault(doc.get("encounter", {}).get("reference", ""), []).append(doc)
    return found


def _mistaken(doc: Doc) -> bool:
    codings = doc.get("verificationStatus", {}).get("coding", [])
    return doc.get("status") == _MISTAKE or any(coding.get("code") == _MISTAKE for coding in codings)


def _document(patient: Doc | None, encounter: Doc, items: list[Doc], peer: Peer) -> Doc:
    """Return the records of one visit as the table reads them: numbers under the table's names."""
    rank = {
        entry.get("condition", {}).get("reference", ""): entry.get("rank", index)
        for index, entry in enumerate(encounter.get("diagnosis") or [], start=1)
    }
    conditions = [doc for doc in items if doc["resourceType"] == "Condition"]
    conditions.sort(key=lambda doc: rank.get(f"Condition/{doc.get('id')}", len(rank) + 1))
    named = {"Patient": [patient] if patient else [], "Encounter": [encounter]}
    heads = {
        kind: [{**doc, "identifier": to_table(doc.get("identifier", []), peer)} for doc in docs]
        for kind, docs in named.items()
    }
    observations = [doc for doc in items if doc["resourceType"] == "Observation"]
    return {**heads, "Condition": conditions, "Observation": observations}
