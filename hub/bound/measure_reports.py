"""MeasureReport records as aggregate values: what a summary says of data elements that are here is taken."""

from collections.abc import Sequence
from dataclasses import replace

from mappings import measure_reports
from mappings.catalogue.naming import CASE_REPORT
from tracker_core import aggregates, metadata
from tracker_core.aggregates import vocabulary
from tracker_core.changes import AggregateChange, AggregateTerms
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Report
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.records.documents import decode

_ANY = AggregateTerms("", "", "", "", "", "", "")


def take_values(session: Session, context: Context, touched: Sequence[Stored], report: Report) -> None:
    """Write the numbers of complete summary reports among the touched records; add outcomes and issues to `report`.

    Numbers of data elements that this hub does not have stay in the record alone. What cannot be written is a warning:
    the record stands.
    """
    found = [one for one in touched if one.type == "MeasureReport" and not one.deleted]
    if not found:
        return
    known = metadata.load(session)
    changes = [change for one in found for change in _changes(known, one)]
    if changes:
        outcomes, issues = aggregates.apply_values(session, context, changes)
        report.outcomes += outcomes
        report.issues += [replace(one, severity="warning") if one.severity == "error" else one for one in issues]


def _changes(known: Metadata, one: Stored) -> list[AggregateChange]:
    document = decode(one.doc)
    if document.get("type") != "summary" or document.get("status") != "complete":
        return []
    changes = [change for change in measure_reports.read(document, _ANY) if _is_here(known, change.data_element)]
    if str(document.get("measure", "")).startswith(CASE_REPORT):
        # A case report of another hub: its data elements say in which data set they are.
        changes = [replace(change, data_set="") for change in changes]
    return [replace(change, where=f"{one.reference}.{change.where}") for change in changes]


def _is_here(known: Metadata, element: str) -> bool:
    return any(vocabulary.named(known, "dataElements", scheme, element) for scheme in ("UID", "CODE", "NAME"))
