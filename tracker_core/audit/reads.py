"""Requests as audited: written in batches, swept when they are old enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tracker_core.database import Session
from tracker_core.records.definitions import resource_types

# How many rows one statement of a sweep deletes: others wait for no more than that.
_SWEPT = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: `event` says what it was (`read`, `search`, `login` …), `target` what it was on (`Patient/1`).

    `actor` is the user name, None of somebody unknown; `address` where it came from, `status` the HTTP status.
    `about` are the keys of records and persons that were shown; without any, a record or tracked entity that `target`
    names is looked up when the entry is written.
    """

    at: datetime
    actor: str | None
    address: str
    event: str
    target: str
    status: int
    about: tuple[int | None, ...] = ()


_INSERT = """
insert into audit_entry (at, actor, address, event, target, status, about)
select date_trunc('milliseconds', n.at), n.actor, n.address, n.event, n.target, n.status, case
    when n.about <> '' then string_to_array(n.about, ',')::bigint[]
    when n.id <> '' then coalesce(
        (select array_remove(array[r.pk, r.subject], null) from record r where r.type = n.type and r.id = n.id),
        (select array[t.pk] from tracked_entity t where n.type is null and t.uid = n.id), '{}')
    else '{}' end
from unnest(%b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[], %b::smallint[], %b::text[],
    %b::smallint[], %b::text[]) as n (at, actor, address, event, target, status, about, type, id)"""


def write(session: Session, entries: Sequence[Entry]) -> None:
    """Store entries with one statement."""
    named = [((None, "") if one.about else _named(one.target)) for one in entries]
    session.execute(
        _INSERT,
        (
            [one.at for one in entries],
            [one.actor for one in entries],
            [one.address for one in entries],
            [one.event for one in entries],
            [one.target for one in entries],
            [one.status for one in entries],
            [",".join([str(key) for key in one.about if key is not None]) for one in entries],
            [type_ for type_, _ in named],
            [id for _, id in named],
        ),
    )


def sweep(session: Session, before: datetime) -> int:
    """Delete up to 10,000 entries older than `before`, the oldest first; return how many went."""
    found = session.execute(
        "delete from audit_entry where id in (select id from audit_entry where at < %s order by at, id limit %s)",
        (before, _SWEPT),
    )
    return found.rowcount


def _named(target: str) -> tuple[int | None, str]:
    """Return type and id of the record that a target is on (`Patient/1/$summary`), no type for a DHIS2 uid."""
    steps = target.partition("?")[0].split("/")
    for type_, id in pairwise(steps):
        if type_ in resource_types():
            return resource_types()[type_], id
        if type_ == "trackedEntities":
            return None, id
    return None, ""
