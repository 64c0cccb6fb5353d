"""What hangs on an object when it is deleted: what goes with it, what only lets go of it, and what stands in the way.

DHIS2 decides this in a handler per pair of types; here the schema does. An object's own children go with it. Objects
that merely list it (groups, the org units of a program) let go of it. Any other reference is a use, and so is captured
data: the object stays (E4030).
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tracker_core.database import Session
from tracker_core.metadata import schema
from tracker_core.metadata.indexes import UNITS, indexes
from tracker_core.metadata.model import Metadata
from tracker_core.metadata.schema import Reference, Type

Document = dict[str, Any]
Key = tuple[str, str]

# References by which an object belongs to what it names, beyond those that stand on both sides: (collection, property).
_BELONGS = frozenset(
    {
        ("programRules", "program"),
        ("programRules", "programStage"),
        ("programRuleVariables", "program"),
        ("programRuleVariables", "programStage"),
        ("programIndicators", "program"),
        ("trackedEntityInstanceFilters", "program"),
        ("programStageWorkingLists", "program"),
        ("programStageWorkingLists", "programStage"),
        ("sections", "dataSet"),
        ("categoryOptionCombos", "categoryCombo"),
    }
)
_UNIT = schema.of(UNITS).name
# Lists that are made of what they list: an item cannot just fall out of them.
_MADE_OF = frozenset({("categoryCombos", "categories"), ("categoryOptionCombos", "categoryOptions")})


class Use(NamedTuple):
    """What stands in the way: the name of a type, and the uid of the object, empty where it is captured data."""

    type: str
    uid: str

    @property
    def text(self) -> str:
        """How DHIS2 names it in E4030."""
        return f"{self.type} ({self.uid})" if self.uid else self.type


@dataclass(slots=True)
class Removal:
    """What a deletion comes to: `gone` objects, documents `left` without references to them, and `uses` against it."""

    gone: list[Key] = field(default_factory=list)
    left: dict[Key, Document] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)


def plan_removal(session: Session, known: Metadata, keys: Iterable[Key]) -> Removal:
    """Plan to delete objects, by collection and uid. With any use, nothing of the plan may be carried out."""
    removal = Removal(gone=list(keys))
    at = 0
    while at < len(removal.gone):
        holders = list(_holders(known, removal.gone[at]))
        for holder, reference in holders:
            _weigh(removal, holder, reference)
        at += 1
    gone = set(removal.gone)
    removal.left = {key: doc for key, doc in removal.left.items() if key not in gone}
    removal.uses = [use for key, use in _against(removal.uses) if key not in gone]
    removal.uses += [
        Use(_UNIT, child)
        for collection, uid in gone
        if collection == UNITS
        for child in indexes(known).children.get(uid, ())
        if (UNITS, child) not in gone
    ]
    removal.uses += _captured(session, known, removal.gone)
    return removal


class _Holder(NamedTuple):
    type: Type
    uid: str
    doc: Document


def _holders(known: Metadata, key: Key) -> Iterator[tuple[_Holder, Reference]]:
    """Yield every stored reference to an object, with the object that holds it."""
    for type in _referring(key[0]):
        for held in known.objects.get(type.collection, {}).values():
            for reference in schema.references(type, held.doc):
                if reference.target == key[0] and reference.uid == key[1]:
                    yield _Holder(type, held.uid, held.doc), reference


def _referring(collection: str) -> Iterator[Type]:
    """Yield the types whose documents may refer into a collection, in themselves or in their parts."""
    return (type for type in schema.TYPES.values() if not type.within and collection in _targets(type, frozenset()))


def _targets(type: Type, seen: frozenset[str]) -> set[str]:
    found = {each.target for each in type.of_kind("ref", "refs")}
    for each in type.of_kind("part", "parts"):
        if each.target not in seen:
            found |= _targets(schema.structure(each.target), seen | {each.target})
    return found


def _weigh(removal: Removal, holder: _Holder, reference: Reference) -> None:
    """Say what one reference means for the deletion: its holder goes too, lets go, or stands in the way."""
    found, place = reference.by, (holder.type.collection, reference.by.name)
    key = (holder.type.collection, holder.uid)
    inside = len(reference.path) > (2 if found.kind == "refs" else 1)
    if key in removal.gone or (inside and found.name == _back(holder.type)) or (found.loose and found.kind == "ref"):
        return
    if not inside and found.kind == "ref" and (found.bond or place in _BELONGS):
        removal.gone.append(key)
    elif not inside and found.kind == "refs" and place not in _MADE_OF:
        doc = removal.left.setdefault(key, deepcopy(holder.doc))
        doc[found.name] = [item for item in doc[found.name] if item != reference.value]
    else:
        removal.uses.append(Use(holder.type.collection, holder.uid))


def _back(type: Type) -> str:
    """Return what a part calls the object it is in, which is no use of it."""
    return type.singular


def _against(uses: Iterable[Use]) -> Iterator[tuple[Key, Use]]:
    for use in dict.fromkeys(uses):
        yield (use.type, use.uid), Use(schema.of(use.type).name, use.uid)


# Whether anything was captured for one of the objects with these pks or uids.
_CAPTURED: dict[str, tuple[tuple[str, str], ...]] = {
    "programs": (
        ("Enrollment", "select from enrollment where program = any(%b::bigint[]) and not deleted"),
        ("Event", "select from event where program = any(%b::bigint[]) and not deleted"),
    ),
    "programStages": (("Event", "select from event where stage = any(%b::bigint[]) and not deleted"),),
    "trackedEntityTypes": (
        ("TrackedEntity", "select from tracked_entity where type = any(%b::bigint[]) and not deleted"),
    ),
    "trackedEntityAttributes": (
        ("TrackedEntityAttributeValue", "select from attribute_value where attribute = any(%b::bigint[])"),
    ),
    "relationshipTypes": (("Relationship", "select from relationship where type = any(%b::bigint[]) and not deleted"),),
    UNITS: (
        ("TrackedEntity", "select from tracked_entity where org_unit = any(%b::bigint[])"),
        ("Enrollment", "select from enrollment where org_unit = any(%b::bigint[])"),
        ("Event", "select from event where org_unit = any(%b::bigint[])"),
        ("DataValue", "select from aggregate_value where org_unit = any(%b::bigint[])"),
    ),
    "dataElements": (
        ("Event", "select from event where data ?| %b::text[]"),
        ("DataValue", "select from aggregate_value where data_element = any(%b::text[])"),
    ),
    "categoryOptionCombos": (
        ("Event", "select from event where attribute_option_combo = any(%b::text[]) and not deleted"),
        ("DataValue", "select from aggregate_value where category_option_combo = any(%b::text[])"),
    ),
}


def _captured(session: Session, known: Metadata, gone: Iterable[Key]) -> Iterator[Use]:
    by_collection: dict[str, list[str]] = {}
    for collection, uid in gone:
        by_collection.setdefault(collection, []).append(uid)
    for collection, uids in by_collection.items():
        for name, query in _CAPTURED.get(collection, ()):
            keys: Sequence[Any] = _pks(known, collection, uids) if "bigint" in query else uids
            row = session.execute(f"select exists ({query})", (keys,)).fetchone()
            if row is not None and row[0]:
                yield Use(name, "")


def _pks(known: Metadata, collection: str, uids: Iterable[str]) -> list[int]:
    held = known.org_units if collection == UNITS else known.objects.get(collection, {})
    return [held[uid].pk for uid in uids if uid in held]
