"""What is wrong with data, as values: collected in a report, never raised."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with the data of one item.

    `code` is stable (DHIS2's E-codes where DHIS2 has one, else a short kebab-case word), `text` is for people,
    `where` names the place in the caller's terms (FHIRPath, `PID-8`, `line 12 column sex`, a uid),
    `value` is the offending text, `row` the mapping row that met it (`table:line left -> right`); of a code that
    could not be translated, `concept_map` names the concept map that does not have it and `value` is the code alone.
    """

    code: str
    text: str
    severity: Severity = "error"
    where: str = ""
    value: str = ""
    row: str = ""
    concept_map: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the issue as a JSON object without its empty parts."""
        pairs = {k: getattr(self, k) for k in ("code", "severity", "text", "where", "value", "row", "concept_map")}
        return {k: v for k, v in pairs.items() if v}


@dataclass(slots=True)
class Outcome:
    """What became of one item of a document: kind `Patient`, `enrollment`, `row` …; `action` says what was done.

    `updated` is when the version that is there now was made, where that is known.
    """

    kind: str
    id: str
    action: Literal["created", "updated", "unchanged", "deleted", "ignored"]
    version: int = 0
    where: str = ""
    updated: datetime | None = None


@dataclass(slots=True)
class Report:
    """The result of processing one message: outcomes in document order, and every issue found.

    `rejected` is true when nothing of the message was applied.
    `extra` carries what an adapter needs for its own answer (JSON-able).
    """

    outcomes: list[Outcome] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    rejected: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> list[Issue]:
        """The issues of severity error."""
        return [issue for issue in self.issues if issue.severity == "error"]

    def as_json(self) -> dict[str, Any]:
        """Return the report as stored beside the message and shown in the message browser."""
        counts: dict[str, int] = {}
        for outcome in self.outcomes:
            counts[outcome.action] = counts.get(outcome.action, 0) + 1
        return {
            "rejected": self.rejected,
            "counts": counts,
            "issues": [issue.as_json() for issue in self.issues],
            "outcomes": [{"kind": o.kind, "id": o.id, "action": o.action, "where": o.where} for o in self.outcomes],
            **({"extra": self.extra} if self.extra else {}),
        }
