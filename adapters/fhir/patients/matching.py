"""`Patient/$match`: the known patients that somebody may be (FHIR R4 Patient operations; IHE PDQm ITI-119)."""

from collections.abc import Sequence
from typing import Any

import orjson

from adapters.fhir import bundles, outcomes
from adapters.fhir.parameters import Given, Json
from adapters.fhir.replies import Reply
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.identity.matching import Candidate, candidates
from tracker_core.issues import Issue
from tracker_core.records import Stored
from tracker_core.records.documents import encode
from tracker_core.records.patients import facts
from tracker_core.records.validation import check

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
REASON = "urn:tracker-hub:extension:match-reason"
_USUAL, _MOST = 20, 100
_REPLACED = b'"replaced-by"'


def match(session: Session, base: str, given: Given) -> Reply:
    """Return a searchset of the patients that the parameter `resource` may be, the likeliest first.

    Each has a score, its grade, and how each field compares. A patient that was replaced is left out: the one that
    replaced it is there. With `onlyCertainMatches` a certain one is returned only if it is the only person; who is
    certain shares a trusted identifier and is contradicted by nothing. Raises `Malformed` for a bad parameter.
    """
    wanted = _patient(given)
    most = _count(given.text("count", str(_USUAL)))
    (found,) = candidates(session, [facts(wanted, 0, None, None)], _MOST)
    known = records.by_pk(session, [one.record for one in found])
    live = [(one, known[one.record]) for one in found if _is_current(known.get(one.record))]
    issues: list[Issue] = []
    if given.flag("onlyCertainMatches"):
        live = [(one, doc) for one, doc in live if one.grade == "certain"]
        if len({one.person for one, _ in live}) > 1:
            text = "several persons match with certainty; none is returned"
            issues, live = [Issue("multiple-matches", text, "warning")], []
    seen = tuple({one.person for one, _ in live[:most]})
    return Reply(200, _searchset(base, live[:most], issues), seen=seen)


def _patient(given: Given) -> Json:
    wanted = given.object("resource")
    if wanted is None or wanted.get("resourceType") != "Patient":
        raise Malformed("the parameter resource is a Patient", where="resource")
    problems = check("Patient", orjson.loads(encode(wanted)), "resource")
    if problems:
        raise Malformed(problems[0].text, where=problems[0].where)
    return wanted


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise Malformed(f"count is a whole number above 0, not {text!r}", where="count")
    return min(int(text), _MOST)


def _is_current(one: Stored | None) -> bool:
    return one is not None and not one.deleted and _REPLACED not in one.doc


def _searchset(base: str, found: Sequence[tuple[Candidate, Stored]], issues: Sequence[Issue]) -> bytes:
    entries = [bundles.entry(base, one, _search(candidate)) for candidate, one in found]
    if issues:
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % outcomes.outcome(issues))
    body = b',"entry":[%b]' % b",".join(entries) if entries else b""
    return b'{"resourceType":"Bundle","type":"searchset","total":%d%b}' % (len(found), body)


def _search(candidate: Candidate) -> dict[str, Any]:
    reasons = [
        {"url": REASON, "extension": [{"url": "field", "valueString": f}, {"url": "verdict", "valueString": v}]}
        for f, v in candidate.reasons.items()
    ]
    grade = {"url": GRADE, "valueCode": candidate.grade}
    return {"extension": [grade, *reasons], "mode": "match", "score": candidate.score}
