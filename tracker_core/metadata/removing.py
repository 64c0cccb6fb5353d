"""Deleting objects: with what goes with them, out of what lists them, and never while anything uses them."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from tracker_core import history, users
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing import Options, import_objects
from tracker_core.metadata.importing.codes import message
from tracker_core.metadata.importing.incoming import Incoming, Prospect
from tracker_core.metadata.importing.versions import tops_of
from tracker_core.metadata.importing.writing import delete
from tracker_core.metadata.indexes import UNITS
from tracker_core.metadata.model import Metadata
from tracker_core.metadata.snapshot import bump, load, lock
from tracker_core.metadata.usage import Key, Removal, plan_removal

_MOST_NAMED = 10
_USERS = "users"


def remove_objects(session: Session, context: Context, keys: Iterable[Key], options: Options | None = None) -> Report:
    """Delete the objects `keys` (collection, uid), all of them or none.

    What they are made of goes too. Objects that list them are imported without them, so their versions rise. Issues are
    E5001 for what is not there, E3002 where the guard of `options` forbids it, E4030 for what is in use.
    """
    chosen = options or Options()
    lock(session)
    known, named = load(session), list(dict.fromkeys(keys))
    issues = list(_wrong(session, known, named, chosen))
    plan = plan_removal(session, known, named) if not issues else Removal()
    issues += _used(plan, named)
    _raise_versions(known, plan)
    if not issues and plan.left:
        issues += import_objects(session, context, _payload(plan), _unguarded(chosen)).errors
    if issues:
        return Report(issues=issues, outcomes=[Outcome(*key, "ignored") for key in named], rejected=True)
    _delete(session, context, plan.gone)
    return Report(outcomes=[Outcome(*key, "deleted") for key in named])


def keys_of(payload: dict[str, Any]) -> Iterator[Key]:
    """Yield what a payload names: collection and uid of each of its objects that has one."""
    for collection, docs in payload.items():
        if collection in schema.TYPES and isinstance(docs, list):
            yield from ((collection, uid) for uid in map(reference, docs) if uid)


def _wrong(session: Session, known: Metadata, keys: Sequence[Key], options: Options) -> Iterator[Issue]:
    stored = {str(doc["id"]): doc for doc in users.documents(session, [uid for name, uid in keys if name == _USERS])}
    for collection, uid in keys:
        type, where = schema.of(collection), f"{collection} {uid}"
        doc = _stored(known, stored, collection, uid)
        if doc is None:
            yield Issue("E5001", message("E5001", f"{uid} (UID)", type.name), where=where)
        elif options.guard is not None:
            for code, arguments in options.guard.denials(type, doc, None):
                yield Issue(code, message(code, *arguments), where=where)


def _stored(known: Metadata, accounts: dict[str, Any], collection: str, uid: str) -> dict[str, Any] | None:
    if collection == UNITS:
        unit = known.org_units.get(uid)
        return unit.document if unit else None
    if collection == _USERS:
        found: dict[str, Any] | None = accounts.get(uid)
        return found
    held = known.get(collection, uid)
    return held.doc if held else None


def _used(plan: Removal, keys: Sequence[Key]) -> list[Issue]:
    if not plan.uses:
        return []
    named = ", ".join(use.text for use in plan.uses[:_MOST_NAMED])
    return [Issue("E4030", message("E4030", named), where=f"{collection} {uid}") for collection, uid in keys]


def _raise_versions(known: Metadata, plan: Removal) -> None:
    """Let the program or option set that a deleted object belonged to have a new version: clients cache by it."""
    prospect, gone = Prospect(known, []), set(plan.gone)
    for key in plan.gone:
        held = known.get(*key)
        item = Incoming(schema.of(key[0]), key[1], held.doc) if held else None
        for top in tops_of(prospect, item) if item else ():
            stored = known.get(*top)
            if stored is not None and top not in gone:
                doc = plan.left.setdefault(top, deepcopy(stored.doc))
                doc["version"] = int(stored.doc.get("version") or 0) + 1


def _unguarded(options: Options) -> Options:
    """Return options for what lets go of a deleted object: whoever may delete it need not own what lists it."""
    return Options(user=options.user, strategy="UPDATE", skip_validation=True)


def _payload(plan: Removal) -> dict[str, list[dict[str, Any]]]:
    payload: dict[str, list[dict[str, Any]]] = {}
    for (collection, _), doc in plan.left.items():
        payload.setdefault(collection, []).append(doc)
    return payload


def _delete(session: Session, context: Context, gone: Sequence[Key]) -> None:
    units = [uid for name, uid in gone if name == UNITS]
    accounts = [uid for name, uid in gone if name == _USERS]
    delete(session, context, [key for key in gone if key[0] not in (UNITS, _USERS)])
    if accounts:
        users.remove(session, context, accounts)
    if units:
        rows = session.execute("delete from org_unit where uid = any(%b) returning pk", (units,)).fetchall()
        history.note_changes(session, context, [history.Change("metadata", row[0], "delete") for row in rows])
    bump(session, units=bool(units))
