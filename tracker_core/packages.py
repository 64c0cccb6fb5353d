"""Bringing metadata in under a user's name: the import with what that user may do."""

from collections.abc import Iterable
from dataclasses import replace

from tracker_core import metadata
from tracker_core.access import Actor
from tracker_core.access.changing import Rights
from tracker_core.changes import PackageChange
from tracker_core.context import Context, User
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.metadata import Metadata, Options
from tracker_core.metadata.removing import keys_of, remove_objects
from tracker_core.metadata.usage import Key


def bring_in(session: Session, context: Context, change: PackageChange, actor: Actor) -> Report:
    """Import the payload as `actor`, whose rights hold for every object; see `metadata.import_objects`.

    With the strategy DELETE its objects are deleted, all of them or none, or each that nothing uses where `options` are
    not atomic; see `remove_objects`.
    """
    options = options_of(actor, change.options)
    if options.strategy == "DELETE":
        remove = remove_objects if options.atomic else _remove_each
        return remove(session, context, keys_of(change.payload), options)
    return metadata.import_objects(session, context, change.payload, options)


def _remove_each(session: Session, context: Context, keys: Iterable[Key], options: Options) -> Report:
    """Delete object by object, again while that gets on: what was used may be free after another one went."""
    known, named = metadata.load(session), list(dict.fromkeys(keys))
    failed: dict[Key, list[Issue]] = {key: [] for key in named}
    while True:
        before = len(failed)
        for key in list(failed):
            failed[key] = remove_objects(session, context, [key], options).errors
        gone = {key for key, errors in failed.items() if not errors or _went_along(known, key, errors)}
        failed = {key: errors for key, errors in failed.items() if key not in gone}
        if len(failed) in (0, before):
            break
    outcomes = [Outcome(*key, "ignored" if key in failed else "deleted") for key in named]
    return Report(outcomes=outcomes, issues=[issue for errors in failed.values() for issue in errors])


def _went_along(known: Metadata, key: Key, errors: list[Issue]) -> bool:
    """Tell whether an object that is not there any more was there at first: it went with what it belongs to."""
    return known.get(*key) is not None and {issue.code for issue in errors} == {"E5001"}


def options_of(actor: Actor, options: Options | None = None) -> Options:
    """Return `options` under the name and with the rights of `actor`."""
    user = User(actor.uid, actor.username, actor.authorities)
    guard = None if actor.superuser else Rights(actor)
    return replace(options or Options(), user=user, guard=guard)
