"""Relationships of tracked entities: between persons as RelatedPersons, of a household or the like as a Group."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hub.bound.loading import Bound
from hub.bound.patients import described
from tracker_core import records
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.identity import PERSON_SYSTEM
from tracker_core.metadata import Metadata
from tracker_core.tracker import Touched, episodes
from tracker_core.tracker.episodes import Holder, Relation

RELATIONSHIP_SYSTEM = "urn:tracker-hub:relationship"
TYPE_SYSTEM = "urn:tracker-hub:relationship-type"
_ENTITY = "urn:tracker-hub:tracked-entity"
_SHOWN = ("name", "telecom", "gender", "birthDate", "address")


def changes_of(
    session: Session,
    known: Metadata,
    bindings: Sequence[Bound],
    touched: Iterable[Touched],
    patients: Mapping[int, dict[str, str]],
) -> list[RecordChange]:
    """Return the records of the touched relationships.

    Of two persons the one related to `patient` is described as it is now; both ways where the type goes both ways.
    A tracked entity that is no person is a Group of the persons it is related to.
    """
    pks = [one.pk for one in touched if one.kind == "relationship"]
    found = episodes.relations(session, pks) if pks else []
    if not found:
        return []
    entities = sorted({side[0] for one in found for side in one.sides})
    named = dict(patients)
    for record in records.of_subject(session, entities, ["Patient"]):
        named.setdefault(record.subject or 0, {"reference": record.reference})
    holders = episodes.holders(session, entities)
    wanted = [document for one in found for document in _related(known, bindings, one, named, holders)]
    crowds = sorted({side[0] for one in found for side in one.sides if side[0] not in named})
    wanted += _groups(session, known, crowds, named)
    stored = records.read(session, [(document["resourceType"], document["id"]) for document, _ in wanted])
    changes = []
    for document, gone in wanted:
        key = document["resourceType"], document["id"]
        there = key in stored and not stored[key].deleted
        where = f"relationship {document['id']}"
        if not gone:
            changes.append(RecordChange(key[0], document, "put", id=key[1], where=where))
        elif there:
            changes.append(RecordChange(key[0], b"", "delete", id=key[1], where=where))
    return changes


def _related(
    known: Metadata,
    bindings: Sequence[Bound],
    one: Relation,
    patients: Mapping[int, dict[str, str]],
    holders: Mapping[int, Holder],
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield a relationship of persons as RelatedPersons, each with whether it is gone."""
    kind = known.relationship_types.get(one.type)
    (patient, *_), (other, *_) = one.sides
    ways = [("", patient, other)] + ([("-inverse", other, patient)] if kind and kind.bidirectional else [])
    for suffix, of, who in ways:
        if of not in patients or who not in patients or (who not in holders and not one.deleted):
            continue
        person = described(bindings, holders[who]) if who in holders else {}
        name = kind.name if kind else one.type
        yield (
            {
                "resourceType": "RelatedPerson",
                "id": one.uid + suffix,
                "identifier": [
                    {"system": RELATIONSHIP_SYSTEM, "value": one.uid},
                    {"system": PERSON_SYSTEM, "value": holders[who].uid if who in holders else ""},
                ],
                "active": True,
                "patient": patients[of],
                "relationship": [{"coding": [{"system": TYPE_SYSTEM, "code": one.type, "display": name}]}],
                **{key: person[key] for key in _SHOWN if key in person},
            },
            one.deleted or who not in holders,
        )


def _groups(
    session: Session, known: Metadata, crowds: Sequence[int], patients: Mapping[int, dict[str, str]]
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield tracked entities that are no persons as Groups of the persons they are related to."""
    every = episodes.relations(session, (), crowds) if crowds else []
    others = sorted({side[0] for one in every for side in one.sides if side[0] not in patients})
    named = dict(patients)
    for record in records.of_subject(session, others, ["Patient"]):
        named.setdefault(record.subject or 0, {"reference": record.reference})
    for pk in crowds:
        mine = [one for one in every if pk in (one.sides[0][0], one.sides[1][0])]
        uid, type = next((uid, type) for one in mine for key, uid, type in one.sides if key == pk)
        sides = {side for one in mine if not one.deleted for side in one.sides}
        members = [named[key] for key in sorted(side[0] for side in sides) if key in named and key != pk]
        found = known.entity_types.get(type)
        yield (
            {
                "resourceType": "Group",
                "id": uid,
                "identifier": [{"system": _ENTITY, "value": uid}],
                "active": True,
                "type": "person",
                "actual": True,
                "name": found.name if found else type,
                "quantity": len(members),
                "member": [{"entity": member} for member in members],
            },
            not members,
        )
