"""What references point to: names of the same change set, conditional references, plain ones, and nobody yet."""

from collections.abc import Mapping, Sequence
from functools import cache

from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.errors import Malformed
from tracker_core.issues import Issue
from tracker_core.records import documents, forms, identities
from tracker_core.records.composites import related_token
from tracker_core.records.definitions import parameters, patient_parameters, resource_types
from tracker_core.records.drafts import Draft
from tracker_core.records.extraction import sources
from tracker_core.records.identities import Wanted
from tracker_core.records.terms import hashed, reference_token


def rewrite(session: Session, drafts: Sequence[Draft]) -> tuple[dict[str, str], list[Issue]]:
    """Put real references in place of names and conditional ones; return the replacements, and what had none.

    Drafts that need not be written any more (their record was found) are named by the others all the same. A name that
    the change set doesn't have stays as it is: it may be contained, or of another system.
    """
    names = _names(drafts)
    drafts = [d for d in drafts if not d.action]
    spans = [documents.references(d.raw) for d in drafts]
    searches = {text: w for found in spans for _, _, text in found if "?" in text and (w := _wanted(text)) is not None}
    searched, problems = _search(session, searches)
    names = {**names, **searched}
    issues = []
    for draft, found in zip(drafts, spans, strict=True):
        draft.raw = documents.rewrite(draft.raw, found, names)
        issues += [
            Issue("unresolved-reference", problems[text], where=draft.change.where or draft.change.type, value=text)
            for text in sorted({text for _, _, text in found})
            if text in problems
        ]
    return names, issues


def _names(drafts: Sequence[Draft]) -> dict[str, str]:
    """Return the real reference of every name; an address (`http://…/Patient/7`) is a name without its base, too."""
    names: dict[str, str] = {}
    for draft in drafts:
        name = draft.change.name
        if name:
            real = (draft.same or draft).reference
            names[name] = real
            form = forms.target(name) if name.startswith("http") else None
            if form:
                names.setdefault("/".join(form), real)
    return names


def _wanted(text: str) -> Wanted | None:
    form = forms.query(text)
    return Wanted(*form) if form else None


def _search(session: Session, searches: Mapping[str, Wanted]) -> tuple[dict[str, str], dict[str, str]]:
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    try:
        heads = identities.find(session, list(searches.values()))
    except Malformed as error:
        return {}, dict.fromkeys(searches, error.detail)
    for text, wanted in searches.items():
        matches = heads[wanted]
        if len(matches) == 1:
            found[text] = f"{wanted.type}/{matches[0].id}"
        else:
            problems[text] = "no record matches the reference" if not matches else "several records match the reference"
    return found, problems


def own_targets(drafts: Sequence[Draft]) -> dict[str, tuple[int, int | None]]:
    """Return key and person of the drafts themselves, by reference."""
    return {d.reference: (d.pk, d.subject) for d in drafts if not d.same}


def targets(
    session: Session,
    drafts: Sequence[Draft],
    names: Mapping[str, str],
    own: Mapping[str, tuple[int, int | None]],
) -> dict[str, tuple[int, int | None]]:
    """Return key and person of everything that the drafts of one change set refer to, by reference as written; `own` is
    at hand already.

    A record that nobody has sent yet gets a row of its own (version 0), so that references to it join from the start.
    """
    texts = {text for d in drafts for _, text in d.entries.references}
    texts |= {text for d in drafts for _, text, _ in d.entries.related}
    plain = {text: pair for text in texts if (pair := forms.target(names.get(text, text))) is not None}
    numbers = resource_types()
    others = {(numbers[t], id) for t, id in plain.values() if f"{t}/{id}" not in own}
    known = identities.heads(session, others)
    missing = sorted((t, id) for t, id in others if f"{t}/{id}" not in known)
    made = _reserve(session, drafts[0].context, missing) if missing else {}
    out: dict[str, tuple[int, int | None]] = {}
    for text, (type_, id) in plain.items():
        key = f"{numbers[type_]}/{id}"
        head = known.get(key)
        out[text] = own.get(f"{type_}/{id}") or ((head.pk, head.subject) if head else (made[key], None))
    return out


def _reserve(session: Session, context: Context, missing: Sequence[tuple[int, str]]) -> dict[str, int]:
    pks = next_pks(session, len(missing))
    session.execute(
        "insert into record (pk, type, id, version, updated, deleted, created, created_in, updated_in)"
        " select m.pk, m.type, m.id, 0, %(at)s, true, %(at)s, %(set)s, %(set)s"
        " from unnest(%(pks)b::bigint[], %(types)b::smallint[], %(ids)b::text[]) m (pk, type, id)"
        " on conflict (type, id) do nothing",
        {
            "at": context.at,
            "set": context.change_set,
            "pks": pks,
            "types": [t for t, _ in missing],
            "ids": [id for _, id in missing],
        },
    )
    return {key: head.pk for key, head in identities.heads(session, missing).items()}


def index(draft: Draft, found: Mapping[str, tuple[int, int | None]]) -> None:
    """Turn the draft's references into tokens: of the target's key, else of the text."""
    tokens = draft.entries.tokens
    for number, text in draft.entries.references:
        target = found.get(text)
        if target:
            tokens.append(reference_token(number, target[0]))
        elif text[0] == "#":  # what is contained is found nowhere else, but it is there
            tokens.append(hashed(number, "h", ""))
        else:
            tokens.append(hashed(number, "u", text))
    for number, text, code in draft.entries.related:
        target = found.get(text)
        tokens.append(related_token(number, str(target[0]) if target else text, code))


def give_subjects(drafts: Sequence[Draft], found: Mapping[str, tuple[int, int | None]]) -> None:
    """Give each draft the person it is about, also where it is about another of these drafts (a Provenance)."""
    pending = list(drafts)
    for _ in range(_HOPS):
        for draft in pending:
            draft.subject = subject_of(draft, found)
        known = {d.pk: d.subject for d in pending if d.subject is not None}
        pending = [d for d in pending if d.subject is None and d.entries.references]
        if not known or not pending:
            break
        found = {text: (pk, subject or known.get(pk)) for text, (pk, subject) in found.items()}


def subject_of(draft: Draft, found: Mapping[str, tuple[int, int | None]]) -> int | None:
    """Return the person a record belongs to: that of the first Patient (or Patient-bound record) it is about."""
    for number in subject_numbers(draft.change.type):
        for own, text in draft.entries.references:
            target = found.get(text) if own == number else None
            if target and target[1] is not None:
                return target[1]
    return None


_HOPS = 3  # a Provenance of an Observation of an Encounter of a Patient
_OWNERS = ("patient", "subject", "beneficiary")
# Where a record does not say whom it is about, what it goes with does.
_COMPANIONS = ("encounter", "context", "target", "focus", "based-on", "request")


@cache
def subject_numbers(type_: str) -> tuple[int, ...]:
    """Return the parameters that say whom a record is about, the most telling one first."""
    known = sources(type_)
    compartment = patient_parameters(type_)
    order = dict.fromkeys([*_OWNERS, *compartment, *_COMPANIONS])
    return tuple(n for code in order if code in parameters(type_) for n in known[code].numbers)


@cache
def all_subject_numbers() -> tuple[int, ...]:
    """Return the parameters of all types that may say whom a record is about."""
    return tuple(sorted({n for t in resource_types() for n in subject_numbers(t)}))
