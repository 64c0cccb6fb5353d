"""Groups of users, seen from the user's side: the groups list their members."""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from tracker_core import history
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata.compiling import reference


def join(session: Session, context: Context, members: Mapping[str, Sequence[str] | None]) -> None:
    """Let each user (uid) be in the groups given and in no others; groups that are not there are passed over."""
    if not members:
        return
    changed = []
    for pk, uid, doc in session.execute("select pk, uid, doc from metadata_object where type = 'userGroups'"):
        listed = [reference(user) for user in doc.get("users") or ()]
        wanted = _wanted(listed, uid, members)
        if wanted != listed:
            changed.append((pk, orjson.dumps({**doc, "users": [{"id": user} for user in wanted]}).decode()))
    pks = [pk for pk, _ in changed]
    session.execute(
        "update metadata_object o set doc = a.doc::jsonb, updated = %s, updated_in = %s"
        " from unnest(%b::bigint[], %b::text[]) as a (pk, doc) where o.pk = a.pk",
        (context.at, context.change_set, pks, [doc for _, doc in changed]),
    )
    history.note_changes(session, context, [history.Change("metadata", pk, "update") for pk in pks])


def _wanted(listed: Iterable[str], group: str, members: Mapping[str, Sequence[str] | None]) -> list[str]:
    kept = [user for user in listed if user not in members or group in (members[user] or ())]
    joining = [user for user, groups in members.items() if group in (groups or ()) and user not in kept]
    return [*kept, *joining]
