"""What was done, newest first: requests that were audited, change sets, and glances through broken glass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from tracker_core.database import Session

Kind: TypeAlias = Literal["request", "write", "glass"]
KINDS: tuple[Kind, ...] = ("glass", "request", "write")
# What the message of a change set did, in FHIR's words; of another format, `message`; without one, `local`.
_EVENT = """case when m.id is null then 'local' when m.type like '%%$%%' then 'operation' else
    case split_part(m.type, ' ', 1) when 'POST' then 'create' when 'PUT' then 'update' when 'PATCH' then 'patch'
    when 'DELETE' then 'delete' when 'transaction' then 'transaction' when 'batch' then 'batch'
    else 'message' end end"""
_ARMS: Mapping[Kind, str] = {
    "request": "select 'request' as kind, a.id, a.at, a.actor, a.address, a.event, a.target, a.status, a.about,"
    " null::int as peer, null::bigint as message from audit_entry a",
    "write": f"select 'write' as kind, a.id, a.at, a.actor, '' as address, {_EVENT} as event, coalesce(m.type, ''),"
    " 200 as status, '{}'::bigint[] as about, a.peer, a.message"
    " from change_set a left join message m on m.id = a.message",
    "glass": "select 'glass' as kind, a.pk as id, a.at, a.username as actor, '' as address,"
    " case when a.until is null then 'read' else 'disclosure' end as event, coalesce(a.reason, ''), 200 as status,"
    " array[a.entity] as about, null::int as peer, null::bigint as message from program_access a",
}
_ID: Mapping[Kind, str] = {"request": "a.id", "write": "a.id", "glass": "a.pk"}


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that somebody did. `target` is a request, a message's type, or the reason of a broken glass.

    `about` are keys of records and persons; what a `write` was about is told by `written`.
    """

    kind: Kind
    id: int
    at: datetime
    actor: str | None
    address: str
    event: str
    target: str
    status: int
    about: tuple[int, ...]
    peer: int | None
    message: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deeds: all conditions hold. Within a tuple any will do; None asks for all, an empty one for none.

    `since` and `until` are half-open. `about` are keys of records and persons; `versions` those of records with the
    version that was written. With `recorded` only change sets that wrote records are meant.
    """

    kinds: tuple[Kind, ...] = KINDS
    ids: tuple[tuple[Kind, int], ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    actors: tuple[str, ...] | None = None
    peers: tuple[int, ...] | None = None
    messages: tuple[int, ...] | None = None
    events: tuple[str, ...] | None = None
    status: tuple[int, int] | None = None
    about: tuple[tuple[int, ...], ...] = ()
    versions: tuple[tuple[int, int], ...] | None = None
    recorded: bool = False
    oldest_first: bool = False
    after: tuple[datetime, Kind, int] | None = field(default=None)


def deeds(session: Session, asked: Asked, limit: int) -> list[Deed]:
    """Return up to `limit` deeds, newest first unless asked otherwise; `asked.after` is the last of the page before."""
    way = "asc" if asked.oldest_first else "desc"
    terms: dict[str, Any] = {"limit": limit}
    parts = [
        f"(select * from ({_ARMS[kind]}{_where(asked, kind, terms)}) k order by at {way}, id {way} limit %(limit)s)"
        for kind in asked.kinds
    ]
    query = f"select * from ({' union all '.join(parts)}) u order by at {way}, kind {way}, id {way} limit %(limit)s"
    return [_deed(row) for row in session.execute(query, terms)]


def count(session: Session, asked: Asked) -> int:
    """Return how many deeds there are."""
    terms: dict[str, Any] = {}
    parts = [f"(select count(*) from ({_ARMS[kind]}{_where(asked, kind, terms)}) k)" for kind in asked.kinds]
    row = session.execute(f"select {' + '.join(parts)}", terms).fetchone()
    return int(row[0]) if row else 0


def _where(asked: Asked, kind: Kind, terms: dict[str, Any]) -> str:
    """Return the condition of one kind; its values are added to `terms`."""
    found = [*_common(asked, kind, terms), *_about(asked, kind, terms)]
    if kind != "write" and (asked.peers is not None or asked.messages is not None or asked.versions is not None):
        found.append("false")
    if kind == "write":
        found += _of_writes(asked, terms)
    return f" where {' and '.join(found)}" if found else ""


def _common(asked: Asked, kind: Kind, terms: dict[str, Any]) -> list[str]:
    id = _ID[kind]
    actor = "a.username" if kind == "glass" else "a.actor"
    if asked.after is not None:
        at, its, pk = asked.after
        sign = ">" if asked.oldest_first else "<"
        # Deeds of one instant come in the order of their kinds: those of a kind that is through do not come again.
        last = pk if its == kind else 2**62 if kind < its else -1
        terms |= {"after_at": at, f"after_{kind}": last}
    terms |= {"since": asked.since, "until": asked.until, "actors": list(asked.actors or ())}
    terms |= {f"ids_{kind}": [pk for its, pk in asked.ids or () if its == kind], "events": list(asked.events or ())}
    terms |= {"low": (asked.status or (0, 0))[0], "high": (asked.status or (0, 0))[1]}
    event = {
        "request": "a.event",
        "write": _EVENT,
        "glass": "case when a.until is null then 'read' else 'disclosure' end",
    }
    status = {"request": "a.status", "write": "200", "glass": "200"}
    wanted = (
        (asked.after is not None, f"(a.at, {id}) {sign if asked.after else ''} (%(after_at)s, %(after_{kind})s)"),
        (asked.since is not None, "a.at >= %(since)s"),
        (asked.until is not None, "a.at < %(until)s"),
        (asked.actors is not None, f"{actor} = any(%(actors)s)"),
        (asked.ids is not None, f"{id} = any(%(ids_{kind})s)"),
        (asked.events is not None, f"{event[kind]} = any(%(events)s)"),
        (asked.status is not None, f"{status[kind]} between %(low)s and %(high)s"),
    )
    return [text for holds, text in wanted if holds]


# What is about something is looked up first: the planner would rather walk all that was done, newest first.
_TOUCHING = (
    "a.id = any(array(select v.change_set from record_version v where v.pk = any({name})"
    " union all select c.change_set from change c where c.target = any({name})))"
)
_SHOWING = "a.id = any(array(select e.id from audit_entry e where e.about && {name}))"


def _about(asked: Asked, kind: Kind, terms: dict[str, Any]) -> list[str]:
    found = []
    for number, keys in enumerate(asked.about):
        terms[f"about_{number}"] = list(keys)
        name = f"%(about_{number})s::bigint[]"
        how = {"request": _SHOWING, "write": _TOUCHING, "glass": "a.entity = any({name})"}[kind]
        found.append(how.format(name=name))
    return found


_WRITING = """a.id = any(array(select v.change_set from record_version v
    join unnest(%(pks)s::bigint[], %(numbers)s::int[]) w (pk, version) on v.pk = w.pk and v.version = w.version))"""


def _of_writes(asked: Asked, terms: dict[str, Any]) -> list[str]:
    versions: Sequence[tuple[int, int]] = asked.versions or ()
    terms |= {"peers": list(asked.peers or ()), "messages": list(asked.messages or ())}
    terms |= {"pks": [pk for pk, _ in versions], "numbers": [number for _, number in versions]}
    wanted = (
        (asked.peers is not None, "a.peer = any(%(peers)s)"),
        (asked.messages is not None, "a.message = any(%(messages)s)"),
        (asked.versions is not None, _WRITING),
        (asked.recorded, "exists (select from record_version v where v.change_set = a.id)"),
    )
    return [text for holds, text in wanted if holds]


def _deed(row: Sequence[Any]) -> Deed:
    kind, id, at, actor, address, event, target, status, about, peer, message = row
    return Deed(kind, id, at, actor, address, event, target, status, tuple(about), peer, message)
