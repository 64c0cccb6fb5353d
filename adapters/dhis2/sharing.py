"""`/api/sharing`: who may see and change one object, in the form of sharing dialogs (Web API 2.42, "Sharing")."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.webmessage import web_message
from tracker_core import access as rights
from tracker_core import datastore, history, metadata, users
from tracker_core.access import Actor
from tracker_core.database import Session
from tracker_core.errors import Conflict, Forbidden, Malformed, NotFound
from tracker_core.metadata import Metadata, schema

_ACCESS = re.compile(r"[r-][w-][r-][w-]----\Z")
_DATA_STORE = "dataStore"
# What sharing was called before it had an object of its own.
_OLDER = ("publicAccess", "externalAccess", "userAccesses", "userGroupAccesses", "user")
_MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class _Shared:
    """An object with a sharing: `collection` is empty for an entry of the data store; `data` tells of a data half."""

    collection: str
    doc: dict[str, Any]
    data: bool
    public_needs: tuple[str, ...] = ()


def read_sharing(access: Access, call: Call) -> Reply:
    """The sharing of the object that `type` and `id` name, with the names of its users and groups."""
    with access.session() as session:
        actor, known = rights.load(session, call.user.username), metadata.load(session)
        shared = _find(session, known, actor, call)
        names = {str(doc["id"]): str(doc["name"]) for doc in users.documents(session, _users_of(shared.doc))}
    return Reply({"meta": _meta(actor, shared), "object": _shown(known, shared, names)})


def replace_sharing(access: Access, call: Call) -> Reply:
    """Replace the sharing of an object. Who may not change it is refused, and so is an access string that is none."""
    given = read_object(call).get("object")
    if not isinstance(given, dict):
        raise Malformed("an object was expected under `object`")
    with access.session() as session:
        actor, known = rights.load(session, call.user.username), metadata.load(session)
        shared = _find(session, known, actor, call)
        sharing = _read(given, rights.sharing_of(shared.doc), data=shared.data)
        if not _may_publish(actor, shared) and sharing["public"] != rights.sharing_of(shared.doc)["public"]:
            raise Forbidden("Access is denied: you may not make objects of this type public")
        _store(session, actor, shared, sharing)
    return Reply(web_message(200, "Access control set"))


def search(access: Access, call: Call) -> Reply:
    """Users and groups whose name holds `key`."""
    sought = call.given.get("key", "").strip().casefold()
    if not sought:
        raise Conflict("Search key not specified")
    with access.session() as session:
        actor, known = rights.load(session, call.user.username), metadata.load(session)
        people = [doc for doc in users.documents(session) if _is_called(doc, sought)]
    groups = [
        found.doc
        for found in known.objects.get("userGroups", {}).values()
        if _is_called(found.doc, sought) and rights.metadata_readable(actor, found.doc)
    ]
    return Reply(
        {
            "userGroups": [_named(doc["id"], doc["name"]) for doc in groups[:_MOST_FOUND]],
            "users": [{**_named(doc["id"], doc["name"]), "username": doc["username"]} for doc in people[:_MOST_FOUND]],
        }
    )


def _find(session: Session, known: Metadata, actor: Actor, call: Call) -> _Shared:
    """Return the object meant.

    Raises `Conflict` for a type that is not shared, `NotFound`, `Forbidden` when it is not the caller's to manage.
    """
    name, uid = call.given.get("type", ""), call.given.get("id", "")
    if name == _DATA_STORE:
        entry = datastore.by_uid(session, uid)
        shared = _Shared("", {"id": uid, "name": entry.key, "sharing": entry.sharing}, data=False) if entry else None
    else:
        type = schema.by_singular(name)
        if type is None or not type.shareable:
            raise Conflict(f"Type {name} is not supported.")
        found = known.get(type.collection, uid)
        shared = _Shared(type.collection, found.doc, type.data_shareable, type.authorities.public) if found else None
    if shared is None or not rights.metadata_readable(actor, shared.doc):
        raise NotFound(f"Object of type {name} with ID {uid} was not found.")
    if not rights.metadata_writable(actor, shared.doc):
        raise Forbidden("You do not have manage access to this object.")
    return shared


def _store(session: Session, actor: Actor, shared: _Shared, sharing: dict[str, Any]) -> None:
    if not shared.collection:
        datastore.replace_sharing(session, datastore.Store(actor), str(shared.doc["id"]), sharing)
        return
    doc = {name: value for name, value in shared.doc.items() if name not in _OLDER} | {"sharing": sharing}
    context = history.open_change_set(session, actor.username)
    report = metadata.import_objects(session, context, {shared.collection: [doc]})
    if report.errors:
        raise Conflict(f"{report.errors[0].code} {report.errors[0].text}")


def _read(given: Mapping[str, Any], before: Mapping[str, Any], *, data: bool) -> dict[str, Any]:
    """Return the sharing that a dialog sends. Raises `Conflict` (E3010, E3011) for a wrong access string."""
    owner = given.get("user")
    found = {
        "owner": owner.get("id") if isinstance(owner, dict) else before.get("owner"),
        "external": bool(given.get("externalAccess")),
        "public": given.get("publicAccess", before.get("public")),
        "users": _entries(given.get("userAccesses")),
        "userGroups": _entries(given.get("userGroupAccesses")),
    }
    entries = [*found["users"].values(), *found["userGroups"].values()]
    for text in [found["public"], *(entry["access"] for entry in entries)]:
        if text is not None and (not isinstance(text, str) or _ACCESS.match(text) is None):
            raise Conflict(f"E3010 Invalid access string `{text}`")
        if text and not data and text[2:4] != "--":
            raise Conflict("E3011 Data sharing is not enabled for this type, but an access string contains it")
    return found


def _entries(given: Any) -> dict[str, dict[str, Any]]:
    items = given if isinstance(given, list) else []
    return {
        str(item["id"]): {"id": str(item["id"]), "access": item.get("access", "--------")}
        for item in items
        if isinstance(item, dict) and item.get("id")
    }


def _meta(actor: Actor, shared: _Shared) -> dict[str, bool]:
    return {"allowPublicAccess": _may_publish(actor, shared), "allowExternalAccess": actor.superuser}


def _may_publish(actor: Actor, shared: _Shared) -> bool:
    return not shared.public_needs or actor.may(*shared.public_needs)


def _shown(known: Metadata, shared: _Shared, people: Mapping[str, str]) -> dict[str, Any]:
    sharing, name = rights.sharing_of(shared.doc), str(shared.doc.get("name", ""))
    groups = {uid: found.name for uid, found in known.objects.get("userGroups", {}).items()}
    owner = sharing["owner"]
    return {
        **_named(str(shared.doc["id"]), name),
        "publicAccess": sharing["public"],
        "externalAccess": sharing["external"],
        "user": _named(owner, people.get(owner, "")) if owner else {},
        "userGroupAccesses": _listed(sharing["userGroups"], groups),
        "userAccesses": _listed(sharing["users"], people),
    }


def _listed(entries: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{**_named(uid, names.get(uid, "")), "access": entry.get("access")} for uid, entry in entries.items()]


def _named(uid: str, name: str) -> dict[str, Any]:
    return {"id": uid, "name": name, "displayName": name}


def _users_of(doc: Mapping[str, Any]) -> list[str]:
    sharing = rights.sharing_of(doc)
    return [uid for uid in (sharing["owner"], *sharing["users"]) if uid]


def _is_called(doc: Mapping[str, Any], sought: str) -> bool:
    texts: Iterable[Any] = (doc.get("name"), doc.get("username"))
    return any(sought in str(text or "").casefold() for text in texts)


ROUTES: Routes = (
    ("GET", "/sharing", read_sharing),
    ("PUT", "/sharing", replace_sharing),
    ("POST", "/sharing", replace_sharing),
    ("GET", "/sharing/search", search),
)
