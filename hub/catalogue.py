"""The catalogue: metadata and accounts shown as FHIR records, brought up to date by the worker after any change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

import structlog

from hub import VERSION
from hub.bound import visit_plans
from hub.bound.loading import current
from hub.runtime import Runtime
from mappings.binding.events import coding_of
from mappings.binding.grammar import BoundRow
from mappings.binding.options import OptionMap
from mappings.catalogue import Bond, measures, people, places, plans, questionnaires, registrations, value_sets
from tracker_core import catalogue, history, metadata, records, users
from tracker_core.aggregates import reports
from tracker_core.catalogue import Key
from tracker_core.changes import RecordChange
from tracker_core.database import Session, transaction
from tracker_core.metadata import org_units
from tracker_core.records import documents

log = structlog.get_logger()
ACTOR = "system"
BATCH = 1_000  # records written in one transaction


@dataclass(slots=True)
class Plan:
    """What it takes to show `state`: documents to write with their digests, and records that are gone."""

    state: str
    documents: dict[Key, tuple[dict[str, Any], int]] = field(default_factory=dict)
    gone: list[Key] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Progress:
    """Whether the catalogue shows the metadata as they are; if not, how many records there are to write."""

    up_to_date: bool
    records: int


def turn(runtime: Runtime) -> int:
    """Bring the catalogue up to date, a thousand records a transaction; return how many were written.

    Quick when nothing changed. What was interrupted goes on with what is left: a record that says already what it
    should is not written again. Only one process does it at a time.
    """
    with transaction(runtime.pool) as session:
        if not _behind(session) or not catalogue.claim(session):
            return 0
        plan = draw_up(session)
    written = 0
    waiting = iter(plan.documents.items())
    while some := dict(islice(waiting, BATCH)):
        with transaction(runtime.pool) as session:
            if not catalogue.claim(session):
                return written
            written += write(session, some, ())
    written += _follow_calendar(runtime)
    with transaction(runtime.pool) as session:
        if catalogue.claim(session):
            written += write(session, {}, plan.gone)
            catalogue.finish(session, plan.state)
    return written


def _follow_calendar(runtime: Runtime) -> int:
    """Make Tasks of the visits that became overdue by today: the state of the catalogue differs from day to day."""
    written = 0
    while True:
        with transaction(runtime.pool) as session:
            made = visit_plans.show_overdue(session, history.open_change_set(session, ACTOR), BATCH)
        written += made
        if made < BATCH:
            return written


def progress(session: Session) -> Progress:
    """Tell how far the catalogue is behind the metadata."""
    if not _behind(session):
        return Progress(up_to_date=True, records=0)
    plan = draw_up(session)
    return Progress(up_to_date=False, records=len(plan.documents) + len(plan.gone))


def draw_up(session: Session) -> Plan:
    """Compare what the metadata say with what the catalogue shows."""
    plan = Plan(_state(session))
    old = catalogue.digests(session)
    for document in _documents(session):
        key, digest = (document["resourceType"], document["id"]), _digest(document)
        if old.pop(key, None) != digest:
            plan.documents[key] = document, digest
    plan.gone = list(old)
    return plan


def write(session: Session, changed: Mapping[Key, tuple[dict[str, Any], int]], gone: Iterable[Key]) -> int:
    """Write these records of the catalogue and delete the ones that are `gone`; return how many changed.

    A record that somebody else put under the id of an object stays as it is, with a warning in the log.
    """
    left = list(gone)
    stored, own = records.read(session, [*changed, *left]), catalogue.digests(session)
    taken = {key for key in changed if key in stored and not stored[key].deleted and key not in own}
    for type, id in sorted(taken):
        log.warning("metadata not shown: the id is taken", record=f"{type}/{id}")
    ours = {key: document for key, (document, _) in changed.items() if key not in taken}
    changes = [RecordChange(type, document, "put", id=id) for (type, id), document in ours.items()]
    dead = [key for key in left if key in stored and not stored[key].deleted]
    changes += [RecordChange(type, b"", "delete", id=id) for type, id in dead]
    if changes:
        applied = records.apply(session, history.open_change_set(session, ACTOR), changes, atomic=False)
        for issue in applied.issues:
            log.warning("metadata not shown as a record", where=issue.where, reason=issue.text)
    catalogue.note(session, {key: changed[key][1] for key in ours}, left)
    return len(changes)


def _behind(session: Session) -> bool:
    return catalogue.shown(session) != _state(session)


def _state(session: Session) -> str:
    return f"{VERSION} {catalogue.state(session)} {_today()}"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _documents(session: Session) -> Iterator[dict[str, Any]]:
    known = metadata.load(session)
    groups = known.objects.get("organisationUnitGroups", {}).values()
    yield from places(org_units.documents(session), groups, _today())
    yield from measures(report.definition for report in reports.active(session))
    yield from people(users.documents(session), known.objects.get("userRoles", {}))
    yield from value_sets(known)
    yield from questionnaires(known, _bonds(session))
    yield from registrations(known, _rows(session))
    yield from plans(known)


def _rows(session: Session) -> dict[str, tuple[BoundRow, Mapping[str, OptionMap]]]:
    """Return the bound places of attributes (uid) in Patient."""
    return {
        bound.attributes[row.key].uid: (row, bound.binding.concepts)
        for bound in current(session)
        for row in bound.person
        if row.row.arrow == "<->"
    }


def _bonds(session: Session) -> dict[str, Bond]:
    """Return what the bindings say of data elements that are the value of an Observation, by uid."""
    found = {}
    for bound in current(session):
        for stage in bound.stages.values():
            rows = [row for row in stage.rules.rows if row.type == "Observation" and row.key in stage.elements]
            for row in rows:
                coding, unit = coding_of(row)
                if coding:
                    found[stage.elements[row.key]] = Bond(coding, unit)
    return found


def _digest(document: dict[str, Any]) -> int:
    return int.from_bytes(blake2b(documents.encode(document), digest_size=8).digest(), signed=True)
