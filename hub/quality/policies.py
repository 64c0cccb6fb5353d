"""How much a peer's documents are validated: its settings `validation` and `validation_profiles`.

`off` (usual) leaves it at the structural check that every write passes. `lenient` stores what is not valid with the tag
`urn:tracker-hub:validation|invalid`, and says what is wrong as warnings. `strict` refuses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.fhir.validating.worlds import world
from tracker_core.changes import ChangeSet
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.profiles import validate
from tracker_core.quality import Examined
from tracker_core.records import documents
from tracker_core.records.judging import Judge, Judgement, Subject

OFF = "off"
POLICIES = (OFF, "lenient", "strict")
# HL7 marks it as good practice only: almost every record of every system would be told.
_PRACTICE = "dom-6:"


@dataclass(slots=True)
class Judging:
    """A judge of one message's documents, and what it found. `judge` is None where the peer's policy is off."""

    judge: Judge | None = None
    strict: bool = False
    examined: list[Examined] = field(default_factory=list)

    def close(self, changes: ChangeSet, report: Report) -> None:
        """Take note of documents that were refused before they could be judged; say when judging refused the message.

        `report.extra["invalid"]` is set then: an answer has a status of its own for that.
        """
        if self.judge is None or not report.rejected:
            return
        if self.examined:
            report.extra |= {"invalid": True} if self.strict and not all(one.valid for one in self.examined) else {}
            return
        for change in changes.records:
            place = change.where or change.type
            own = [one for one in report.errors if one.where.startswith(place)]
            moved = [replace(one, where=change.type + one.where.removeprefix(place)) for one in own]
            self.examined.append(Examined(change.type, moved))


def by_policy(session: Session, peer: Peer) -> Judging:
    """Return the judge that the settings of a peer want."""
    policy = peer.settings.get("validation", OFF)
    made = Judging()
    if policy not in ("lenient", "strict"):
        return made
    profiles = peer.settings.get("validation_profiles", {})

    def judge(subjects: Sequence[Subject]) -> list[Judgement]:
        found = _found(session, subjects, profiles if isinstance(profiles, dict) else {})
        made.examined += [Examined(one.type, issues) for one, issues in zip(subjects, found, strict=True)]
        return [_judged(one, issues, str(policy)) for one, issues in zip(subjects, found, strict=True)]

    made.judge, made.strict = judge, policy == "strict"
    return made


def _found(session: Session, subjects: Sequence[Subject], profiles: dict[str, Any]) -> list[list[Issue]]:
    """Return errors and warnings of each document; those of one type are validated in one pass."""
    used = world(session, stored=False)
    out: dict[int, list[Issue]] = {}
    for type_ in dict.fromkeys(one.type for one in subjects):
        own = [(n, documents.decode(one.document)) for n, one in enumerate(subjects) if one.type == type_]
        wanted = profiles.get(type_, [])
        urls = [str(url) for url in ([wanted] if isinstance(wanted, str) else wanted)]
        for (number, _), issues in zip(own, validate(used, [document for _, document in own], urls), strict=True):
            out[number] = [one for one in issues if _counts(one)]
    return [out[number] for number in range(len(subjects))]


def _counts(issue: Issue) -> bool:
    return issue.severity != "information" and not issue.text.startswith(_PRACTICE)


def _judged(subject: Subject, issues: Sequence[Issue], policy: str) -> Judgement:
    errors = [_placed(one, subject) for one in issues if one.severity == "error"]
    if policy == "strict":
        return Judgement(errors)
    return Judgement([replace(one, severity="warning") for one in errors], marked=bool(errors))


def _placed(issue: Issue, subject: Subject) -> Issue:
    """Validation names places in the document; a message has its own name for the document."""
    tail = issue.where.removeprefix(subject.type)
    return replace(issue, where=f"{subject.where}{tail}")
