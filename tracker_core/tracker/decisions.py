"""What case finding decided and why: every enrollment it opened, joined, classified or ended, and what made no case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.records.definitions import type_names

Kind: TypeAlias = Literal["opened", "joined", "refused", "completed", "classified", "reopened"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `program` and `enrollment` are uids, the enrollment empty for what makes no case (`refused`).

    `record` is the pk of the record it rests on, `classification` the class of the episode from then on, if it is
    known. `completed` and `classified` may have changed the enrollment's status; `reason` is for people to read.
    """

    program: str
    enrollment: str
    record: int | None
    kind: Kind
    reason: str
    classification: str = ""


def note_decisions(session: Session, context: Context, decisions: Sequence[Decision]) -> None:
    """Append decisions to the log; those of enrollments that were not stored are left out."""
    if not decisions:
        return
    known = metadata.load(session).programs
    session.execute(
        "insert into case_decision (program, enrollment, record, kind, reason, classification, change_set)"
        " select d.program, e.pk, d.record, d.kind, d.reason, d.classification, %s"
        " from unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[])"
        " with ordinality as d (program, enrollment, record, kind, reason, classification, n)"
        " left join enrollment e on e.uid = d.enrollment where d.enrollment = '' or e.pk is not null order by d.n",
        (
            context.change_set,
            [known[one.program].pk for one in decisions],
            [one.enrollment for one in decisions],
            [one.record for one in decisions],
            [one.kind for one in decisions],
            [one.reason for one in decisions],
            [one.classification for one in decisions],
        ),
    )


def classifications(session: Session, enrollments: Iterable[int]) -> dict[int, str]:
    """Return the class of each of these enrollments (pks) that has one."""
    rows = session.execute(
        "select distinct on (enrollment) enrollment, classification from case_decision"
        " where enrollment = any(%b::bigint[]) and classification <> '' order by enrollment, pk desc",
        (sorted(set(enrollments)),),
    )
    return dict(rows.fetchall())


def latest(session: Session, records: Iterable[int]) -> dict[tuple[int, str], str]:
    """Return what was last decided of each of these records (pks) as a case: (record, program uid) -> the reason."""
    known = metadata.load(session).uids
    rows = session.execute(
        "select distinct on (record, program) record, program, reason from case_decision"
        " where record = any(%b::bigint[]) and kind in ('opened', 'joined', 'refused')"
        " order by record, program, pk desc",
        (sorted(set(records)),),
    )
    return {(record, known.get(program, "")): reason for record, program, reason in rows}


def refused_persons(session: Session, persons: Iterable[int]) -> set[int]:
    """Return those of these persons (pks) one of whose records was once looked at and made no case."""
    rows = session.execute(
        "select distinct r.subject from record r join case_decision d on d.record = r.pk and d.kind = 'refused'"
        " where r.subject = any(%b::bigint[])",
        (sorted(set(persons)),),
    )
    return {row[0] for row in rows}


_SELECT = """
select s.at, s.actor, p.code, s.message, d.program, e.uid, r.type, r.id, d.kind, d.classification, d.reason
from case_decision d
join change_set s on s.id = d.change_set
left join peer p on p.id = s.peer
left join enrollment e on e.pk = d.enrollment
left join record r on r.pk = d.record
"""


def of_enrollment(session: Session, uid: str) -> list[dict[str, Any]]:
    """Return the decisions about an enrollment, oldest first, each with its time, peer, message and record."""
    return _read(session, "where e.uid = %s order by d.pk", uid)


def of_record(session: Session, record: int) -> list[dict[str, Any]]:
    """Return the decisions that rest on a record (pk), oldest first."""
    return _read(session, "where d.record = %s order by d.pk", record)


def _read(session: Session, condition: str, key: Any) -> list[dict[str, Any]]:
    known, types = metadata.load(session).uids, type_names()
    return [
        {
            "at": at,
            "by": actor,
            "peer": peer,
            "message": message,
            "program": known.get(program, ""),
            "enrollment": enrollment,
            "record": f"{types[type]}/{id}" if id else None,
            "decision": kind,
            "classification": classification or None,
            "reason": reason,
        }
        for at, actor, peer, message, program, enrollment, type, id, kind, classification, reason in session.execute(
            _SELECT + condition, (key,)
        )
    ]
