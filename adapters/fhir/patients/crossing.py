"""`Patient/$ihe-pix`: the identifiers that a patient has in other domains (IHE PIXm, ITI-83)."""

from collections.abc import Sequence
from typing import Any

from adapters.fhir import outcomes
from adapters.fhir.parameters import Given, parameters
from adapters.fhir.replies import Reply
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.identity.facts import PERSON_SYSTEM
from tracker_core.identity.persons import by_uid
from tracker_core.persons import uids_of
from tracker_core.records import Stored
from tracker_core.records.documents import decode
from tracker_core.records.search.criteria import cut, unescape


def cross_reference(session: Session, base: str, given: Given) -> Reply:
    """Answer ITI-83: `targetIdentifier` and `targetId` of all records of the person behind `sourceIdentifier`.

    `targetSystem` narrows to domains; without it every identifier comes, the source one too. The refusals are those of
    the profile: 404 for an identifier that nobody has, 400 for a domain that nobody uses, 403 for such a target.
    """
    system, value = _source(given)
    targets = [str(one) for one in given.all("targetSystem")]
    found = _holders(session, system, value)
    if not found:
        if not _is_used(session, system):
            return _refused(400, "code-invalid", "sourceIdentifier Assigning Authority not found")
        return _refused(404, "not-found", "sourceIdentifier Patient Identifier not found")
    if any(target != PERSON_SYSTEM and not _is_used(session, target) for target in targets):
        return _refused(403, "code-invalid", "targetSystem not found")
    people = sorted({one.subject for one in found if one.subject is not None})
    everyone = records.of_subject(session, people, ["Patient"]) if people else found
    return Reply(200, _answer(base, everyone, uids_of(session, people), targets), seen=tuple(people))


def _source(given: Given) -> tuple[str, str]:
    parts = [unescape(part) for part in cut(given.text("sourceIdentifier"), "|")]
    if len(parts) != 2 or not all(parts):
        raise Malformed("sourceIdentifier is system|value", where="sourceIdentifier")
    return parts[0], parts[1]


def _holders(session: Session, system: str, value: str) -> list[Stored]:
    if system == PERSON_SYSTEM:
        return records.of_subject(session, list(by_uid(session, {value}).values()), ["Patient"])
    found = records.search(session, "Patient", [("identifier", records.token(system, value))]).matches
    return [one for one in found if any(_is(i, system, value) for i in _identifiers(one))]


def _is(identifier: dict[str, Any], system: str, value: str) -> bool:
    return bool(identifier.get("system") == system and identifier.get("value") == value)


def _identifiers(one: Stored) -> list[dict[str, Any]]:
    return [i for i in decode(one.doc).get("identifier", ()) if i.get("system") and i.get("value")]


def _is_used(session: Session, system: str) -> bool:
    pairs = [("identifier", records.token(system, "")), ("_count", "1")]
    return bool(records.search(session, "Patient", pairs).matches)


def _answer(base: str, found: Sequence[Stored], uids: Sequence[str], targets: Sequence[str]) -> bytes:
    own = [{"system": PERSON_SYSTEM, "value": uid} for uid in uids]
    held = [(one, i) for one in found for i in _identifiers(one) if not targets or i["system"] in targets]
    distinct = {(i["system"], i["value"]): i for _, i in held}
    distinct |= {(i["system"], i["value"]): i for i in own if not targets or i["system"] in targets}
    holders = {one.reference: one for one, _ in held} if targets else {one.reference: one for one in found}
    return parameters(
        *(("targetIdentifier", "valueIdentifier", i) for i in distinct.values()),
        *(("targetId", "valueReference", {"reference": f"{base}/{reference}"}) for reference in holders),
    )


def _refused(status: int, code: str, text: str) -> Reply:
    return Reply(status, outcomes.refusal(code, text))
