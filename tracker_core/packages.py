"""Bringing metadata in under a user's name: the import with what that user may do."""

from dataclasses import replace

from tracker_core import metadata
from tracker_core.access import Actor
from tracker_core.access.changing import Rights
from tracker_core.changes import PackageChange
from tracker_core.context import Context, User
from tracker_core.database import Session
from tracker_core.issues import Report
from tracker_core.metadata import Options
from tracker_core.metadata.removing import keys_of, remove_objects


def bring_in(session: Session, context: Context, change: PackageChange, actor: Actor) -> Report:
    """Import the payload as `actor`, whose rights hold for every object; see `metadata.import_objects`.

    With the strategy DELETE its objects are deleted, all of them or none; see `remove_objects`.
    """
    options = options_of(actor, change.options)
    if options.strategy == "DELETE":
        return remove_objects(session, context, keys_of(change.payload), options)
    return metadata.import_objects(session, context, change.payload, options)


def options_of(actor: Actor, options: Options | None = None) -> Options:
    """Return `options` under the name and with the rights of `actor`."""
    user = User(actor.uid, actor.username, actor.authorities)
    guard = None if actor.superuser else Rights(actor)
    return replace(options or Options(), user=user, guard=guard)
