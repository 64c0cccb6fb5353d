"""Values that name files: an attribute or data value of type FILE_RESOURCE or IMAGE holds its file, and lets it go."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from tracker_core import files
from tracker_core.changes import ChangeSet
from tracker_core.database import Session
from tracker_core.files.resources import Holder
from tracker_core.metadata import Metadata
from tracker_core.tracker.rows import EventItem
from tracker_core.tracker.world import World

FILE_TYPES = ("FILE_RESOURCE", "IMAGE")


def load_files(session: Session, world: World, changes: ChangeSet) -> None:
    """Load the files that the changes name, and which values hold them."""
    named = {
        value
        for attributes in chain((t.attributes for t in changes.entities), (n.attributes for n in changes.enrollments))
        for value in _files(attributes_of(world.metadata), attributes)
    }
    elements = elements_of(world.metadata)
    named |= {value for event in changes.events for value in _files(elements, event.data)}
    if named:
        for uid, held in files.holders(session, named).items():
            world.files[uid] = held.content_type
            if held.owner is not None:
                world.claimed[uid] = held.owner


def attributes_of(known: Metadata) -> set[str]:
    """Return the uids of the attributes whose values name files."""
    return {uid for uid, attribute in known.attributes.items() if attribute.value_type in FILE_TYPES}


def elements_of(known: Metadata) -> set[str]:
    """Return the uids of the data elements whose values name files."""
    return {uid for uid, element in known.data_elements.items() if element.value_type in FILE_TYPES}


def _files(fields: set[str], values: Mapping[str, str | None]) -> Iterator[str]:
    return (value for uid in fields & values.keys() if (value := values[uid]))


def hold_attributes(session: Session, world: World, changed: Iterable[tuple[str, str, str | None, str | None]]) -> None:
    """Let attributes hold what they name from now on; each change is (entity, attribute, old value, new value)."""
    fields = attributes_of(world.metadata)
    if fields:
        found = [(world.entities[e].pk, field, old, new) for e, field, old, new in changed if field in fields]
        _hold(session, "trackedEntity", found)


def hold_data(session: Session, world: World, items: Sequence[EventItem]) -> None:
    """Let the data values of events hold what they name from now on."""
    fields = elements_of(world.metadata)
    if fields:
        found = [
            (item.row.pk, field, item.old.data.get(field) if item.old else None, item.row.data.get(field))
            for item in items
            for field in fields & item.change.data.keys()
        ]
        _hold(session, "event", found)


def _hold(session: Session, kind: str, changed: Sequence[tuple[int, str, str | None, str | None]]) -> None:
    gone: list[tuple[str, Holder]] = [(old, (pk, field)) for pk, field, old, new in changed if old and old != new]
    files.release(session, gone)
    files.assign(session, kind, [(new, (pk, field)) for pk, field, old, new in changed if new and old != new])
