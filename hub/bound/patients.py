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
            changes += _edit(bindings, holder, *own[0], scope) if pk in captured else []
        elif documents and pk not in captured:
            references[pk] = {"reference": max(documents, key=lambda pair: pair[0].updated)[0].reference}
        else:
            change = _make(bindings, holder, scope)
            references[pk] = {"reference": change.name}
            changes.append(change)
    return Patients(references, changes)


def described(bindings: Iterable[Bound], holder: Holder) -> dict[str, Any]:
    """Return a person as a Patient would describe it, of its attributes alone."""
    return _written(bindings, holder, {"resourceType": "Patient"}, Scope(quiet=True))


def _make(bindings: Iterable[Bound], holder: Holder, scope: Scope) -> RecordChange:
    document: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": PERSON_SYSTEM, "value": holder.uid}],
    }
    name = f"{PERSON_SYSTEM}:{holder.uid}"
    return RecordChange("Patient", _written(bindings, holder, document, scope), name=name, where=f"person {holder.uid}")


def _edit(
    bindings: Iterable[Bound], holder: Holder, record: Stored, document: dict[str, Any], scope: Scope
) -> list[RecordChange]:
    after = _written(bindings, holder, document, scope)
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
