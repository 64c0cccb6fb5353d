"""File resources: what is known of each file, and which value holds it (Web API 2.42, "Files").

A file of domain DATA_VALUE is held by one attribute of one tracked entity or one data element of one event, or by
nothing yet; what nothing holds is removed two hours after it came.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from tracker_core.database import Session
from tracker_core.errors import Conflict

ORPHANED_AFTER = timedelta(hours=2)
_SWEPT = 100
# A holder: the pk of a tracked entity or event, and the uid of the attribute or data element.
Holder: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class FileResource:
    """A file. `holder` and `field` are the value that holds it, if any; `kind` is what sort of object the holder is."""

    uid: str
    name: str
    content_type: str
    length: int
    md5: str
    domain: str
    username: str
    created: datetime
    kind: str | None
    holder: int | None
    field: str | None


_COLUMNS = "uid, name, content_type, length, md5, domain, username, created, kind, holder, field"


def keep(
    session: Session, uid: str, name: str, content_type: str, length: int, md5: str, domain: str, username: str
) -> FileResource:
    """Note a new file. Raises `Conflict` when the uid is taken."""
    row = session.execute(
        "insert into file_resource (uid, name, content_type, length, md5, domain, username)"
        f" values (%s, %s, %s, %s, %s, %s, %s) on conflict (uid) do nothing returning {_COLUMNS}",
        (uid, name, content_type, length, md5, domain, username),
    ).fetchone()
    if row is None:
        raise Conflict(f"FileResource with id {uid} already exists")
    return FileResource(*row)


def find(session: Session, uid: str) -> FileResource | None:
    """Return the file `uid`."""
    row = session.execute(f"select {_COLUMNS} from file_resource where uid = %s", (uid,)).fetchone()
    return FileResource(*row) if row else None


@dataclass(frozen=True, slots=True)
class Held:
    """What an import must know of a file: its type, and the value that holds it, (uid of its object, uid of the field).

    Of a file that nothing holds `owner` is None.
    """

    content_type: str
    owner: tuple[str, str] | None


def holders(session: Session, uids: Iterable[str]) -> dict[str, Held]:
    """Return those of the files that exist. They stay as they are, for others, until we end."""
    rows = session.execute(
        "select f.uid, f.content_type, coalesce(t.uid, v.uid), f.field from file_resource f"
        " left join tracked_entity t on f.kind = 'trackedEntity' and t.pk = f.holder"
        " left join event v on f.kind = 'event' and v.pk = f.holder"
        " where f.uid = any(%b) order by f.uid for no key update of f",
        (sorted(set(uids)),),
    )
    return {uid: Held(type, (owner, field) if owner else None) for uid, type, owner, field in rows}


def assign(session: Session, kind: str, held: Sequence[tuple[str, Holder]]) -> None:
    """Let values hold files: each of `held` is (uid, holder), their holders of one `kind`."""
    if held:
        session.execute(
            "update file_resource f set kind = %s, holder = a.holder, field = a.field"
            " from unnest(%b::text[], %b::bigint[], %b::text[]) as a (uid, holder, field) where f.uid = a.uid",
            (kind, [uid for uid, _ in held], [pk for _, (pk, _) in held], [field for _, (_, field) in held]),
        )


def release(session: Session, held: Sequence[tuple[str, Holder]]) -> None:
    """Let go of files whose value was cleared or names another file; their two hours begin now."""
    if held:
        session.execute(
            "update file_resource f set kind = null, holder = null, field = null, free_since = now()"
            " from unnest(%b::text[], %b::bigint[], %b::text[]) as a (uid, holder, field)"
            " where f.uid = a.uid and f.holder = a.holder and f.field = a.field",
            ([uid for uid, _ in held], [pk for _, (pk, _) in held], [field for _, (_, field) in held]),
        )


def forget_orphans(session: Session) -> list[str]:
    """Delete files that nothing has held for two hours, some at a time; return their uids, for their contents to go."""
    rows = session.execute(
        "delete from file_resource where uid in (select uid from file_resource"
        " where holder is null and domain = 'DATA_VALUE' and free_since < now() - %s::interval"
        " order by free_since limit %s for update skip locked) returning uid",
        (ORPHANED_AFTER, _SWEPT),
    )
    return [row[0] for row in rows]
