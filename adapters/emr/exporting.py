"""Stored records as files in the layout of an EMR, whole or since a moment, as they are or disguised for research.

A page of records is held at a time.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.emr import joined
from adapters.emr.anonymity import Anonymity, reckon
from adapters.emr.disguise import Disguise, disguised
from adapters.emr.joined import Lookup
from adapters.emr.sheet import fold
from adapters.emr.systems import PREFIX, to_table
from adapters.emr.tables import layout_of, set_of
from adapters.emr.words import Untold, count_untold, export_profile
from mappings.flat import FlatTable
from mappings.scope import Scope
from tracker_core import records
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records import Stored
from tracker_core.records.documents import decode

Doc = dict[str, Any]
Row = tuple[str, dict[str, str]]
_PAGE = 1_000
_MISTAKE = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export holds. `table` is a set or a single entity table; `since` the moment from which records changed.

    `everyone` asks for the records of all senders. With `disguise` nothing leaves that names a person; `quasi` are the
    columns of the persons' file that might tell one, `k` how many must share them, `suppress` leaves out who does not.
    """

    table: str
    since: datetime | None = None
    everyone: bool = False
    disguise: Disguise | None = None
    quasi: tuple[str, ...] = ()
    k: int = 5
    suppress: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows by file; how anonymous it is, where that was asked; what the EMR has no code for."""

    rows: Mapping[str, int]
    anonymity: Anonymity | None
    untold: Untold = field(default_factory=Counter)


def export_set(session: Session, peer: Peer, wanted: Wanted, folder: Path) -> Exported:
    """Write the files of a layout into `folder`. Raises Malformed for a layout that is none of entities."""
    found = set_of(peer, wanted.table)
    names = [f"{wanted.table}/{one}" for one in found.files if one not in found.lookups] if found else [wanted.table]
    tables = {name.rpartition("/")[2]: layout_of(peer, name).table for name in names}
    if any(not table.facts.records for table in tables.values()):
        raise Malformed(f"{wanted.table} is a table of visits: its export is by period")
    anonymity = _anonymity(session, peer, wanted, tables) if wanted.quasi else None
    leaving = anonymity.fails if anonymity and wanted.suppress else lambda _row: False
    gone = {key for key, row in _persons(session, peer, wanted, tables) if leaving(row)} if anonymity else set()
    counts = {}
    taken: set[str] = set()
    untold: Untold = Counter()
    with joined.opened(folder, tables.values() if found else ()) as others:
        for name, table in tables.items():
            rows = (row for person, row in _rows(session, peer, wanted, table, taken, untold) if person not in gone)
            counts[f"{name}.csv"] = _write(folder / f"{name}.csv", table, rows, others)
            taken |= {keyed.type for keyed in table.facts.records}
    return Exported(counts | {f"{name}.csv": one.count for name, one in others.items()}, anonymity, untold)


def _persons(session: Session, peer: Peer, wanted: Wanted, tables: Mapping[str, FlatTable]) -> Iterator[Row]:
    """Yield the rows of the file of persons, each with its person's key."""
    for table in tables.values():
        if any(keyed.type == "Patient" and keyed.whole for keyed in table.facts.records):
            yield from _rows(session, peer, wanted, table, set(), Counter())


def _anonymity(session: Session, peer: Peer, wanted: Wanted, tables: Mapping[str, FlatTable]) -> Anonymity:
    columns = [fold(column) for column in wanted.quasi]
    known = {column for table in tables.values() for column in table.columns}
    if unknown := set(columns) - known:
        raise Malformed(f"no column of {wanted.table} is called {', '.join(sorted(unknown))}")
    return reckon((row for _, row in _persons(session, peer, wanted, tables)), columns, wanted.k)


def _write(path: Path, table: FlatTable, rows: Iterator[dict[str, str]], others: Mapping[str, Lookup]) -> int:
    header = table.facts.header or [column for column in table.written if "." not in column]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        for row in rows:
            joined.note(others, table, row)
            out.writerow([row.get(fold(column), "") for column in header])
            count += 1
    return count


def _rows(
    session: Session, peer: Peer, wanted: Wanted, table: FlatTable, taken: set[str], untold: Untold
) -> Iterator[Row]:
    """Yield (person, row) for every record of a table; a record that is another table's by its number is left out.

    What the EMR has no code for is counted in `untold`.
    """
    main = [keyed.type for keyed in table.facts.records if keyed.whole]
    types = main if "Patient" not in main else ["Patient"]
    types = [types[0]] if "PractitionerRole" in types else types
    rights = [rule.row.right for rule in table.rules if "hub:" in rule.row.right]
    numbers = {right.partition("hub:")[2].partition("]")[0] for right in rights}
    scope = Scope(export_profile(session, peer))
    after = 0
    while page := records.walk(session, types, after, _PAGE):
        after = page[-1].pk
        mine = [one for one in page if _is_wanted(one, peer, wanted)]
        loaded = _Page(session, peer, mine, scope)
        for one in mine:
            doc = loaded.own[one.reference]
            if _is_others(doc, numbers, repeated=bool(taken & {one.type})) or _mistaken(doc):
                continue
            yield loaded.row(one, doc, table, wanted.disguise)
        count_untold(untold, scope.issues)
        scope.issues.clear()


def _is_wanted(one: Stored, peer: Peer, wanted: Wanted) -> bool:
    return (wanted.everyone or one.source == peer.id) and (wanted.since is None or one.updated >= wanted.since)


def _is_others(doc: Doc, numbers: set[str], *, repeated: bool) -> bool:
    """Tell whether a record is of another table of its type: by its number, else it is the first table's."""
    held = {str(item.get("system", "")).removeprefix(PREFIX) for item in doc.get("identifier", [])}
    held = {name for name in held if name.endswith("-number") and name not in ("patient-number", "visit-number")}
    return not held & numbers if held else repeated


def _mistaken(doc: Doc) -> bool:
    codings = (doc.get("verificationStatus") or {}).get("coding", [])
    return doc.get("status") == _MISTAKE or any(coding.get("code") == _MISTAKE for coding in codings)


class _Page:
    """Some records with what they refer to: `own` are their documents under the table's names, by reference."""

    def __init__(self, session: Session, peer: Peer, page: Sequence[Stored], scope: Scope) -> None:
        self._peer, self._scope = peer, scope
        self.own = {one.reference: self._named(one) for one in page}
        wanted = {text for doc in self.own.values() for text in _references(doc)} - self.own.keys()
        pairs = [(text.split("/")[0], text.split("/")[1]) for text in wanted if text.count("/") == 1]
        self._others = {one.reference: self._named(one) for one in records.read(session, pairs).values() if one.doc}
        self._keys = {text: _key(doc) for text, doc in {**self._others, **self.own}.items()}

    def _named(self, one: Stored) -> Doc:
        doc: Doc = decode(one.doc)
        return {**doc, "identifier": to_table(doc.get("identifier", []), self._peer), "id": one.id, "_pk": str(one.pk)}

    def row(self, one: Stored, doc: Doc, table: FlatTable, how: Disguise | None) -> Row:
        """Return a record as a row, with the key of its person."""
        person = one.reference if one.type == "Patient" else _reference(doc, "subject") or _reference(doc, "patient")
        encounter = _reference(doc, "encounter")
        linked = (("Patient", person), ("Encounter", encounter))
        about = {name: self._others[text] for name, text in linked if text in self._others}
        documents = {name: [held] for name, held in {**about, one.type: doc}.items()}
        key = self._keys.get(person, person)
        self._scope.keys = dict(self._keys)
        if how:
            documents = {name: [disguised(held, key, how) for held in list_] for name, list_ in documents.items()}
            self._scope.keys = {text: how.pseudonym(_system(text), held) for text, held in self._keys.items()}
        self._scope.returning = one.source == self._peer.id
        cells = table.write(documents, self._scope)
        for column in _number_columns(table):
            if not cells.get(column):
                cells[column] = how.pseudonym(_system(one.reference), doc["_pk"]) if how else doc["_pk"]
        return key, cells


def _references(doc: Any) -> Iterator[str]:
    if isinstance(doc, dict):
        if isinstance(text := doc.get("reference"), str):
            yield text
        for value in doc.values():
            yield from _references(value)
    elif isinstance(doc, list):
        for value in doc:
            yield from _references(value)


def _reference(doc: Doc, element: str) -> str:
    return str((doc.get(element) or {}).get("reference", ""))


def _key(doc: Doc) -> str:
    """Return what an EMR calls a record: its number, else our key of it."""
    numbers = (item["value"] for item in doc["identifier"] if str(item.get("system", "")).endswith("-number"))
    return str(next(numbers, doc["_pk"]))


def _system(reference: str) -> str:
    """Return the system of the numbers of what a reference is to, under which pseudonyms are made."""
    kinds = {"Patient": "patient", "Encounter": "visit", "Organization": "organization", "Practitioner": "provider"}
    return f"{PREFIX}{kinds.get(reference.split('/', maxsplit=1)[0], 'record')}-number"


def _number_columns(table: FlatTable) -> list[str]:
    return [
        column
        for rule in table.rules
        if ".identifier[system=hub:" in rule.row.right and "-number]" in rule.row.right
        for column in rule.columns
        if column in table.required and table.facts.records[-1].type == rule.type
    ]
