"""What an object needs to work elsewhere: everything it refers to, and what belongs to it, from there on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker_core.metadata import schema
from tracker_core.metadata.indexes import Indexes, indexes
from tracker_core.metadata.model import Metadata

Document = Mapping[str, Any]
Key = tuple[str, str]

# The place, not the program: every instance has its own org units and people.
_ELSEWHERE = frozenset({"organisationUnits", "users", "userGroups", "userRoles", "fileResources"})
# What belongs to an object although the object does not name it: its collection -> (collection, reference back).
_BELONGING: dict[str, Sequence[tuple[str, str]]] = {
    "programs": (
        ("programRules", "program"),
        ("programRuleVariables", "program"),
        ("programIndicators", "program"),
    ),
    "categoryCombos": (("categoryOptionCombos", "categoryCombo"),),
    "dataSets": (("sections", "dataSet"),),
}


def dependencies(known: Metadata, roots: Iterable[Key]) -> dict[str, list[Document]]:
    """Return the documents of `roots` (collection, uid) and of all that they need, by collection.

    Org units and people stay out, and so do other programs than those among `roots`. What is not there is left out.
    """
    found: dict[Key, Document] = {}
    kept = indexes(known)
    waiting = list(roots)
    programs = {key for key in waiting if key[0] == "programs"}
    while waiting:
        key = waiting.pop()
        held = known.objects.get(key[0], {}).get(key[1])
        if key in found or held is None or (key[0] == "programs" and key not in programs):
            continue
        found[key] = held.doc
        waiting += _needed(kept, key, held.doc)
    return _by_collection(found)


def _needed(kept: Indexes, key: Key, doc: dict[str, Any]) -> Iterable[Key]:
    collection, uid = key
    for reference in schema.references(schema.of(collection), doc):
        if reference.target not in _ELSEWHERE:
            yield reference.target, reference.uid
    for belonging, back in _BELONGING.get(collection, ()):
        for other in kept.mirror(belonging, back).get(uid, ()):
            yield belonging, other


def _by_collection(found: Mapping[Key, Document]) -> dict[str, list[Document]]:
    """Sort what was found in the order of the type table, each collection by id."""
    made: dict[str, list[Document]] = {}
    for (collection, _), doc in sorted(found.items()):
        made.setdefault(collection, []).append(doc)
    return {collection: made[collection] for collection in schema.TYPES if collection in made}
