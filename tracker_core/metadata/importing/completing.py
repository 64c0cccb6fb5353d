"""What the server adds to a document: defaults, ids of its parts, who made it and when, and today's form of sharing."""

from collections.abc import Mapping
from typing import Any

from tracker_core.context import Context
from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.defaults import default_uid
from tracker_core.metadata.importing.incoming import Incoming
from tracker_core.metadata.importing.options import Document, Options
from tracker_core.metadata.model import Metadata
from tracker_core.metadata.schema import Type
from tracker_core.uids import new_uid

_SHORT = 50
_STAMPS = ("created", "createdBy", "lastUpdated", "lastUpdatedBy")
_VERSIONED = ("programs", "optionSets")
_LEGACY = ("publicAccess", "userAccesses", "userGroupAccesses", "externalAccess")


def complete(known: Metadata, items: list[Incoming], context: Context, options: Options) -> None:
    """Bring documents into the form in which they are stored. What nobody said stays as it was stored."""
    combo = {"id": default_uid(known, "categoryCombos")}
    for item in items:
        _keep(item, options)
        _share(item, options)
        for part in schema.parts(item.type, item.doc):
            _strip(part.type, part.doc)
            _fill(part.type, part.doc, combo)
        _identify(item)
        _stamp(item, context, options)
        _version(item)


def _strip(type: Type, doc: Document) -> None:
    """Drop what is computed when an object is read. Unknown properties stay."""
    for name in [name for name in doc if (found := type.properties.get(name)) and not found.owner]:
        del doc[name]


def _fill(type: Type, doc: Document, combo: Document) -> None:
    for found in type.properties.values():
        if found.default is not None and found.owner and found.name not in doc:
            if found.kind != "ref":
                doc[found.name] = found.default
            elif combo["id"]:
                doc[found.name] = dict(combo)
    short = type.properties.get("shortName")
    if short is not None and short.required and "shortName" not in doc and isinstance(doc.get("name"), str):
        doc["shortName"] = doc["name"][:_SHORT]


def _keep(item: Incoming, options: Options) -> None:
    """Keep of the stored document what the import must not touch."""
    for name, skipped in (("sharing", options.skip_sharing), ("translations", options.skip_translation)):
        if skipped:
            item.doc.pop(name, None)
            if item.stored and name in item.stored:
                item.doc[name] = item.stored[name]
    if options.skip_sharing:
        for name in _LEGACY:
            item.doc.pop(name, None)


def _share(item: Incoming, options: Options) -> None:
    """Let a document say in `sharing` who may do what; a new one that says nothing belongs to who brings it."""
    if "sharing" in item.doc or "sharing" not in item.type.properties:
        return
    if any(name in item.doc for name in _LEGACY):
        item.doc["sharing"] = _modern(item.doc)
    elif item.stored and "sharing" in item.stored:
        item.doc["sharing"] = item.stored["sharing"]
    elif item.stored is None and item.type.shareable and options.user:
        public = "rw------" if options.guard is None or options.guard.publishes(item.type) else "--------"
        owner = {"owner": options.creator or options.user.uid, "external": False, "public": public}
        item.doc["sharing"] = {**owner, "users": {}, "userGroups": {}}


def _modern(doc: Document) -> Document:
    """Return the lists that older versions say it with as `sharing`."""
    return {
        "owner": reference(doc.get("user")) or None,
        "external": bool(doc.get("externalAccess")),
        "public": doc.get("publicAccess"),
        "users": _entries(doc.get("userAccesses"), "userUid"),
        "userGroups": _entries(doc.get("userGroupAccesses"), "userGroupUid"),
    }


def _entries(listed: Any, other: str) -> Document:
    entries = [entry for entry in listed or () if isinstance(entry, Mapping)]
    named = [(str(entry.get("id") or entry.get(other) or ""), entry) for entry in entries]
    return {uid: {"id": uid, "access": str(entry.get("access") or "")} for uid, entry in named if uid}


def _identify(item: Incoming) -> None:
    """Give parts that are objects an id: that of the same part as stored, or a fresh one."""
    for found in item.type.of_kind("parts"):
        inner = schema.structure(found.target)
        parts = item.doc.get(found.name)
        if inner.part or not isinstance(parts, list):
            continue
        stored = _by_content(inner, (item.stored or {}).get(found.name))
        for part in parts:
            if isinstance(part, dict) and not part.get("id"):
                part["id"] = stored.pop(_content(inner, part), "") or new_uid()


def _by_content(type: Type, parts: Any) -> dict[str, str]:
    return {_content(type, part): part["id"] for part in parts or () if isinstance(part, dict) and part.get("id")}


def _content(type: Type, part: Document) -> str:
    """Return what tells a part from its siblings: what it requires, else all it says."""
    key = [p for p in type.of_kind("ref") if p.required]
    if key:
        return reference(part.get(key[0].name))
    return str(sorted((k, str(v)) for k, v in part.items() if k not in ("id", *_STAMPS)))


def _stamp(item: Incoming, context: Context, options: Options) -> None:
    """Say who made it and when. An object that is stored keeps that; only a change is stamped anew, by `restamp`."""
    stored = item.stored
    if stored is not None:
        for name in _STAMPS:
            item.doc.pop(name, None)
            if name in stored:
                item.doc[name] = stored[name]
        return
    now = moment(context)
    item.doc.setdefault("created", now)
    item.doc["lastUpdated"] = now
    if options.user is not None:
        user = {"id": options.user.uid, "username": options.user.username}
        item.doc["createdBy"] = {"id": options.creator} if options.creator else user
        item.doc["lastUpdatedBy"] = user


def restamp(item: Incoming, context: Context, options: Options) -> None:
    """Say who changed it and when."""
    item.doc["lastUpdated"] = moment(context)
    if options.user is not None:
        item.doc["lastUpdatedBy"] = {"id": options.user.uid, "username": options.user.username}


def moment(context: Context) -> str:
    """Return the time of the import as DHIS2 writes it: milliseconds, no zone."""
    return context.at.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _version(item: Incoming) -> None:
    """Never let a version fall back: clients cache by it."""
    if item.type.collection in _VERSIONED and item.stored is not None:
        given, before = item.doc.get("version"), item.stored.get("version")
        if isinstance(before, int) and not (isinstance(given, int) and given > before):
            item.doc["version"] = before
