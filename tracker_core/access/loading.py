"""From an account to its actor: roles give authorities, groups and org units give the scopes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from tracker_core.access.actor import ALL, MACHINES, SYSTEM, Actor
from tracker_core.access.sharing import DATA_SHARED, data_readable, data_writable
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.model import Metadata
from tracker_core.metadata.snapshot import load as load_metadata

Check = Callable[[Actor, Mapping[str, Any]], bool]
_MOST_KEPT = 10_000
_kept: dict[tuple[str, int, str, str], tuple[tuple[int, str], Actor]] = {}
_lock = Lock()


def load(session: Session, username: str) -> Actor:
    """Return the actor behind `username` as this transaction sees it; `MACHINES` are the hub itself, as `system` is.

    Raises `NotFound` for a name that nobody has.
    Kept per process until the metadata version or the account's row changes: it costs two short queries.
    An account that was never given org units (made by the hub itself, or for a peer) works from the roots down; an
    account with an empty list works nowhere. An empty search or view scope is the capture scope, as in DHIS2.
    """
    if username in MACHINES:
        return system(session)
    known = load_metadata(session)
    row = session.execute(
        "select uid, authorities, xmin::text || ctid::text from user_account where username = %s", (username,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no user {username}")
    key = (session.info.host, session.info.port, session.info.dbname, username)
    stamp = (known.version, row[2])
    kept = _kept.get(key)
    if kept is not None and kept[0] == stamp:
        return kept[1]
    found = session.execute("select doc from user_account where username = %s", (username,)).fetchone()
    actor = build(known, row[0], username, row[1], found[0] if found else {})
    with _lock:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = stamp, actor
    return actor


def system(session: Session) -> Actor:
    """Return the actor that the hub itself is when no user stands behind an act: it may do everything, everywhere."""
    return build(load_metadata(session), "", SYSTEM, [ALL], {})


def build(known: Metadata, uid: str, username: str, authorities: Iterable[str], doc: Mapping[str, Any]) -> Actor:
    """Return the actor of an account: its own `authorities` and those of its roles, over the metadata `known`."""
    roles = frozenset(reference(role) for role in doc.get("userRoles") or ())
    granted = frozenset(authorities).union(*(_authorities(known, role) for role in roles))
    capture = _scope(known, doc, "organisationUnits")
    actor = Actor(
        uid=uid,
        username=username,
        authorities=granted,
        roles=roles,
        groups=_groups(known, uid, doc),
        capture=capture,
        view=_scope(known, doc, "dataViewOrganisationUnits") or capture,
        search=_scope(known, doc, "teiSearchOrganisationUnits") or capture,
    )
    return replace(actor, reads=_pks(known, actor, data_readable), writes=_pks(known, actor, data_writable))


def _pks(known: Metadata, actor: Actor, check: Check) -> dict[str, frozenset[int]]:
    return {
        type: frozenset(found.pk for found in known.objects.get(type, {}).values() if check(actor, found.doc))
        for type in DATA_SHARED
    }


def _authorities(known: Metadata, role: str) -> Iterable[str]:
    found = known.get("userRoles", role)
    return [str(name) for name in found.doc.get("authorities") or ()] if found else []


def _groups(known: Metadata, uid: str, doc: Mapping[str, Any]) -> frozenset[str]:
    """Return the groups that list the user, and those that the account itself names."""
    listing = {
        group.uid
        for group in known.objects.get("userGroups", {}).values()
        if any(reference(user) == uid for user in group.doc.get("users") or ())
    }
    return frozenset(listing.union(reference(group) for group in doc.get("userGroups") or ()))


def _scope(known: Metadata, doc: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the highest paths of one org unit set; units that are gone count for nothing."""
    if name == "organisationUnits" and name not in doc:
        return tuple(sorted(unit.path for unit in known.places.roots))
    units = (known.org_units.get(reference(unit)) for unit in doc.get(name) or ())
    return highest(unit.path for unit in units if unit)


def highest(paths: Iterable[str]) -> tuple[str, ...]:
    """Return `paths` without those that lie below another of them, in order."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not kept or not path.startswith(f"{kept[-1]}/"):
            kept.append(path)
    return tuple(kept)
