"""Tracker objects as documents under DHIS2's names (Web API 2.42, "Tracker object model"), read as sets.

Times are aware datetimes; how they are written is the format's concern. Every function takes pks and returns documents
by pk; what does not exist is left out. With a `sight` the nested parts hold what its actor may see, without one
everything; whether the actor may see the objects named is the caller's question (`visibility.visible`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tracker_core import metadata
from tracker_core.database import Session
from tracker_core.tracker.documents import enrolled, entity, happened, linked
from tracker_core.tracker.documents.parts import Document, Parts, Reader
from tracker_core.tracker.documents.people import name_people
from tracker_core.tracker.visibility import Sight

__all__ = ["Document", "Parts", "enrollments", "entities", "events", "relationships"]


def entities(
    session: Session, pks: Iterable[int], parts: Parts, program: str = "", *, sight: Sight | None = None
) -> dict[int, Document]:
    """Return tracked entities with the parts asked for.

    Attributes are those of the type; with `program` (uid) also the program's, and only its enrollments.
    """
    reader = _reader(session, sight)
    found = entity.read(reader, list(pks), parts, program)
    return _finished(reader, found, parts)


def enrollments(
    session: Session, pks: Iterable[int], parts: Parts, *, sight: Sight | None = None
) -> dict[int, Document]:
    """Return enrollments; `attributes` are those of the program that their entities have."""
    reader = _reader(session, sight)
    found = enrolled.read(reader, "n.pk = any(%b)", list(pks), parts, {}, deleted=True)
    return _finished(reader, found, parts)


def events(session: Session, pks: Iterable[int], parts: Parts, *, sight: Sight | None = None) -> dict[int, Document]:
    """Return events with their data values; each value tells who set it and when."""
    reader = _reader(session, sight)
    found = happened.read(reader, "v.pk = any(%b)", list(pks), parts, deleted=True)
    return _finished(reader, found, parts)


def relationships(
    session: Session, pks: Iterable[int], parts: Parts | None = None, *, sight: Sight | None = None
) -> dict[int, Document]:
    """Return relationships, each side named by uid; with `parts` the sides are read with them."""
    reader = _reader(session, sight)
    found = linked.read(reader, "r.pk = any(%b)", (list(pks),), deleted=True)
    return _finished(reader, found, Parts(relationships=True, sides=parts))


def _reader(session: Session, sight: Sight | None) -> Reader:
    return Reader(session, sight.known if sight else metadata.load(session), sight)


def _finished(reader: Reader, found: Mapping[int, Document], parts: Parts) -> dict[int, Document]:
    """Read the sides of the relationships that came along, name who did what, and drop what only helped to read."""
    if parts.sides is not None:
        _read_sides(reader, parts.sides)
    name_people(reader, [*found.values(), *reader.sides], people=parts.people)
    return dict(found)


def _read_sides(reader: Reader, parts: Parts) -> None:
    """Put whole documents where relationships only name their sides."""
    waiting: dict[str, dict[int, list[dict[str, Any]]]] = {"trackedEntity": {}, "enrollment": {}, "event": {}}
    for kind, pk, place in reader.waiting:
        waiting[kind].setdefault(pk, []).append(place)
    reads = {
        "trackedEntity": lambda pks: entity.read(reader, pks, parts, ""),
        "enrollment": lambda pks: enrolled.read(reader, "n.pk = any(%b)", pks, parts, {}, deleted=True),
        "event": lambda pks: happened.read(reader, "v.pk = any(%b)", pks, parts, deleted=True),
    }
    for kind, places in waiting.items():
        for pk, doc in (reads[kind](list(places)) if places else {}).items():
            reader.sides.append(doc)
            for place in places[pk]:
                place[kind] = doc
