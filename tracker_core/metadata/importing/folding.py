"""Objects that live in another one's document, given in a list of their own: each is put where it lives."""

from collections.abc import Mapping
from typing import Any

from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Package, Prospect


def fold(prospect: Prospect, package: Package) -> None:
    """Move objects of types `within` others into their owners, which change with them. Lost ones are an issue (E5002).

    An owner may list them by id only; what both say of one is put together.
    """
    homeless = [item for item in package.items if item.type.within]
    if not homeless:
        return
    package.items = [item for item in package.items if not item.type.within]
    listed = _listed(prospect)
    for item in homeless:
        owner = _owner(prospect, item, listed)
        if owner is None:
            package.issues.append(item.fault("E5002", _named(item), item.uid, _back(item)))
        else:
            _put(owner, item)
            package.folded.append(item)


def _listed(prospect: Prospect) -> dict[tuple[str, str], str]:
    """Map (type, uid) of every part that an incoming object lists to the uid of that object."""
    made = {}
    for item in prospect.items:
        for found in item.type.of_kind("parts"):
            for part in item.doc.get(found.name) or ():
                made[found.target, reference(part)] = item.uid
    return made


def _owner(prospect: Prospect, item: Incoming, listed: Mapping[tuple[str, str], str]) -> Incoming | None:
    collection, _ = item.type.within or ("", "")
    uid = reference(item.doc.get(_back(item))) or listed.get(item.key, "")
    if not uid:
        held = prospect.known.objects.get(collection, {}).values()
        uid = next((found.uid for found in held if _place(found.doc, item) is not None), "")
    return prospect.touch(collection, uid)


def _back(item: Incoming) -> str:
    return schema.of((item.type.within or ("", ""))[0]).singular


def _named(item: Incoming) -> str:
    return reference(item.doc.get(_back(item)))


def _place(doc: Mapping[str, Any], item: Incoming) -> int | None:
    _, name = item.type.within or ("", "")
    parts = doc.get(name)
    if not isinstance(parts, list):
        return None
    return next((index for index, part in enumerate(parts) if reference(part) == item.uid), None)


def _put(owner: Incoming, item: Incoming) -> None:
    _, name = item.type.within or ("", "")
    before = _place(owner.stored or {}, item)
    item.stored = None if before is None or owner.stored is None else owner.stored[name][before]
    parts = owner.doc.setdefault(name, [])
    at = _place(owner.doc, item)
    if at is None:
        parts.append(item.doc)
    else:
        given = parts[at] if isinstance(parts[at], dict) else {}
        parts[at] = {**given, **item.doc}


def settle(prospect: Prospect, package: Package) -> None:
    """Give the folded objects the documents that they have in their owners, once those are complete."""
    parts = {}
    for owner in prospect.items:
        for found in owner.type.of_kind("parts"):
            for part in owner.doc.get(found.name) or ():
                parts[found.target, reference(part)] = part
    for item in package.folded:
        item.doc = parts.get(item.key, item.doc)
