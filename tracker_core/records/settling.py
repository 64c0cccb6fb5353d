"""Decide which stored record each draft is about, and whether its conditions hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tracker_core.changes import ANY_VERSION, NO_VERSION
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.issues import Issue
from tracker_core.records import documents, identities
from tracker_core.records.definitions import elements, resource_types
from tracker_core.records.drafts import Draft, Head, recheck
from tracker_core.records.identities import Wanted
from tracker_core.uids import new_uid

_RETRACTED = '{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/%s","code":"entered-in-error"}]}'
_VERIFICATION = {
    "Condition": documents.decode((_RETRACTED % "condition-ver-status").encode()),
    "AllergyIntolerance": documents.decode((_RETRACTED % "allergyintolerance-verification").encode()),
}


def settle(session: Session, drafts: list[Draft]) -> tuple[list[Draft], list[Issue]]:
    """Give each draft its id and the row it replaces; return the drafts that go on, and why others don't.

    Rows to be replaced are locked in (type, id) order. A draft whose record needs nothing done has its `action` set.
    """
    fresh = _absent(session, {d.change.inside for d in drafts if d.change.inside})
    wanted = {id(d): [] if d.change.inside in fresh else searches(d) for d in drafts}
    identities.lock(session, (w for d in drafts if d.change.method != "delete" for w in wanted[id(d)]))
    try:
        found = identities.find(session, [w for own in wanted.values() for w in own])
    except Malformed as error:
        return [], [Issue("value", error.detail, where=error.where)]
    identities.group_same(drafts)
    settled: list[Draft] = []
    issues: list[Issue] = []
    gone: set[int] = set()
    # What is deleted goes first, and the others do not find it any more (FHIR R4 3.1.0.11.2).
    for draft in sorted(drafts, key=lambda d: d.change.method != "delete"):
        matches = [head for w in wanted[id(draft)] for head in found[w] if head.pk not in gone]
        if draft.change.method == "delete":
            gone |= {head.pk for head in matches}
        if (draft.change.method == "retract" and not draft.id) or (draft.change.every and matches):
            settled += _one_each(draft, matches)
        elif problem := _identify(draft, matches):
            issues.append(problem)
        else:
            settled.append(draft)
    issues += _overlaps(settled)
    issues += _replace(session, [d for d in settled if d.action != "refused"])
    return [d for d in settled if d.action != "refused" and not _is_idle(d)], issues


def _is_idle(draft: Draft) -> bool:
    """Tell whether a draft takes back a record that is not there: it is not worth a word."""
    return draft.change.method == "retract" and not (draft.head and draft.head.live)


def _overlaps(drafts: Sequence[Draft]) -> list[Issue]:
    """Refuse what would write a record that another draft writes: neither is guessed to be meant."""
    seen: set[tuple[int, str]] = set()
    issues = []
    for draft in drafts:
        if draft.action or draft.change.method in ("retract", "merge", "create"):
            continue
        if (draft.type, draft.id) in seen:
            draft.action = "refused"
            issues.append(_issue(draft, "duplicate", "another entry writes the same record"))
        seen.add((draft.type, draft.id))
    return issues


def _absent(session: Session, references: set[str]) -> set[str]:
    """Return those of the references that are of no record yet."""
    numbers = resource_types()
    keys = {reference: (numbers[type_], id) for reference in references for type_, _, id in [reference.partition("/")]}
    found = identities.heads(session, keys.values())
    there = {(head.type, head.id) for head in found.values() if head.version}
    return {reference for reference, key in keys.items() if key not in there}


def searches(draft: Draft) -> list[Wanted]:
    """Return the searches for the record that a draft is about."""
    own = draft.change.method in ("merge", "retract")
    every = draft.change.method == "retract" or draft.change.every
    return [Wanted(draft.change.type, query, draft.sender if own else None, every) for query in draft.change.match]


def _identify(draft: Draft, matches: Sequence[Head]) -> Issue | None:
    """Set the draft's id and tentative head from what it matches."""
    change = draft.change
    distinct = {head.pk for head in matches}
    if len(distinct) > 1 and change.method != "merge":
        return _issue(draft, "multiple-matches", f"{len(distinct)} records match {' or '.join(change.match)}")
    if draft.same is not None:
        return _join(draft, draft.same)
    if matches:
        if draft.id and draft.id != matches[0].id:
            return _issue(draft, "multiple-matches", f"the record that matches has the id {matches[0].id}")
        draft.head, draft.id = matches[0], matches[0].id
        if change.method == "create":
            draft.action, draft.pk, draft.version = "ignored", draft.head.pk, draft.head.version
            draft.subject = draft.head.subject
    elif not draft.id:
        if change.method in ("delete", "patch"):
            draft.action = "ignored"
            return None if change.method == "delete" else _issue(draft, "not-found", "no record matches")
        draft.id = new_uid()
    return None


def _join(draft: Draft, same: Draft) -> Issue | None:
    """Let `same`, which stands for the same record, say what the draft says."""
    method = draft.change.method
    if method == "put":
        return _issue(draft, "duplicate", "another entry writes the same record")
    draft.action = "ignored"
    if method == "merge" and same.context is not draft.context:
        draft.action = "unchanged"  # `together` sees to it that this is so
    elif method == "merge":
        same.raw = documents.merge(same.raw, draft.raw, draft.change.type)
        same.whole = False
    return None


def _one_each(draft: Draft, matches: Sequence[Head]) -> list[Draft]:
    """Return a draft for every record that a change is about."""
    return [
        Draft(draft.change, draft.type, b"", {}, draft.context, id=head.id, head=head)
        for head in {head.pk: head for head in matches}.values()
    ]


def _replace(session: Session, drafts: Sequence[Draft]) -> list[Issue]:
    """Lock the rows that the drafts replace and check their conditions; drafts that fail become `refused`."""
    pending = [d for d in drafts if not d.action]
    fresh = {id(d) for d in pending if d.change.method == "create" and not d.head and not d.change.id}
    heads = identities.heads(session, ((d.type, d.id) for d in pending if id(d) not in fresh), lock_rows=True)
    written = {(d.type, d.id) for d in pending if d.change.method != "retract"}
    for draft in pending:
        draft.head = heads.get(f"{draft.type}/{draft.id}")
        if draft.head:
            draft.pk, draft.subject = draft.head.pk, draft.head.subject
    current = _documents(session, [d.head for d in pending if d.head and d.head.live])
    issues = []
    for draft in pending:
        draft.before = current.get(draft.pk, b"")
        if draft.change.method == "retract" and (draft.type, draft.id) in written:
            draft.action = "ignored"
            continue
        problems = _condition(draft)
        if not problems and not draft.action:
            problems = _PREPARE.get(draft.change.method, _nothing)(draft)
        if any(p.severity == "error" for p in problems):
            draft.action = "refused"
        issues += problems
    return issues


def _documents(session: Session, heads: Sequence[Head]) -> dict[int, bytes]:
    if not heads:
        return {}
    rows = session.execute(
        "select v.pk, v.doc from unnest(%b::bigint[], %b::int[]) w (pk, version)"
        " join record_version v on v.pk = w.pk and v.version = w.version",
        ([h.pk for h in heads], [h.version for h in heads]),
        prepare=False,
    )
    return dict(rows.fetchall())


def _condition(draft: Draft) -> list[Issue]:
    head, wanted = draft.head, draft.change.version
    live = head is not None and head.live
    if draft.change.method == "patch" and not live:
        return [_issue(draft, "not-found", f"there is no {draft.reference}")]
    if wanted == NO_VERSION and live:
        return [_issue(draft, "version-conflict", f"{draft.reference} is there already")]
    if wanted > ANY_VERSION and (not live or head is None or head.version != wanted):
        there = f"version {head.version}" if head and live else "not there"
        return [_issue(draft, "version-conflict", f"{draft.reference} is {there}, not version {wanted}")]
    if draft.change.method in ("delete", "retract") and not live:
        draft.action = "ignored"
    return []


def _prepare_merge(draft: Draft) -> list[Issue]:
    change = draft.change
    if draft.whole and not draft.before and not change.defaults:
        return []
    before = draft.before or documents.encode({"resourceType": change.type, **change.defaults})
    draft.raw = documents.merge(documents.clear(before, change.clears), draft.raw, change.type)
    return recheck(draft)


def _prepare_retraction(draft: Draft) -> list[Issue]:
    type_ = draft.change.type
    status = elements(type_).get("status")
    if status and status.codes and "entered-in-error" in status.codes:
        draft.raw = documents.set_member(draft.before, "status", "entered-in-error")
    elif type_ in _VERIFICATION:
        draft.raw = documents.set_member(draft.before, "verificationStatus", _VERIFICATION[type_])
    else:
        draft.raw = documents.set_member(draft.before, "active", value=False)
    return recheck(draft)


def _nothing(_draft: Draft) -> list[Issue]:
    return []


def _prepare_patch(draft: Draft) -> list[Issue]:
    if draft.change.edit is None:
        return []
    edited = draft.change.edit(draft.before)
    if isinstance(edited, Issue):
        return [replace(edited, where=draft.change.where or draft.change.type)]
    draft.raw = edited
    return recheck(draft)


_PREPARE: dict[str, Callable[[Draft], list[Issue]]] = {
    "merge": _prepare_merge,
    "retract": _prepare_retraction,
    "patch": _prepare_patch,
}


def _issue(draft: Draft, code: str, text: str) -> Issue:
    return Issue(code, text, where=draft.change.where or draft.change.type, value=draft.id)
