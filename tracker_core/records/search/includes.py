"""`_include` and `_revinclude`: what matches refer to, and what refers to matches (FHIR R4 3.1.1.5.4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.records.definitions import parameters, resource_types
from tracker_core.records.extraction import sources
from tracker_core.records.stored import Stored, by_pk
from tracker_core.records.terms import reference_range, reference_token

MOST_INCLUDED = 2_000
MOST_ROUNDS = 10
_ITERATES = ("iterate", "recurse")  # R4 and its forerunner


@dataclass(frozen=True, slots=True)
class _Way:
    """One step from record to record: references under `numbers` (none: under any), to or from records of `type`.

    `source` is the type that the step starts from; 0 is any type. `again` steps are taken from what was included, too.
    """

    numbers: tuple[int, ...]
    type: int
    source: int
    forward: bool
    again: bool


def included(
    session: Session,
    types: Sequence[str],
    matches: Sequence[Stored],
    result: Mapping[str, list[str]],
    issues: list[Issue],
) -> list[Stored]:
    """Return what the matches include: live, each once, no match itself, at most 2,000 (said in `issues` when more)."""
    ways = list(_ways(types, result, issues))
    numbers = resource_types()
    seen = {match.pk: numbers[match.type] for match in matches}
    own = set(seen)
    level = dict(seen)
    for round_ in range(MOST_ROUNDS):
        taken = [way for way in ways if way.again or not round_]
        if not level or not taken or len(seen) - len(own) > MOST_INCLUDED:
            break
        found = {pk: type_ for way in taken for pk, type_ in _step(session, way, level)}
        level = {pk: type_ for pk, type_ in found.items() if pk not in seen}
        seen |= level
    wanted = sorted(seen.keys() - own)
    if len(wanted) > MOST_INCLUDED:
        text = f"more than {MOST_INCLUDED} records are included; these are the first"
        issues.append(Issue("too-costly", text, "warning", where="_include"))
    return [one for one in by_pk(session, wanted[:MOST_INCLUDED]).values() if not one.deleted]


def _ways(types: Sequence[str], result: Mapping[str, list[str]], issues: list[Issue]) -> Iterator[_Way]:
    for key, texts in result.items():
        name, _, modifier = key.partition(":")
        if name not in ("_include", "_revinclude"):
            continue
        if modifier and modifier not in _ITERATES:
            issues.append(Issue("not-supported", f"{key} is not supported", "warning", where=key))
            continue
        for text in texts:
            found = list((_forward if name == "_include" else _backward)(types, text, again=bool(modifier)))
            if not found:
                issues.append(Issue("not-supported", f"{text} includes nothing here", "warning", where=key))
            yield from found


def _forward(types: Sequence[str], text: str, *, again: bool) -> Iterator[_Way]:
    source, code, target = [*text.split(":"), "", ""][:3]
    known = resource_types()
    if source == "*" or (code == "*" and source in known):
        yield _Way((), known.get(target, 0), known.get(source, 0), forward=True, again=again)
    elif again or source in types:
        for one in _reference_codes(source, code):
            held = sources(source)[one]
            wanted = known.get(target or held.only, 0)
            if wanted or not target:
                yield _Way(held.numbers, wanted, known[source], forward=True, again=again)


def _backward(types: Sequence[str], text: str, *, again: bool) -> Iterator[_Way]:
    source, code, target = [*text.split(":"), "", ""][:3]
    known = resource_types()
    starts = list(known) if source == "*" else [source]
    codes = [(start, one) for start in starts for one in _reference_codes(start, "*" if source == "*" else code)]
    numbers = {n for start, one in codes for n in sources(start)[one].numbers}
    if numbers and (again or not target or target in types):
        yield _Way(tuple(sorted(numbers)), known.get(source, 0), known.get(target, 0), forward=False, again=again)


def _reference_codes(type_: str, code: str) -> list[str]:
    if type_ not in resource_types():
        return []
    known = [c for c, p in parameters(type_).items() if p.type == "reference" and sources(type_)[c].numbers]
    return known if code == "*" else [c for c in known if c == code]


def _step(session: Session, way: _Way, level: Mapping[int, int]) -> list[tuple[int, int]]:
    start = [pk for pk, type_ in level.items() if way.source in (0, type_)]
    if not start:
        return []
    return _targets(session, way, start) if way.forward else _referrers(session, way, start)


def _targets(session: Session, way: _Way, start: Sequence[int]) -> list[tuple[int, int]]:
    # A token above zero is a reference under some parameter.
    bounds = [reference_range(n) for n in way.numbers] or [(1, 2**63 - 1)]
    rows = session.execute(
        "select distinct o.pk, o.type from record r cross join unnest(r.tokens) t"
        " join unnest(%b::bigint[], %b::bigint[]) b (lo, hi) on t between b.lo and b.hi"
        " join record o on o.pk = t & %s where r.pk = any(%b::bigint[]) and %s in (0, o.type) and not o.deleted"
        " limit %s",
        (
            [lo for lo, _ in bounds],
            [hi for _, hi in bounds],
            reference_range(0)[1],
            start,
            way.type,
            MOST_INCLUDED + 1,
        ),
        prepare=False,
    )
    return rows.fetchall()


def _referrers(session: Session, way: _Way, start: Sequence[int]) -> list[tuple[int, int]]:
    tokens = [reference_token(n, pk) for n in way.numbers for pk in start]
    rows = session.execute(
        "select r.pk, r.type from record r"
        " where r.tokens && %b::bigint[] and %s in (0, r.type + 0) and not r.deleted limit %s",
        (tokens, way.type, MOST_INCLUDED + 1),
        prepare=False,
    )
    return rows.fetchall()
