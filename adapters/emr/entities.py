"""Rows of entities into changes: each row is the records that its table names, known by the columns named there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.contract import Reading, Sender
from adapters.emr.cleaning import clean_row, repeats_header, spoiled
from adapters.emr.places import name_place
from adapters.emr.sense import doubts
from adapters.emr.sheet import Row, Sheet
from adapters.emr.systems import to_peer
from adapters.emr.tables import Layout
from mappings.codecs.keyed import record_id
from mappings.flat import Keyed
from mappings.scope import Scope, profile_from
from tracker_core.changes import ChangeSet, RecordChange
from tracker_core.issues import Issue

Doc = dict[str, Any]


def read_entities(sheet: Sheet, sender: Sender, layout: Layout) -> Reading:
    """Read a sheet with one row an entity.

    A row that does not hold is left out, with the reason at its line and column. Of two rows of one record in a sheet
    the later counts; what a row says of a record in part is added to what is known of it.
    """
    profile = profile_from(sender.peer.settings, sender.peer.code, sender.translate)
    batch = _Batch(sheet, layout, sender, Scope(profile, returning=True))
    for row in sheet.rows:
        _read_row(batch, row)
    changes = [*batch.partial.values(), *batch.whole.values()]
    return Reading(ChangeSet(records=changes, atomic=False), batch.issues, mapping=layout.edition)


@dataclass(slots=True)
class _Batch:
    """What the rows of one sheet have come to: changes by the record's id, and every issue."""

    sheet: Sheet
    layout: Layout
    sender: Sender
    scope: Scope
    whole: dict[str, RecordChange] = field(default_factory=dict)
    partial: dict[str, RecordChange] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def place(self, row: Row, column: str) -> str:
        """Return the text for a cell, its column as the file writes it."""
        return name_place(row.line, self.sheet.columns.get(column, column))


def _read_row(batch: _Batch, written: Row) -> None:
    if fault := written.fault or ("the header once more" if repeats_header(written) else ""):
        batch.issues.append(Issue("broken-row", fault, where=name_place(written.line)))
        return
    row = clean_row(written, batch.layout.nothing)
    table, scope = batch.layout.table, batch.scope
    scope.issues, scope.where = [], f"line {row.line} column "
    doc = table.read(row.cells, scope)
    found = [*scope.issues, *_missing(batch, row), *spoiled(row, batch.sheet.columns, batch.layout.keys)]
    found += _doubts(batch, row, doc)
    if not any(issue.severity == "error" for issue in found):
        found += _corrections(batch, written, doc)
        for keyed in table.facts.records:
            if keyed.type in doc:
                found += _join(batch, row, keyed, doc[keyed.type][0])
    batch.issues.extend(found)


def _missing(batch: _Batch, row: Row) -> Iterator[Issue]:
    for column in sorted(batch.layout.table.required):
        if not row.cells.get(column, "").strip():
            yield Issue("required", f"{column} is empty", where=batch.place(row, column))


def _doubts(batch: _Batch, row: Row, doc: Doc) -> Iterator[Issue]:
    for record, about, issue in doubts(doc, batch.sender.received):
        column = batch.layout.column_of(record, about)
        yield Issue(issue.code, issue.text, issue.severity, batch.place(row, column), issue.value)


def _corrections(batch: _Batch, row: Row, doc: Doc) -> Iterator[Issue]:
    """Yield a note for every cell that the table would write otherwise than it is written."""
    batch.scope.quiet = True
    written = batch.layout.table.write(doc, batch.scope, row.cells)
    batch.scope.quiet = False
    for column, read_as in written.items():
        cell = row.cells.get(column, "")
        if cell and cell != read_as:
            yield Issue("corrected", f"read as {read_as}", "information", batch.place(row, column), cell[:200])


def _join(batch: _Batch, row: Row, keyed: Keyed, found: Doc) -> Iterator[Issue]:
    """Add a record of a row to the batch, under the id that its key makes."""
    peer = batch.sender.peer
    key = [row.cells.get(column, "").strip() for column in keyed.columns]
    if not any(key):
        return
    id = record_id(peer.code, keyed.type, *key)
    document = {"resourceType": keyed.type, **found}
    if "identifier" in document:
        document["identifier"] = to_peer(document["identifier"], peer)
    if not keyed.whole:
        known = batch.partial.get(id)
        united = {**known.document, **document} if known and isinstance(known.document, dict) else document
        batch.partial[id] = RecordChange(keyed.type, united, "merge", id, where=name_place(row.line))
        return
    earlier = batch.whole.pop(id, None)
    if earlier is not None and earlier.where != name_place(row.line):
        yield Issue("superseded", f"line {row.line} says this {keyed.type} again", "information", earlier.where)
    batch.whole[id] = RecordChange(keyed.type, document, "put", id, where=name_place(row.line))
