"""Change sets of several messages written in one pass, with the end that writing one after the other has.

Most messages of one moment are about different persons, and their rows are written with one statement for each table.
Where the outcome might depend on their order, or one of them has a fault, nothing is guessed: `Apart` is raised, the
caller undoes the transaction and applies each by itself (`store.apply`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from tracker_core.changes import ANY_VERSION, ChangeSet, RecordChange
from tracker_core.context import Context
from tracker_core.database import Apart, Session
from tracker_core.records import custom, documents, forms, references, store
from tracker_core.records.drafts import Draft, read_drafts
from tracker_core.records.homes import find_homes
from tracker_core.records.search.tokens import simple_tokens
from tracker_core.records.settling import searches, settle
from tracker_core.records.store import Applied
from tracker_core.records.writing import write

_METHODS = ("create", "merge", "put", "retract")
# What the hub itself goes by from the moment that it is written
_FOLLOWED = ("SearchParameter", "Subscription", "Basic")
_CONDITIONAL = re.compile(rb'"reference":"[A-Za-z]+\?')


def fits(changes: ChangeSet) -> bool:
    """Tell whether a change set may be written together with others: it is of plain records only."""
    others = (
        *(changes.entities, changes.enrollments, changes.events, changes.relationships, changes.renumbers),
        *(changes.merges, changes.decisions, changes.moves, changes.links, changes.removals, changes.aggregates),
        changes.packages,
    )
    return bool(changes.records) and changes.atomic and not any(others) and all(map(_is_plain, changes.records))


def _is_plain(change: RecordChange) -> bool:
    return (
        change.method in _METHODS
        and isinstance(change.document, dict)
        and change.version == ANY_VERSION
        and change.type not in _FOLLOWED
        and not (change.edit or change.every or change.inside)
    )


def apply_together(session: Session, parts: Sequence[tuple[Context, list[RecordChange]]]) -> list[Applied]:
    """Write the changes of each part under its context, all or none; return what became of each part, in order.

    The contexts are of one time (`history.open_change_sets`), the changes of change sets that fit. Raises `Apart` when
    the transaction must be undone and each part applied alone, `Collision` as `store.apply` does.
    """
    custom.refresh(session)
    read = [read_drafts(changes, context) for context, changes in parts]
    _require(not any(store.failed(issues) for _, issues in read))
    drafts = [draft for own, _ in read for draft in own]
    _require(not any(_CONDITIONAL.search(draft.raw) for draft in drafts))
    settled, problems = settle(session, drafts)
    _require(not problems)
    own = [[d for d in settled if d.context is context] for context, _ in parts]
    names = [_rewrite(session, mine) for mine in own]
    store.decide(session, settled)
    _require(_say_the_same(own, names) and _found_apart(drafts, settled))
    _assign(session, settled, own, names)
    _index(session, own, names)
    _require(_are_of_different_persons(settled))
    write(session, settled)
    return [
        Applied(store.outcomes(mine, changes), issues, store.touched(mine))
        for mine, (_, changes), (_, issues) in zip(own, parts, read, strict=True)
    ]


def _require(holds: bool) -> None:
    if not holds:
        raise Apart


def _rewrite(session: Session, mine: Sequence[Draft]) -> Mapping[str, str]:
    names, problems = references.rewrite(session, mine)
    _require(not problems)
    return names


def _say_the_same(own: Sequence[Sequence[Draft]], names: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether what merges into a record of an earlier message leaves it as that message has it."""
    return all(
        _adds_nothing(draft, draft.same, known)
        for mine, known in zip(own, names, strict=True)
        for draft in mine
        if draft.same is not None and draft.same.context is not draft.context
    )


def _adds_nothing(draft: Draft, same: Draft, names: Mapping[str, str]) -> bool:
    if draft.change.method == "create":
        return True
    if draft.change.method != "merge" or draft.change.clears or not same.doc or same.updated is None:
        return False
    said = documents.rewrite(draft.raw, documents.references(draft.raw), names)
    merged = documents.merge(same.doc, said, same.change.type)
    return documents.stamp(merged, same.change.type, same.id, same.version, same.updated) == same.doc


def _found_apart(drafts: Iterable[Draft], settled: Sequence[Draft]) -> bool:
    """Tell whether no message looks for a record by what another gives it, or is about one that another writes."""
    bearers: dict[int, list[Draft]] = {}
    for draft in settled:
        for token in draft.entries.tokens if draft.writes else ():
            bearers.setdefault(token, []).append(draft)
    for draft in drafts:
        for wanted in searches(draft):
            tokens = simple_tokens(wanted.type, wanted.pairs)
            if tokens is None or any(_bears(one, draft, tokens) for one in bearers.get(tokens[0], ())):
                return False
    written = {(d.type, d.id): d.context for d in settled if d.writes}
    return all(written.get((d.type, d.id), d.context) is d.context for d in settled if d.same is None)


def _bears(one: Draft, seeker: Draft, tokens: Sequence[int]) -> bool:
    """Tell whether another message's record would have been found by the seeker, had it been written before."""
    other = one.context is not seeker.context
    return other and one.type == seeker.type and one is not seeker.same and {*tokens} <= {*one.entries.tokens}


def _assign(
    session: Session, settled: Sequence[Draft], own: Sequence[Sequence[Draft]], names: Sequence[Mapping[str, str]]
) -> None:
    patients = [store.written_patients(mine) for mine in own]
    homes: dict[int, int] = {}
    for mine, known in zip(patients, names, strict=True):
        homes |= find_homes(session, mine[0].context, mine, settled, known) if mine else {}
    store.assign(session, [draft for mine in patients for draft in mine], homes)
    _require(not store.late_patients(settled))


def _index(session: Session, own: Sequence[Sequence[Draft]], names: Sequence[Mapping[str, str]]) -> None:
    """Index each message's records; it may refer to those of the messages before it, but to none of the later ones."""
    to_come = {draft.reference for mine in own for draft in mine if draft.writes}
    at_hand: dict[str, tuple[int, int | None]] = {}
    for mine, known in zip(own, names, strict=True):
        at_hand |= references.own_targets(mine)
        to_come -= at_hand.keys()
        _require(not any(_target(text, known) in to_come for d in mine for _, text in d.entries.references))
        store.index(session, mine, known, at_hand)
        at_hand |= references.own_targets(mine)


def _target(text: str, names: Mapping[str, str]) -> str:
    form = forms.target(names.get(text, text))
    return "/".join(form) if form else ""


def _are_of_different_persons(settled: Iterable[Draft]) -> bool:
    """Tell whether what the program half is derived from is of one message for each person."""
    tellers: dict[int, Context] = {}
    return all(
        tellers.setdefault(draft.subject, draft.context) is draft.context
        for draft in settled
        if draft.writes and draft.subject is not None
    )
