"""Versions that clients cache by: a program's and an option set's go up with every change to them or below them."""

from collections.abc import Callable, Iterator, Mapping

from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Prospect
from tracker_core.metadata.importing.options import Document
from tracker_core.metadata.indexes import indexes

# Where a type's objects belong: the property that leads up, and the type it leads to.
_ABOVE: Mapping[str, tuple[str, str]] = {
    "programStages": ("program", "programs"),
    "programSections": ("program", "programs"),
    "programRules": ("program", "programs"),
    "programRuleVariables": ("program", "programs"),
    "programIndicators": ("program", "programs"),
    "programStageSections": ("programStage", "programStages"),
    "programRuleActions": ("programRule", "programRules"),
    "options": ("optionSet", "optionSets"),
}
# What a form shows, and the objects whose parts place it there: collection, parts, reference.
_PLACED: Mapping[str, tuple[str, str, str]] = {
    "dataElements": ("programStages", "programStageDataElements", "dataElement"),
    "trackedEntityAttributes": ("programs", "programTrackedEntityAttributes", "trackedEntityAttribute"),
}
_TOPS = ("programs", "optionSets")


def raise_versions(prospect: Prospect, changed: Callable[[Incoming], bool]) -> None:
    """Raise the version of every stored program and option set with a change in it or below it, by one at most."""
    tops = {top for item in prospect.items if changed(item) for top in tops_of(prospect, item)}
    for collection, uid in sorted(tops):
        item = prospect.touch(collection, uid)
        if item is None or item.stored is None:
            continue
        before, now = item.stored.get("version"), item.doc.get("version")
        before = before if isinstance(before, int) else 0
        if not isinstance(now, int) or now <= before:
            item.doc["version"] = before + 1


def tops_of(prospect: Prospect, item: Incoming) -> Iterator[tuple[str, str]]:
    """Yield the programs and option sets that an object belongs to or belonged to, or in whose forms it stands."""
    for doc in (item.doc, item.stored):
        if doc is not None:
            yield from _above(prospect, item.type.collection, item.uid, doc)
    if item.type.collection in _PLACED:
        place = _PLACED[item.type.collection]
        for uid in indexes(prospect.known).placing(*place).get(item.uid, ()):
            yield from _above(prospect, place[0], uid, prospect.find(place[0], uid) or {})


def _above(prospect: Prospect, collection: str, uid: str, doc: Document) -> Iterator[tuple[str, str]]:
    while collection in _ABOVE:
        name, collection = _ABOVE[collection]
        uid = reference(doc.get(name))
        found = prospect.find(collection, uid)
        if found is None:
            return
        doc = found
    if collection in _TOPS:
        yield collection, uid
