"""The Patient record by which this hub speaks of a person that was captured in a program."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hub.bound.groups import marked, parse
from hub.bound.loading import Bound
from mappings.binding import write_person
from mappings.scope import Scope
from tracker_core import records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity import PERSON_SYSTEM
from tracker_core.records import Stored
from tracker_core.tracker.episodes import Holder


@dataclass(frozen=True, slots=True)
class Patients:
    """How to refer to persons (pk -> reference), and the changes that make the references real."""

    references: dict[int, dict[str, str]]
    changes: list[RecordChange]


def express_persons(
    session: Session,
    context: Context,
    bindings: Sequence[Bound],
    people: dict[int, Holder],
    captured: set[int],
    scope: Scope,
) -> Patients:
    """Bring the own Patient records of `captured` persons in line with their attributes; make those that are missing.

    Others are referred to by a Patient record they have; one that has none gets one too. Records of other peers are
    never changed.
    """
    source = context.peer.id if context.peer else None
    found: dict[int, list[Stored]] = {}
    for record in records.of_subject(session, sorted(people), ["Patient"]):
        found.setdefault(record.subject or 0, []).append(record)
    references: dict[int, dict[str, str]] = {}
    changes: list[RecordChange] = []
    for pk, holder in people.items():
        documents = [(record, parse(record)) for record in found.get(pk, ())]
        own = [(r, d) for r, d in documents if r.source == source and marked(d, PERSON_SYSTEM) == holder.uid]
        if own:
            references[pk] = {"reference": own[0][0].reference}
            others = [r.reference for r, d in documents if not marked(d, PERSON_SYSTEM)]
            changes += _edit(bindings, holder, *own[0], others, scope) if pk in captured else []
        elif documents and pk not in captured:
            references[pk] = {"reference": max(documents, key=lambda pair: pair[0].updated)[0].reference}
        else:
            change = _make(bindings, holder, [record.reference for record, _ in documents], scope)
            references[pk] = {"reference": change.name}
            changes.append(change)
    return Patients(references, changes)


def described(bindings: Iterable[Bound], holder: Holder) -> dict[str, Any]:
    """Return a person as a Patient would describe it, of its attributes alone."""
    return _written(bindings, holder, {"resourceType": "Patient"}, Scope(quiet=True))


def link_sources(session: Session, persons: Iterable[int]) -> list[RecordChange]:
    """Return what lets the hub's own Patients of these persons link to those of every source."""
    found: dict[int, list[tuple[Stored, dict[str, Any]]]] = {}
    for record in records.of_subject(session, sorted(set(persons)), ["Patient"]):
        found.setdefault(record.subject or 0, []).append((record, parse(record)))
    changes = []
    for documents in found.values():
        others = [record.reference for record, document in documents if not marked(document, PERSON_SYSTEM)]
        for record, document in documents:
            after = _linked(document, others) if marked(document, PERSON_SYSTEM) else document
            if after != document:
                changes.append(RecordChange("Patient", after, "patch", id=record.id, version=record.version))
    return changes


def _linked(document: dict[str, Any], others: Iterable[str]) -> dict[str, Any]:
    """Return a Patient that links to these others, and no longer to ours that are gone; other links stay."""
    wanted = {reference: {"other": {"reference": reference}, "type": "seealso"} for reference in others}
    held = {str((link.get("other") or {}).get("reference")): link for link in document.get("link") or ()}
    stale = {
        reference
        for reference, link in held.items()
        if link.get("type") == "seealso" and reference.startswith("Patient/") and reference not in wanted
    }
    kept = [link for reference, link in held.items() if reference not in stale]
    links = [*kept, *(link for reference, link in wanted.items() if reference not in held)]
    bare = {key: value for key, value in document.items() if key != "link"}
    return {**bare, "link": links} if links else bare


def _make(bindings: Iterable[Bound], holder: Holder, others: Sequence[str], scope: Scope) -> RecordChange:
    document: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": PERSON_SYSTEM, "value": holder.uid}],
    }
    after = _linked(_written(bindings, holder, document, scope), others)
    return RecordChange("Patient", after, name=f"{PERSON_SYSTEM}:{holder.uid}", where=f"person {holder.uid}")


def _edit(
    bindings: Iterable[Bound],
    holder: Holder,
    record: Stored,
    document: dict[str, Any],
    others: Sequence[str],
    scope: Scope,
) -> list[RecordChange]:
    after = _linked(_written(bindings, holder, document, scope), others)
    if after == document:
        return []
    where = f"person {holder.uid}"
    return [RecordChange("Patient", after, "patch", id=record.id, version=record.version, where=where)]


def _written(bindings: Iterable[Bound], holder: Holder, document: dict[str, Any], scope: Scope) -> dict[str, Any]:
    for bound in bindings:
        if bound.person:
            wanted = {key: holder.attributes.get(attribute.uid) for key, attribute in bound.attributes.items()}
            document = write_person(bound.person, wanted, document, scope) or document
    return document
