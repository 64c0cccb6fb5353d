"""Entries of a store, as one actor sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tracker_core import access
from tracker_core.access import Actor
from tracker_core.database import Session
from tracker_core.errors import Conflict, Forbidden, NotFound
from tracker_core.uids import new_uid

# Namespaces that an app has for itself: everybody may read them, only its managers write (authority by namespace).
PROTECTED = {
    "ANDROID_SETTINGS_APP": "M_Android_Settings_App",
    "USE_CASES": "M_Use_Case_Configuration",
}
_COLUMNS = "pk, uid, namespace, key, value::text, encrypted, sharing, created, updated, created_by, updated_by"


@dataclass(frozen=True, slots=True)
class Store:
    """A store in the hands of an actor. `owner` is the pk of the account whose own store it is, 0 for everybody's."""

    actor: Actor
    owner: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `raw` is its value as JSON text, as PostgreSQL gives it back."""

    pk: int
    uid: str
    namespace: str
    key: str
    raw: str
    encrypted: bool
    sharing: dict[str, Any]
    created: datetime
    updated: datetime
    created_by: str
    updated_by: str

    @property
    def value(self) -> Any:
        """The value."""
        return orjson.loads(self.raw)


def open_store(session: Session, actor: Actor, username: str = "") -> Store:
    """Return everybody's store, or that of the user `username`. Raises `NotFound` for a user who is not there."""
    if not username:
        return Store(actor)
    row = session.execute("select pk from user_account where username = %s", (username,)).fetchone()
    if row is None:
        raise NotFound(f"User '{username}' does not exist")
    return Store(actor, row[0])


def namespaces(session: Session, store: Store) -> list[str]:
    """Return the namespaces that have an entry."""
    rows = session.execute(
        "select distinct namespace from data_store_entry where coalesce(owner, 0) = %s order by 1", (store.owner,)
    )
    return [row[0] for row in rows]


def keys(session: Session, store: Store, namespace: str, since: datetime | None = None) -> list[str]:
    """Return the keys of a namespace that the actor may see, changed `since` then. Raises `NotFound` without any."""
    found = entries(session, store, namespace)
    if not found:
        raise NotFound(f"Namespace not found: '{namespace}'")
    return [entry.key for entry in found if since is None or entry.updated >= since]


def entries(session: Session, store: Store, namespace: str) -> list[Entry]:
    """Return the entries of a namespace that the actor may see, by key."""
    rows = session.execute(
        f"select {_COLUMNS} from data_store_entry where coalesce(owner, 0) = %s and namespace = %s order by key",
        (store.owner, namespace),
    )
    return [entry for entry in (Entry(*row) for row in rows) if _may(store, entry, write=False)]


def find(session: Session, store: Store, namespace: str, key: str) -> Entry:
    """Return one entry. Raises `NotFound`, `Forbidden` when its sharing keeps the actor out."""
    entry = _find(session, store, namespace, key)
    if entry is None:
        raise NotFound(f"Key '{key}' not found in namespace '{namespace}'")
    if not _may(store, entry, write=False):
        raise Forbidden(f"Access denied for key '{key}' in namespace '{namespace}'")
    return entry


def create(session: Session, store: Store, namespace: str, key: str, raw: str, *, encrypt: bool = False) -> None:
    """Add an entry that everybody may see and change; `raw` is its value as JSON text.

    Raises `Conflict` when the key is there already, `Forbidden` for a protected namespace.
    """
    _guard(store, namespace)
    sharing = {"owner": store.actor.uid, "external": False, "public": "rw------", "users": {}, "userGroups": {}}
    made = session.execute(
        "insert into data_store_entry (uid, owner, namespace, key, value, encrypted, sharing, created_by, updated_by)"
        " values (%s, nullif(%s, 0), %s, %s, %s::jsonb, %s, %s::jsonb, %s, %s)"
        " on conflict (coalesce(owner, 0), namespace, key) do nothing",
        (
            new_uid(),
            store.owner,
            namespace,
            key,
            raw,
            encrypt,
            orjson.dumps(sharing).decode(),
            store.actor.username,
            store.actor.username,
        ),
    )
    if not made.rowcount:
        raise Conflict(f"Key '{key}' already exists in namespace '{namespace}'")


def put(session: Session, store: Store, namespace: str, key: str, raw: str) -> bool:
    """Replace the value of an entry by the JSON text `raw`, or add it; tell whether it was added."""
    entry = _find(session, store, namespace, key)
    if entry is None:
        create(session, store, namespace, key, raw)
        return True
    _guard(store, namespace, entry)
    session.execute(
        "update data_store_entry set value = %s::jsonb, updated = now(), updated_by = %s where pk = %s",
        (raw, store.actor.username, entry.pk),
    )
    return False


def replace_sharing(session: Session, store: Store, uid: str, sharing: Mapping[str, Any]) -> None:
    """Replace who may see an entry, known by `uid`."""
    session.execute(
        "update data_store_entry set sharing = %s::jsonb, updated = now(), updated_by = %s where uid = %s",
        (orjson.dumps(dict(sharing)).decode(), store.actor.username, uid),
    )


def delete(session: Session, store: Store, namespace: str, key: str) -> None:
    """Remove an entry. Raises `NotFound`, `Forbidden`."""
    entry = find(session, store, namespace, key)
    _guard(store, namespace, entry)
    session.execute("delete from data_store_entry where pk = %s", (entry.pk,))


def delete_namespace(session: Session, store: Store, namespace: str) -> None:
    """Remove every entry of a namespace. Raises `NotFound` when there is none, `Forbidden` when one is kept from it."""
    found = entries(session, store, namespace)
    if not found:
        raise NotFound(f"Namespace not found: '{namespace}'")
    for entry in found:
        _guard(store, namespace, entry)
    session.execute("delete from data_store_entry where pk = any(%b)", ([entry.pk for entry in found],))


def by_uid(session: Session, uid: str) -> Entry | None:
    """Return the entry of everybody's store that has this uid."""
    row = session.execute(
        f"select {_COLUMNS} from data_store_entry where uid = %s and owner is null", (uid,)
    ).fetchone()
    return Entry(*row) if row else None


def _find(session: Session, store: Store, namespace: str, key: str) -> Entry | None:
    row = session.execute(
        f"select {_COLUMNS} from data_store_entry where coalesce(owner, 0) = %s and namespace = %s and key = %s",
        (store.owner, namespace, key),
    ).fetchone()
    return Entry(*row) if row else None


def _may(store: Store, entry: Entry, *, write: bool) -> bool:
    check = access.metadata_writable if write else access.metadata_readable
    return store.owner != 0 or check(store.actor, {"sharing": entry.sharing})


def _guard(store: Store, namespace: str, entry: Entry | None = None) -> None:
    """Raise `Forbidden` when the actor may not write here."""
    needed = PROTECTED.get(namespace) if not store.owner else None
    if needed and not store.actor.may(needed):
        raise Forbidden(f"Namespace '{namespace}' is protected, access denied")
    if entry is not None and not _may(store, entry, write=True):
        raise Forbidden(f"Access denied for key '{entry.key}' in namespace '{namespace}'")
