"""The stored case reports: definitions with their versions."""

from dataclasses import dataclass
from typing import Any

import orjson

from tracker_core.aggregates import definitions
from tracker_core.aggregates.definitions import Definition
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.history import Change, note_changes
from tracker_core.issues import Issue


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored definition: `doc` is the document as saved, `version` counts its changes."""

    pk: int
    version: int
    doc: dict[str, Any]
    definition: Definition


def save(session: Session, context: Context, doc: dict[str, Any]) -> list[Issue]:
    """Create the case report, or bring it to this document and switch it on; return what is wrong with it.

    Nothing is stored where there are issues. A data element belongs to one report only: two would overwrite each
    other's numbers. Saving the same document again changes nothing.
    """
    definition, issues = definitions.parse(doc)
    if definition is None:
        return issues
    issues = _shared_elements(session, definition)
    if issues:
        return issues
    session.execute("select pg_advisory_xact_lock(hashtext('report_definition'))")
    old = session.execute(
        "select pk, version, doc from report_definition where code = %s", (definition.code,)
    ).fetchone()
    text = orjson.dumps(doc).decode()
    row = session.execute(
        "insert into report_definition as d (code, doc, created, updated, created_in, updated_in)"
        " values (%s, %s::jsonb, %s, %s, %s, %s) on conflict (code) do update set doc = excluded.doc, active = true,"
        " version = d.version + 1, updated = excluded.updated, updated_in = excluded.updated_in"
        " where d.doc <> excluded.doc or not d.active returning pk",
        (definition.code, text, context.at, context.at, context.change_set, context.change_set),
    ).fetchone()
    if row is not None:
        delta = {"doc": [old[2] if old else None, doc]}
        change = Change("report_definition", row[0], "update" if old else "create", delta=delta)
        note_changes(session, context, [change])
    return []


def load(session: Session, code: str) -> Stored:
    """Return the active case report called `code`. Raises `NotFound`."""
    found = [stored for stored in active(session) if stored.definition.code == code]
    if not found:
        raise NotFound(f"there is no case report called {code!r}")
    return found[0]


def active(session: Session) -> list[Stored]:
    """Return the active case reports in the order of their codes."""
    rows = session.execute("select pk, version, doc from report_definition where active order by code")
    return [stored(*row) for row in rows]


def stored(pk: int, version: int, doc: dict[str, Any]) -> Stored:
    """Return the value of a row of `report_definition`; its document was valid when it was saved."""
    definition, issues = definitions.parse(doc)
    if definition is None:
        raise ValueError(f"case report {pk} is not valid any more: {issues}")
    return Stored(pk, version, doc, definition)


def _shared_elements(session: Session, definition: Definition) -> list[Issue]:
    taken = {
        group.data_element: other.definition.code
        for other in active(session)
        if other.definition.code != definition.code
        for group in other.definition.groups
    }
    return [
        Issue("report-element", f"already counted by {taken[group.data_element]}", value=group.data_element)
        for group in definition.groups
        if group.data_element in taken
    ]
