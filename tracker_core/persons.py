"""Counting and showing persons: what stands behind them and where it came from."""

from collections.abc import Sequence
from typing import Any

from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.records.definitions import type_names

_RECORDS = """
select r.type, r.id, r.version, r.updated, p.code, s.message
from record r
join change_set s on s.id = r.updated_in
left join peer p on p.id = r.source
where r.subject = %s and not r.deleted order by r.type, r.pk"""

_COUNTS = """
select (select count(*) from tracked_entity where not deleted and merged_into is null),
       (select count(*) from tracked_entity where merged_into is not null),
       (select count(*) from potential_duplicate where status = 'OPEN'),
       (select count(*) from enrollment where not deleted),
       (select count(*) from event where not deleted and status not in ('SCHEDULE', 'OVERDUE', 'SKIPPED')),
       (select count(*) from event where not deleted and status in ('SCHEDULE', 'OVERDUE'))"""

_PROGRAMS = """
select m.code, count(distinct n.entity) from enrollment n join metadata_object m on m.pk = n.program
where not n.deleted group by m.code order by m.code"""


def counts(session: Session) -> dict[str, Any]:
    """Return how many persons, merged persons, open possible duplicates, enrollments, events and planned visits exist.

    `programs` maps each program's code to the number of persons enrolled in it.
    """
    row = session.execute(_COUNTS).fetchone()
    assert row is not None
    names = ("persons", "merged", "possibleDuplicates", "enrollments", "events", "planned")
    return {**dict(zip(names, row, strict=True)), "programs": dict(session.execute(_PROGRAMS).fetchall())}


def uids_of(session: Session, pks: Sequence[int]) -> list[str]:
    """Return the uids of these persons (pks of tracked entities), in the order of their pks."""
    rows = session.execute("select uid from tracked_entity where pk = any(%b) order by pk", (list(pks),))
    return [row[0] for row in rows]


def overview(session: Session, uid: str) -> dict[str, Any]:
    """Return the records of one person with their source and the message that brought each. Raises `NotFound`."""
    row = session.execute(
        "select t.pk, m.uid from tracked_entity t left join tracked_entity m on m.pk = t.merged_into where t.uid = %s",
        (uid,),
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no person {uid}")
    names = type_names()
    records = [
        {"type": names[type], "id": id, "version": version, "updated": updated, "source": source, "message": message}
        for type, id, version, updated, source, message in session.execute(_RECORDS, (row[0],))
    ]
    return {"person": uid, "mergedInto": row[1], "records": records}
