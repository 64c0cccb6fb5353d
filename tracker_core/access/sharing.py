"""DHIS2's sharing: who may see and change an object, and the data that is captured for it (Web API 2.42, "Sharing").

An access string is `rwrw----`: metadata read and write, data read and write. An object says who has which in `sharing`
(owner, public, users, userGroups), older ones in `publicAccess`, `userAccesses` and `userGroupAccesses`. An object that
says nothing at all is open to everybody: the hub's own defaults, and types that DHIS2 doesn't share.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracker_core.access.actor import Actor

# The types whose sharing has a data half; `Actor.reads` and `Actor.writes` know their pks.
DATA_SHARED = ("programs", "programStages", "trackedEntityTypes", "relationshipTypes", "categoryOptions", "dataSets")
OPEN = "rwrw----"
_META_READ, _META_WRITE, _DATA_READ, _DATA_WRITE = range(4)
Document = Mapping[str, Any]


def metadata_readable(actor: Actor, doc: Document) -> bool:
    """Tell whether the actor may see the object `doc`."""
    return actor.superuser or _owns(actor, doc) or _granted(actor, doc, _META_READ, _META_WRITE)


def metadata_writable(actor: Actor, doc: Document) -> bool:
    """Tell whether sharing lets the actor change the object `doc`; the authority for its type is another matter."""
    return actor.superuser or _owns(actor, doc) or _granted(actor, doc, _META_WRITE)


def data_readable(actor: Actor, doc: Document) -> bool:
    """Tell whether the actor may read the data of `doc`; owning the object gives no right to its data."""
    return actor.superuser or _granted(actor, doc, _DATA_READ, _DATA_WRITE)


def data_writable(actor: Actor, doc: Document) -> bool:
    """Tell whether the actor may write data of `doc`."""
    return actor.superuser or _granted(actor, doc, _DATA_WRITE)


def data_pks(actor: Actor, type: str, *, write: bool = False) -> list[int]:
    """Return the pks of the objects of a data-shared `type` whose data the actor may read (or write), for SQL."""
    return sorted((actor.writes if write else actor.reads)[type])


def access_of(actor: Actor, type: str, doc: Document, *, change: bool = True, delete: bool = True) -> dict[str, Any]:
    """Return the `access` object of `doc`: what this actor may do with it.

    `change` and `delete` say whether the actor has the authorities that its type needs for that.
    """
    writable = change and metadata_writable(actor, doc)
    found: dict[str, Any] = {
        "manage": writable,
        "externalize": actor.superuser,
        "write": writable,
        "read": metadata_readable(actor, doc),
        "update": writable,
        "delete": delete and metadata_writable(actor, doc),
    }
    if type in DATA_SHARED:
        found["data"] = {"write": data_writable(actor, doc), "read": data_readable(actor, doc)}
    return found


def sharing_of(doc: Document) -> dict[str, Any]:
    """Return the sharing of `doc` in today's form, whichever form it has; without any it is public, as `OPEN` says."""
    if isinstance(doc.get("sharing"), Mapping):
        given = doc["sharing"]
        return {
            "owner": given.get("owner"),
            "external": bool(given.get("external")),
            "public": given.get("public"),
            "users": dict(given.get("users") or {}),
            "userGroups": dict(given.get("userGroups") or {}),
        }
    user = doc.get("user") if isinstance(doc.get("user"), Mapping) else {}
    return {
        "owner": (user or {}).get("id"),
        "external": bool(doc.get("externalAccess")),
        "public": doc.get("publicAccess") or (None if _is_shared(doc) else OPEN),
        "users": {str(item["id"]): dict(item) for item in _listed(doc.get("userAccesses"))},
        "userGroups": {str(item["id"]): dict(item) for item in _listed(doc.get("userGroupAccesses"))},
    }


def _is_shared(doc: Document) -> bool:
    return any(name in doc for name in ("sharing", "publicAccess", "userAccesses", "userGroupAccesses"))


def _owns(actor: Actor, doc: Document) -> bool:
    sharing = doc.get("sharing")
    owner = sharing.get("owner") if isinstance(sharing, Mapping) else None
    if owner is None and _is_shared(doc) and isinstance(doc.get("user"), Mapping):
        owner = doc["user"].get("id")
    return bool(actor.uid) and owner == actor.uid


def _granted(actor: Actor, doc: Document, *places: int) -> bool:
    """Tell whether a letter at one of `places` stands in an access string that holds for the actor."""
    if not _is_shared(doc):
        return True
    return any(len(text) > place and text[place] in "rw" for text in _strings(actor, doc) for place in places)


def _strings(actor: Actor, doc: Document) -> Iterator[str]:
    """Yield the access strings of `doc` that hold for the actor: public, own, and those of the actor's groups."""
    sharing = doc.get("sharing")
    if not isinstance(sharing, Mapping):
        yield str(doc.get("publicAccess") or "")
        yield from _entries(doc.get("userAccesses"), {actor.uid})
        yield from _entries(doc.get("userGroupAccesses"), actor.groups)
        return
    yield str(sharing.get("public") or "")
    yield from _entries(sharing.get("users"), {actor.uid})
    yield from _entries(sharing.get("userGroups"), actor.groups)


def _entries(given: Any, holders: Iterable[str]) -> Iterator[str]:
    """Yield the access strings of those entries (a map by uid, or a list) whose id is one of `holders`."""
    if isinstance(given, Mapping):
        for holder in holders:
            if isinstance(entry := given.get(holder), Mapping):
                yield str(entry.get("access") or "")
        return
    for entry in _listed(given):
        if entry["id"] in holders:
            yield str(entry.get("access") or "")


def _listed(given: Any) -> list[Mapping[str, Any]]:
    items = given if isinstance(given, list) else []
    return [item for item in items if isinstance(item, Mapping) and item.get("id")]
