"""What is done with users beside reading and writing them: looking them up, copying, switching off (Web API 2.42)."""

from collections.abc import Iterator
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.me import raise_for
from adapters.dhis2.webmessage import web_message
from tracker_core import access as rights
from tracker_core import history, metadata, settings, users
from tracker_core.access import Actor
from tracker_core.database import Session
from tracker_core.errors import Conflict, Forbidden, Malformed, NotFound
from tracker_core.metadata import Metadata, schema
from tracker_core.metadata.compiling import reference
from tracker_core.uids import new_uid

_SHOWN = ("id", "username", "firstName", "surname", "displayName")
_MOST_FOUND = 25
_SOUGHT = ("username", "name", "email")
# Authorities that no metadata type asks for, with the names that user administration shows.
_SYSTEM = {
    "ALL": "All",
    "F_ENROLLMENT_CASCADE_DELETE": "Delete enrollment and associated events",
    "F_EXPORT_DATA": "Export data",
    "F_IGNORE_TRACKER_REQUIRED_VALUE_VALIDATION": "Ignore validation of required fields in Tracker",
    "F_METADATA_EXPORT": "Export metadata",
    "F_METADATA_IMPORT": "Import metadata",
    "F_ORGANISATION_UNIT_MERGE": "Merge organisation units",
    "F_ORGANISATION_UNIT_SPLIT": "Split organisation units",
    "F_ORGANISATIONUNIT_MOVE": "Move organisation units",
    "F_PERFORM_MAINTENANCE": "Perform maintenance tasks",
    "F_REPLICATE_USER": "Replicate user",
    "F_SYSTEM_SETTING": "Change system settings",
    "F_TEI_CASCADE_DELETE": "Delete tracked entity and associated enrollments and events",
    "F_TRACKED_ENTITY_INSTANCE_SEARCH_IN_ALL_ORGUNITS": "Search tracked entities in all org units",
    "F_TRACKED_ENTITY_MERGE": "Merge tracked entities",
    "F_UNCOMPLETE_EVENT": "Reopen completed events",
    "F_VIEW_EVENT_ANALYTICS": "View event analytics",
    "F_VIEW_UNAPPROVED_DATA": "View unapproved data",
    "F_EDIT_EXPIRED": "Edit expired events",
}


def look_up(access: Access, call: Call) -> Reply:
    """Users whose name or e-mail holds `query`; `orgUnitBoundary` keeps to those of the caller's org units."""
    sought = call.given.get("query", "").strip().casefold()
    needed = {part for name, text in call.pairs if name == "authorities" for part in text.split(",") if part}
    boundary = call.given.get("orgUnitBoundary", "").upper()
    with access.session() as session:
        actor, known = rights.load(session, call.user.username), metadata.load(session)
        found = [
            doc
            for doc in users.documents(session)
            if not doc["disabled"]
            and any(sought in str(doc.get(name) or "").casefold() for name in _SOUGHT)
            and _is_within(known, actor, doc, boundary)
            and (not needed or rights.load(session, doc["username"]).may(*needed))
        ]
    return Reply({"users": [_brief(doc) for doc in found[:_MOST_FOUND]]})


def look_up_one(access: Access, call: Call) -> Reply:
    """One user by id, or by user name."""
    asked = call.captured["uid"]
    with access.session() as session:
        doc = next((doc for doc in users.documents(session) if asked in (doc["id"], doc["username"])), None)
    if doc is None:
        raise NotFound(f"User with ID {asked} could not be found.")
    return Reply(_brief(doc))


def list_all_authorities(_access: Access, _call: Call) -> Reply:
    """Every authority that a role may have."""
    named = {name: name.removeprefix("F_").replace("_", " ").capitalize() for name in sorted(_of_types())} | _SYSTEM
    return Reply({"systemAuthorities": [{"id": id, "name": name} for id, name in sorted(named.items())]})


def replicate(access: Access, call: Call) -> Reply:
    """Make a copy of a user, with its settings, under another user name and password."""
    given = read_object(call)
    with access.session() as session:
        actor = rights.load(session, call.user.username)
        actor.need("F_REPLICATE_USER")
        doc = _document(session, call.captured["uid"])
        check_reach(session, actor, doc)
        for name in ("username", "password"):
            if not isinstance(given.get(name), str) or not given[name]:
                raise Conflict(f"{name.capitalize()} must be specified")
        copied = {k: v for k, v in doc.items() if k not in ("id", "username", "name", "displayName", "created")}
        copied |= {"id": new_uid(), "username": given["username"], "password": given["password"]}
        context = history.open_change_set(session, actor.username)
        made = users.plan(session, [copied])
        raise_for(made.issues)
        users.write(session, context, made)
        chosen = settings.read_user(session, doc["username"], fallback=False)
        settings.set_user(session, given["username"], {k: v for k, v in chosen.items() if v is not None})
    response = {"responseType": "ObjectReport", "uid": copied["id"], "klass": "org.hisp.dhis.user.User"}
    location = {"Location": f"{call.url.partition('/users/')[0]}/users/{copied['id']}"}
    return Reply(web_message(201, "User replica created", response=response), 201, headers=location)


def switch(access: Access, call: Call) -> Reply:
    """Disable an account, or enable it again."""
    disabled = call.path.rstrip("/").endswith("/disabled")
    with access.session() as session:
        actor = rights.load(session, call.user.username)
        actor.need("F_USER_ADD", "F_USER_ADD_WITHIN_MANAGED_GROUP")
        doc = _document(session, call.captured["uid"])
        check_reach(session, actor, doc)
        if disabled and doc["username"] == actor.username:
            raise Conflict("You cannot disable your own account")
        context = history.open_change_set(session, actor.username)
        made = users.plan(session, [{**doc, "disabled": disabled}])
        raise_for(made.issues)
        users.write(session, context, made)
    return Reply(b"", 204)


def check_reach(session: Session, actor: Actor, doc: dict[str, Any]) -> None:
    """Raise `Forbidden` when a user has an authority that the actor has not: nobody rises by writing users."""
    if actor.superuser or not doc.get("username"):
        return
    beyond = rights.load(session, doc["username"]).authorities - actor.authorities
    if beyond:
        raise Forbidden(f"You don't have the proper permissions to update user {doc['username']}: it has {min(beyond)}")


def _document(session: Session, uid: str) -> dict[str, Any]:
    found = users.documents(session, [uid])
    if not found:
        raise NotFound(f"User with id {uid} could not be found.")
    return found[0]


def _is_within(known: Metadata, actor: Actor, doc: dict[str, Any], boundary: str) -> bool:
    """Tell whether a user works at a unit of the caller's scope."""
    if not boundary:
        return True
    scopes: dict[str, rights.Scope] = {"DATA_CAPTURE": "capture", "DATA_OUTPUT": "view", "TEI_SEARCH": "search"}
    if boundary not in scopes:
        raise Malformed(
            f"Value '{boundary}' is not valid for parameter orgUnitBoundary. Valid values are: {list(scopes)}"
        )
    units = (known.org_units.get(reference(unit)) for unit in doc.get("organisationUnits") or ())
    return any(rights.in_scope(actor, scopes[boundary], unit.path) for unit in units if unit)


def _brief(doc: dict[str, Any]) -> dict[str, Any]:
    return {name: doc[name] for name in _SHOWN if doc.get(name) is not None}


def _of_types() -> Iterator[str]:
    for type in schema.TYPES.values():
        allowed = type.authorities
        yield from (*allowed.public, *allowed.private, *allowed.update, *allowed.delete)


ROUTES: Routes = (
    ("GET", "/userLookup", look_up),
    ("GET", "/userLookup/{uid}", look_up_one),
    ("GET", "/authorities", list_all_authorities),
    ("POST", "/users/{uid}/replica", replicate),
    ("POST", "/users/{uid}/disabled", switch),
    ("POST", "/users/{uid}/enabled", switch),
)
