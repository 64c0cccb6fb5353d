"""Rows of visits into changes: each row stands alone, and a corrected row takes back what it no longer says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from adapters.contract import Reading, Sender
from adapters.emr.changes import Visit, patient_change, visit_changes
from adapters.emr.cleaning import clean_row, repeats_header, spoiled
from adapters.emr.entities import read_entities
from adapters.emr.places import name_place
from adapters.emr.sense import doubts
from adapters.emr.sheet import Row, Sheet
from adapters.emr.tables import Layout, layout_of
from mappings.scope import Scope, profile_from
from tracker_core.changes import ChangeSet, RecordChange
from tracker_core.issues import Issue


def read(sheet: Sheet, sender: Sender) -> Reading:
    """Read a sheet through its peer's table.

    A wrong or missing column refuses the file. A row that does not hold is left out, with the reason at its line and
    column; what was read in another spelling than it was written is noted as `corrected`. Patients are one change
    each, whatever the number of their rows; of two rows of one visit the later counts.
    """
    return read_with(sheet, sender, layout_of(sender.peer, sender.parameters.get("table", "")))


def read_with(sheet: Sheet, sender: Sender, layout: Layout) -> Reading:
    """Read a sheet through a layout, as `read` does."""
    wrong = list(column_issues(sheet, layout))
    if any(issue.severity == "error" for issue in wrong):
        return Reading(issues=wrong, rejected=True)
    if layout.table.facts.records:
        return _with(wrong, read_entities(sheet, sender, layout))
    profile = profile_from(sender.peer.settings, sender.peer.code, sender.translate)
    batch = _Batch(sheet, layout, sender, Scope(profile, returning=True))
    batch.issues.extend(wrong)
    for row in sheet.rows:
        _read_row(batch, row)
    return Reading(ChangeSet(records=list(_ordered(batch)), atomic=False), batch.issues, mapping=layout.edition)


def _with(issues: list[Issue], reading: Reading) -> Reading:
    reading.issues[:0] = issues
    return reading


@dataclass(slots=True)
class _Batch:
    """What the rows of one sheet have come to: visits and patients by their numbers, and every issue."""

    sheet: Sheet
    layout: Layout
    sender: Sender
    scope: Scope
    visits: dict[str, Visit] = field(default_factory=dict)
    patients: dict[str, RecordChange] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def column_issues(sheet: Sheet, layout: Layout) -> Iterator[Issue]:
    """Yield what is wrong with the header of a sheet: columns that its table does not know, or misses."""
    table = layout.table
    for column, written in sheet.columns.items():
        if column in table.columns:
            continue
        place = name_place(1, written)
        if table.ignores(column):
            continue
        near = get_close_matches(column, table.columns, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; its columns are {', '.join(table.columns)}"
        yield Issue("unknown-column", f"{written!r} is no column of the table {table.name}{hint}", where=place)
    for column in sorted(table.required - set(sheet.columns)):
        text = f"the column {column}, which the table {table.name} requires, is missing"
        yield Issue("missing-column", text, where=name_place(1, column))


def _read_row(batch: _Batch, written: Row) -> None:
    """Read one row into the batch, or leave it out with the reasons."""
    if fault := written.fault or ("the header once more" if repeats_header(written) else ""):
        batch.issues.append(Issue("broken-row", fault, where=name_place(written.line)))
        return
    row = clean_row(written, batch.layout.nothing)
    scope = batch.scope
    scope.issues, scope.where = [], f"line {row.line} column "
    doc = batch.layout.table.read(row.cells, scope)
    found = [*scope.issues, *_missing(batch, row), *spoiled(row, batch.sheet.columns, batch.layout.keys)]
    found += _row_doubts(batch, row, doc)
    if not any(issue.severity == "error" for issue in found):
        found += [*_corrections(batch, written, doc), *_join(batch, row, doc)]
    batch.issues.extend(found)


def _missing(batch: _Batch, row: Row) -> Iterator[Issue]:
    for column in sorted(batch.layout.table.required):
        if not row.cells.get(column, "").strip():
            yield Issue("required", f"{column} is empty", where=_place(batch, row, column))


def _row_doubts(batch: _Batch, row: Row, doc: dict[str, Any]) -> Iterator[Issue]:
    for record, about, issue in doubts(doc, batch.sender.received):
        where = _place(batch, row, batch.layout.column_of(record, about))
        yield Issue(issue.code, issue.text, issue.severity, where, issue.value)


def _corrections(batch: _Batch, row: Row, doc: dict[str, Any]) -> Iterator[Issue]:
    """Yield a note for every cell that the table would write otherwise than it is written."""
    batch.scope.quiet = True
    written = batch.layout.table.write(doc, batch.scope, row.cells)
    batch.scope.quiet = False
    for column in batch.layout.table.written:
        cell = row.cells.get(column, "")
        if cell and cell != (read_as := written.get(column, "")) and (cell.strip() or read_as):
            text = f"read as {read_as}"
            yield Issue("corrected", text, "information", _place(batch, row, column), cell[:200])


def _join(batch: _Batch, row: Row, doc: dict[str, Any]) -> Iterator[Issue]:
    """Add a row's patient and visit to the batch."""
    patient = patient_change(doc, batch.sender.peer, row.line)
    visit = visit_changes(doc, row, batch.layout, batch.sender.peer, patient.name)
    earlier = batch.visits.pop(visit.number, None)
    if earlier is not None and earlier.patient != patient.name:
        batch.visits[visit.number] = earlier
        text = f"visit {visit.number} is another patient's on line {earlier.line}"
        yield Issue("duplicate-visit", text, where=name_place(row.line))
        return
    if earlier is not None:
        yield Issue("superseded", f"line {row.line} says this visit again", "information", name_place(earlier.line))
    batch.visits[visit.number] = visit
    known = batch.patients.setdefault(patient.name, patient)
    if known is not patient:
        known.document = _united(known.document, patient.document)


def _united(first: Any, later: Any) -> dict[str, Any]:
    """Return one patient's document from two rows: the later row's elements, identifiers of both."""
    identifiers = [*later["identifier"], *(item for item in first["identifier"] if item not in later["identifier"])]
    return {**first, **later, "identifier": identifiers}


def _ordered(batch: _Batch) -> Iterator[RecordChange]:
    yield from batch.patients.values()
    for visit in batch.visits.values():
        yield from visit.changes


def _place(batch: _Batch, row: Row, column: str) -> str:
    return name_place(row.line, batch.sheet.columns.get(column, column))
