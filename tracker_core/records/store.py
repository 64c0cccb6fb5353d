"""Apply record changes: everything is decided before anything is written, and each table is written once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tracker_core import identity
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.issues import Issue, Outcome
from tracker_core.records import custom, documents, references
from tracker_core.records.drafts import Draft, extract_entries, read_drafts
from tracker_core.records.homes import find_homes
from tracker_core.records.judging import Judge, judge_drafts
from tracker_core.records.patients import facts
from tracker_core.records.settling import settle
from tracker_core.records.stored import Stored, by_pk
from tracker_core.records.terms import reference_token
from tracker_core.records.writing import write
from tracker_core.subscriptions import following


@dataclass(slots=True)
class Applied:
    """What became of the changes. With errors in `issues`, an atomic application has written nothing.

    `outcomes` are in document order; `touched` are the new versions.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    touched: list[Stored] = field(default_factory=list)


def apply(
    session: Session, context: Context, changes: list[RecordChange], *, atomic: bool = True, judge: Judge | None = None
) -> Applied:
    """Write the changes, all of them or (not `atomic`) those that can be written.

    Documents are checked structurally, kept digit for digit, put under their id and version, and indexed; references
    by name or by search become real ones; `judge` may refuse or mark a document; each record gets the person it is
    about. A put that changes nothing makes no version. Wrong data is returned as issues. Raises `Collision` when a
    concurrent transaction interfered.
    """
    custom.refresh(session)
    drafts, issues = read_drafts(changes, context)
    if atomic and failed(issues):
        return Applied(issues=issues)
    settled, problems = settle(session, drafts)
    issues += problems
    if atomic and failed(issues):
        return Applied(issues=issues)
    names, problems = references.rewrite(session, settled)
    problems += custom.problems(settled)
    problems += following.problems(session, settled)
    issues += problems
    if problems:
        if atomic:
            return Applied(issues=issues)
        wrong = {problem.where for problem in problems}
        settled = [d for d in settled if (d.change.where or d.change.type) not in wrong]
    judged, refused = judge_drafts(settled, judge)
    issues += judged
    if refused and atomic:
        return Applied(issues=issues)
    settled = [d for d in settled if not {id(d), id(d.same)} & refused]
    decide(session, settled)
    patients = written_patients(settled)
    assign(session, patients, find_homes(session, context, patients, settled, names))
    index(session, settled, names, references.own_targets(settled))
    write(session, settled)
    adopted = _adopt(session, settled)
    custom.follow(session, settled)
    following.follow(session, context, settled)
    return Applied(outcomes(settled, changes), issues, [*touched(settled), *adopted])


def failed(issues: Sequence[Issue]) -> bool:
    """Tell whether one of the issues is an error."""
    return any(issue.severity == "error" for issue in issues)


def decide(session: Session, drafts: Sequence[Draft]) -> None:
    """Say of each draft what it does, and set the version, key and bytes it is stored under."""
    pks = iter(next_pks(session, sum(1 for d in drafts if not d.pk and not d.action)))
    for draft in drafts:
        head = draft.head
        draft.updated = head.updated if head else None
        if draft.action:
            continue
        draft.pk = head.pk if head else next(pks)
        draft.version = head.version + 1 if head else 1
        draft.updated = draft.context.at
        if draft.change.method == "delete":
            draft.action = "deleted"
            continue
        if head and draft.before and _stamped(draft, head.version, head.updated) == draft.before:
            draft.action, draft.version, draft.doc = "unchanged", head.version, draft.before
            draft.updated = head.updated
            continue
        draft.action = "updated" if draft.before else "created"
        if not draft.extracted:
            extract_entries(draft)
        draft.doc = _stamped(draft, draft.version, draft.context.at)


def _stamped(draft: Draft, version: int, updated: datetime) -> bytes:
    return documents.stamp(draft.raw, draft.change.type, draft.id, version, updated)


def index(
    session: Session, drafts: Sequence[Draft], names: Mapping[str, str], own: Mapping[str, tuple[int, int | None]]
) -> None:
    """Find out about everything that one change set refers to, and give each record that is no Patient its person."""
    written = [d for d in drafts if d.action in ("created", "updated")]
    found = references.targets(session, written, names, own)
    for draft in written:
        references.index(draft, found)
    references.give_subjects([d for d in written if d.change.type != "Patient"], found)


def written_patients(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts that write a Patient which is there afterwards."""
    return [d for d in drafts if d.change.type == "Patient" and d.action in ("created", "updated")]


def assign(session: Session, patients: Sequence[Draft], homes: Mapping[int, int]) -> None:
    """Give each Patient its person; `homes` are the org units of new ones, by the record's key."""
    known = []
    for draft in patients:
        source = draft.head.source if draft.before and draft.head else draft.sender
        known.append(facts(draft.view, draft.pk, source, draft.subject, homes.get(draft.pk)))
    contexts = [draft.context for draft in patients]
    for draft, person in zip(patients, identity.assign_each(session, contexts, known), strict=True):
        draft.subject = person


def _adopt(session: Session, drafts: Sequence[Draft]) -> list[Stored]:
    """Give the person to records that referred to a Patient before it was known; return those records."""
    late = late_patients(drafts)
    if not late:
        return []
    numbers = references.all_subject_numbers()
    tokens = [",".join(str(reference_token(number, draft.pk)) for number in numbers) for draft in late]
    rows = session.execute(
        "update record r set subject = t.subject from unnest(%b::text[], %b::bigint[]) t (tokens, subject)"
        " where r.subject is null and r.tokens && t.tokens::bigint[] returning r.pk",
        ([f"{{{one}}}" for one in tokens], [draft.subject for draft in late]),
        prepare=False,
    ).fetchall()
    return [one for one in by_pk(session, [row[0] for row in rows]).values() if not one.deleted] if rows else []


def late_patients(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts of Patients that were referred to before they came."""
    patients = [d for d in drafts if d.change.type == "Patient" and d.writes and d.subject is not None]
    return [draft for draft in patients if draft.head and not draft.head.version]


def outcomes(drafts: Sequence[Draft], changes: Sequence[RecordChange]) -> list[Outcome]:
    """Return what became of the changes, in their order."""
    order = {id(change): n for n, change in enumerate(changes)}
    return [d.outcome for d in sorted(drafts, key=lambda d: order[id(d.change)])]


def touched(drafts: Sequence[Draft]) -> list[Stored]:
    """Return the new versions that drafts have made."""
    return [
        Stored(
            d.pk,
            d.change.type,
            d.id,
            d.version,
            d.context.at,
            d.action == "deleted",
            d.subject,
            (d.head.source if d.head else None) or d.sender,
            d.doc,
        )
        for d in drafts
        if d.writes
    ]
