"""`_include` and `_revinclude`: what matches refer to, and what refers to matches (FHIR R4 3.1.1.5.4)."""

from collections.abc import Sequence

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.records.definitions import parameters, resource_types
from tracker_core.records.extraction import sources
from tracker_core.records.stored import Stored, by_pk
from tracker_core.records.terms import reference_range, reference_token

MOST_INCLUDED = 2_000


def included(
    session: Session, type_: str, matches: Sequence[Stored], result: dict[str, list[str]], issues: list[Issue]
) -> list[Stored]:
    """Return what the matches include: live, each once, no match itself, at most 2,000 (said in `issues` when more)."""
    own = {match.pk for match in matches}
    found: set[int] = set()
    for text in result.get("_include", ()):
        numbers, target = _forward(type_, text, issues)
        found |= _targets(session, own, numbers, target)
    for text in result.get("_revinclude", ()):
        source, numbers = _backward(text, issues)
        found |= _referrers(session, own, source, numbers)
    ignored = [key for key in result if key.startswith(("_include:", "_revinclude:"))]
    issues.extend(Issue("not-supported", f"{key} is not supported", "warning", where=key) for key in ignored)
    wanted = sorted(found - own)
    if len(wanted) > MOST_INCLUDED:
        text = f"{len(wanted)} records are included; these are the first {MOST_INCLUDED}"
        issues.append(Issue("too-costly", text, "warning", where="_include"))
    return [one for one in by_pk(session, wanted[:MOST_INCLUDED]).values() if not one.deleted]


def _forward(type_: str, text: str, issues: list[Issue]) -> tuple[list[int], str]:
    parts = text.split(":")
    known = parameters(type_)
    if text == "*" or parts[1:2] == ["*"]:
        codes = [code for code, p in known.items() if p.type == "reference"]
    else:
        codes = [code for code in parts[1:2] if code in known and parts[0] == type_]
    if not codes:
        issues.append(Issue("not-supported", f"{text} includes nothing of {type_}", "warning", where="_include"))
    numbers = [n for code in codes for n in sources(type_)[code].numbers]
    only = next((sources(type_)[code].only for code in codes if len(codes) == 1), "")
    return numbers, parts[2] if len(parts) > 2 else only


def _targets(session: Session, own: set[int], numbers: Sequence[int], target: str) -> set[int]:
    if not numbers or not own:
        return set()
    bounds = [reference_range(n) for n in numbers]
    mask = reference_range(0)[1]
    rows = session.execute(
        "select distinct o.pk from record r cross join unnest(r.tokens) t"
        " join unnest(%b::bigint[], %b::bigint[]) b (lo, hi) on t between b.lo and b.hi"
        " join record o on o.pk = t & %s where r.pk = any(%b::bigint[]) and (%s::int is null or o.type = %s::int)",
        (
            [lo for lo, _ in bounds],
            [hi for _, hi in bounds],
            mask,
            list(own),
            resource_types().get(target),
            resource_types().get(target),
        ),
        prepare=False,
    )
    return {row[0] for row in rows}


def _backward(text: str, issues: list[Issue]) -> tuple[str, list[int]]:
    source, _, code = text.partition(":")
    code = code.partition(":")[0]
    if source not in resource_types() or code not in sources(source):
        issues.append(Issue("not-supported", f"{text} is no reference parameter", "warning", where="_revinclude"))
        return "", []
    return source, list(sources(source)[code].numbers)


def _referrers(session: Session, own: set[int], source: str, numbers: Sequence[int]) -> set[int]:
    if not numbers or not own:
        return set()
    tokens = [reference_token(n, pk) for n in numbers for pk in own]
    rows = session.execute(
        "select r.pk from record r where r.tokens && %b::bigint[] and r.type + 0 = %s and not r.deleted limit %s",
        (tokens, resource_types()[source], MOST_INCLUDED + 1),
        prepare=False,
    )
    return {row[0] for row in rows}
