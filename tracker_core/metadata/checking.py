"""What an import checks before it writes: required properties, codes, and the references the tracker leans on."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.incoming import Incoming

# The category model's four `default` objects: every instance has its own, a package's are never imported.
DEFAULTED = ("categories", "categoryOptions", "categoryCombos", "categoryOptionCombos")

# Codes are unique within these types' owners only, or may repeat.
REPEATED_CODES = ("options", "categoryOptionCombos")

REQUIRED: dict[str, tuple[str, ...]] = {
    "dataElements": ("name", "valueType"),
    "trackedEntityAttributes": ("name", "valueType"),
    "trackedEntityTypes": ("name",),
    "optionSets": ("name",),
    "options": ("name", "code"),
    "programs": ("name", "programType"),
    "programStages": ("name",),
    "relationshipTypes": ("name",),
}

# (type, path) -> type of what it refers to. A path runs through objects and lists alike.
REFERENCES: dict[tuple[str, tuple[str, ...]], str] = {
    ("programs", ("trackedEntityType",)): "trackedEntityTypes",
    ("programs", ("programStages",)): "programStages",
    ("programs", ("programTrackedEntityAttributes", "trackedEntityAttribute")): "trackedEntityAttributes",
    ("programs", ("categoryCombo",)): "categoryCombos",
    ("programStages", ("programStageDataElements", "dataElement")): "dataElements",
    ("trackedEntityTypes", ("trackedEntityTypeAttributes", "trackedEntityAttribute")): "trackedEntityAttributes",
    ("trackedEntityAttributes", ("optionSet",)): "optionSets",
    ("dataElements", ("optionSet",)): "optionSets",
    ("options", ("optionSet",)): "optionSets",
    ("optionSets", ("options",)): "options",
}


def find_issues(session: Session, items: Sequence[Incoming]) -> list[Issue]:
    """Return every issue of `items`, which are all or nothing: one is enough to refuse them."""
    found = [issue for item in items for issue in _missing(item)]
    found += _repeated_uids(items)
    found += _taken_codes(session, items)
    found += _dangling(session, items)
    return found


def _missing(item: Incoming) -> Iterator[Issue]:
    for name in REQUIRED.get(item.type, ()):
        if not item.doc.get(name):
            yield Issue("E4000", f"Missing required property `{name}`", where=f"{item.type} {item.uid}")


def _repeated_uids(items: Iterable[Incoming]) -> Iterator[Issue]:
    seen: set[tuple[str, str]] = set()
    for item in items:
        if (item.type, item.uid) in seen:
            text = f"Id `{item.uid}` for type `{item.type}` exists on more than 1 object in the payload"
            yield Issue("E5004", text, where=f"{item.type} {item.uid}")
        seen.add((item.type, item.uid))


def _taken_codes(session: Session, items: Iterable[Incoming]) -> Iterator[Issue]:
    coded = [(i, str(i.doc["code"])) for i in items if i.doc.get("code") and i.type not in REPEATED_CODES]
    rows = session.execute(
        "select type, code, uid from metadata_object where (type, code) in"
        " (select * from unnest(%b::text[], %b::text[]))",
        ([i.type for i, _ in coded], [code for _, code in coded]),
    )
    moving = {(i.type, i.uid) for i, _ in coded}
    owners = {(type, code): uid for type, code, uid in rows if (type, uid) not in moving}
    for item, code in coded:
        owner = owners.setdefault((item.type, code), item.uid)
        if owner != item.uid:
            text = f"Property `code` with value `{code}` on object {item.uid} already exists on object {owner}"
            yield Issue("E5003", text, where=f"{item.type} {item.uid}", value=code)


def _dangling(session: Session, items: Sequence[Incoming]) -> Iterator[Issue]:
    named = [
        (item, path, target, uid)
        for item in items
        for (type, path), target in REFERENCES.items()
        if type == item.type
        for uid in _follow(item.doc, path)
    ]
    here = {(item.type, item.uid) for item in items}
    asked = sorted({(target, uid) for _, _, target, uid in named} - here)
    rows = session.execute(
        "select type, uid from metadata_object where (type, uid) in (select * from unnest(%b::text[], %b::text[]))",
        ([type for type, _ in asked], [uid for _, uid in asked]),
    )
    here.update((type, uid) for type, uid in rows)
    for item, path, target, uid in named:
        if (target, uid) not in here:
            text = f"Invalid reference {uid} ({target}) on object {item.uid} ({item.type}) for association `{path[0]}`"
            yield Issue("E5002", text, where=f"{item.type} {item.uid}", value=uid)


def _follow(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the uids that `path` leads to; links given by id only (`{"id": …}`) lead nowhere and are skipped."""
    if isinstance(value, list):
        for item in value:
            yield from _follow(item, path)
    elif path and isinstance(value, dict):
        if path[0] in value:
            yield from _follow(value[path[0]], path[1:])
    elif not path and (uid := reference(value)):
        yield uid
