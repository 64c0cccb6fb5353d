"""`/api/dataStore` and `/api/userDataStore` (Web API 2.42, "Data store")."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from adapters.contract import Access
from adapters.dhis2.bodies import read_json
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.data_store_queries import read_query
from adapters.dhis2.parameters import flag
from adapters.dhis2.webmessage import JSON, web_message
from tracker_core import access as rights
from tracker_core import datastore, users
from tracker_core.database import Session
from tracker_core.datastore import Store
from tracker_core.errors import Forbidden, Malformed
from tracker_core.tracker.resolving import parse_moment

FRESH = {"Cache-Control": "no-cache, private"}


def list_namespaces(access: Access, call: Call) -> Reply:
    """The namespaces of the store."""
    with _opened(access, call) as (session, store):
        return Reply(datastore.namespaces(session, store), headers=FRESH)


def read_namespace(access: Access, call: Call) -> Reply:
    """The keys of a namespace; with `fields`, its entries as `fields`, `filter` and `order` say, page by page."""
    namespace = call.captured["namespace"]
    with _opened(access, call) as (session, store):
        if "fields" not in call.given:
            since = parse_moment(call.given["lastUpdated"]) if call.given.get("lastUpdated") else None
            return Reply(datastore.keys(session, store, namespace, since), headers=FRESH)
        asked = read_query(call.pairs)
        found = datastore.search(session, store, namespace, asked.query)
    if asked.headless:
        return Reply(found, headers=FRESH)
    pager = {"pager": {"page": asked.page, "pageSize": asked.query.limit}} if asked.query.limit else {}
    return Reply({**pager, "entries": found}, headers=FRESH)


def delete_namespace(access: Access, call: Call) -> Reply:
    """Remove a namespace with its entries."""
    namespace = call.captured["namespace"]
    with _opened(access, call) as (session, store):
        datastore.delete_namespace(session, store, namespace)
    return Reply(web_message(200, f"Namespace deleted: '{namespace}'"))


def read_value(access: Access, call: Call) -> Reply:
    """The value of a key, as it was put."""
    with _opened(access, call) as (session, store):
        entry = datastore.find(session, store, call.captured["namespace"], call.captured["key"])
    return Reply(entry.raw.encode(), content_type=JSON, headers=FRESH)


def read_meta_data(access: Access, call: Call) -> Reply:
    """When and by whom an entry was written, and who may see it."""
    with _opened(access, call) as (session, store):
        entry = datastore.find(session, store, call.captured["namespace"], call.captured["key"])
        by_name = {name: _user(session, name) for name in {entry.created_by, entry.updated_by}}
    found = {
        "id": entry.uid,
        "created": entry.created,
        "lastUpdated": entry.updated,
        "createdBy": by_name[entry.created_by],
        "lastUpdatedBy": by_name[entry.updated_by],
        "namespace": entry.namespace,
        "key": entry.key,
        "encrypted": entry.encrypted,
        "sharing": entry.sharing,
        "externalAccess": bool(entry.sharing.get("external")),
    }
    return Reply(found, headers=FRESH)


def create_value(access: Access, call: Call) -> Reply:
    """Add an entry."""
    key = call.captured["key"]
    raw, encrypt = _raw(call), flag(call.given, "encrypt", default=False)
    with _opened(access, call) as (session, store):
        datastore.create(session, store, call.captured["namespace"], key, raw, encrypt=encrypt)
    return Reply(web_message(201, f"Key created: '{key}'"), 201)


def put_value(access: Access, call: Call) -> Reply:
    """Replace a value, or with `path=` a part of it, or with `roll=` append to a list; add what is not there."""
    namespace, key = call.captured["namespace"], call.captured["key"]
    raw, path, roll = _raw(call), call.given.get("path", ""), _roll(call)
    with _opened(access, call) as (session, store):
        if path or roll:
            old = _stored(session, store, namespace, key)
            raw = orjson.dumps(datastore.change(old, path, orjson.loads(raw), roll)).decode()
        created = datastore.put(session, store, namespace, key, raw)
    status, verb = (201, "created") if created else (200, "updated")
    return Reply(web_message(status, f"Key {verb}: '{key}'"), status)


def delete_value(access: Access, call: Call) -> Reply:
    """Remove an entry."""
    namespace, key = call.captured["namespace"], call.captured["key"]
    with _opened(access, call) as (session, store):
        datastore.delete(session, store, namespace, key)
    return Reply(web_message(200, f"Key '{key}' deleted from namespace '{namespace}'"))


def _raw(call: Call) -> str:
    """Return the body as it came, when it is JSON: numbers keep their digits."""
    read_json(call)
    return call.body.decode("utf-8")


@contextmanager
def _opened(access: Access, call: Call) -> Iterator[tuple[Session, Store]]:
    """Open everybody's store, or that of the user who asks (of `username=`, for a superuser)."""
    own = "/userDataStore" in call.path
    with access.session() as session:
        actor = rights.load(session, call.user.username)
        whose = (call.given.get("username") or actor.username) if own else ""
        if whose not in ("", actor.username) and not actor.superuser:
            raise Forbidden("Only a superuser can read or write the data stores of other users")
        yield session, datastore.open_store(session, actor, whose)


def _stored(session: Session, store: Store, namespace: str, key: str) -> Any:
    """Return the value of a key; None when there is none yet."""
    there = namespace in datastore.namespaces(session, store) and key in datastore.keys(session, store, namespace)
    return datastore.find(session, store, namespace, key).value if there else None


def _roll(call: Call) -> int:
    text = call.given.get("roll", "0")
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit():
        raise Malformed(f"Value '{text}' is not valid for parameter roll. It must be a whole number")
    return int(text)


def _user(session: Session, username: str) -> dict[str, str] | None:
    account = users.find(session, username)
    return {"id": account.uid, "username": username, "name": username, "displayName": username} if account else None


ROUTES: Routes = tuple(
    (method, f"/{store}{path}", serve)
    for store in ("dataStore", "userDataStore")
    for method, path, serve in (
        ("GET", "", list_namespaces),
        ("GET", "/{namespace}", read_namespace),
        ("DELETE", "/{namespace}", delete_namespace),
        ("GET", "/{namespace}/{key}", read_value),
        ("POST", "/{namespace}/{key}", create_value),
        ("PUT", "/{namespace}/{key}", put_value),
        ("DELETE", "/{namespace}/{key}", delete_value),
        ("GET", "/{namespace}/{key}/metaData", read_meta_data),
    )
)
