"""What an operation finds wrong: issues in the words of HL7's validator, and the one exception that ends a request.

Message ids and issue types are those of the terminology ecosystem (code system tx-issue-type,
extension operationoutcome-message-id), which validators and IDEs recognise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ISSUE_TYPES = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"
MESSAGE_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome: `code` is FHIR's issue type, `kind` that of tx-issue-type."""

    severity: str
    code: str
    kind: str
    id: str
    text: str
    expression: str = ""

    def document(self) -> dict[str, object]:
        """Return the issue as FHIR writes it."""
        details: dict[str, object] = {"text": self.text}
        if self.kind:
            details = {"coding": [{"system": ISSUE_TYPES, "code": self.kind}], "text": self.text}
        doc: dict[str, object] = {"severity": self.severity, "code": self.code, "details": details}
        if self.id:
            doc = {"extension": [{"url": MESSAGE_ID, "valueString": self.id}], **doc}
        if self.expression:
            doc.update(location=[self.expression], expression=[self.expression])
        return doc


class Problem(Exception):
    """An operation that cannot be answered: `issue` says why, `status` is its HTTP status."""

    def __init__(self, issue: Issue, status: int = 422) -> None:
        super().__init__(issue.text)
        self.issue = issue
        self.status = status

    @classmethod
    def circle(cls, canonical: str, trail: Sequence[str]) -> "Problem":
        """Return: a value set that includes itself."""
        text = f"Cyclic reference detected when including {canonical} via [{', '.join(trail[1:])}]"
        return cls(Issue("error", "processing", "vs-invalid", "VALUESET_CIRCULAR_REFERENCE", text))

    @classmethod
    def value_set_missing(cls, canonical: str, pinned: bool = False) -> "Problem":
        """Return: a value set that is not stored."""
        id = "VS_EXP_IMPORT_UNK_PINNED" if pinned else "Unable_to_resolve_value_Set_"
        text = f"A definition for the value Set '{canonical}' could not be found"
        return cls(Issue("error", "not-found", "not-found", id, text), 404)

    @classmethod
    def supplement_missing(cls, canonicals: Sequence[str]) -> "Problem":
        """Return: supplements that are not stored."""
        text = f"Required supplement not found: {', '.join(canonicals)}"
        return cls(Issue("error", "not-found", "not-found", "VALUESET_SUPPLEMENT_MISSING", text), 404)

    @classmethod
    def system_missing(cls, url: str, version: str, known: Sequence[str]) -> "Problem":
        """Return: a code system, or a version of one, that is not stored."""
        if version and known:
            text = (
                f"A definition for CodeSystem '{url}' version '{version}' could not be found,"
                f" so the value set cannot be expanded. Valid versions: {' or '.join(known)}"
            )
            return cls(Issue("error", "not-found", "not-found", "UNKNOWN_CODESYSTEM_VERSION_EXP", text), 404)
        text = f"A definition for CodeSystem '{url}' could not be found, so the value set cannot be expanded"
        return cls(Issue("error", "not-found", "not-found", "UNKNOWN_CODESYSTEM_EXP", text), 404)

    @classmethod
    def version_checked(cls, url: str, used: str, must: str) -> "Problem":
        """Return: a version that `check-system-version` forbids."""
        text = (
            f"The version '{used}' is not allowed for system '{url}':"
            f" required to be '{must}' by a version-check parameter"
        )
        return cls(Issue("error", "exception", "version-error", "VALUESET_VERSION_CHECK", text))

    @classmethod
    def filter_without_value(cls, system: str, name: str, op: str) -> "Problem":
        """Return: a filter that says nothing to compare with."""
        text = f"The system {system} filter with property = {name}, op = {op} has no value"
        return cls(Issue("error", "invalid", "vs-invalid", "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE", text))

    @classmethod
    def filter_unknown(cls, system: str, name: str, op: str) -> "Problem":
        """Return: a filter operator that is not offered."""
        text = f'The filter "{name} {op}" from the system {system} was not understood'
        return cls(Issue("error", "not-supported", "vs-invalid", "FILTER_NOT_UNDERSTOOD", text))

    @classmethod
    def regex_bad(cls, pattern: str, why: str) -> "Problem":
        """Return: a pattern that is no regular expression, or none that can be answered in linear time."""
        return cls(Issue("error", "invalid", "vs-invalid", "", f"The regular expression {pattern!r} is refused: {why}"))

    @classmethod
    def too_costly(cls, canonical: str, limit: int) -> "Problem":
        """Return: an expansion without a bound that has more codes than are given at once."""
        text = f"The value set '{canonical}' expansion has too many codes to display (>{limit})"
        return cls(Issue("error", "too-costly", "", "VALUESET_TOO_COSTLY", text))

    @classmethod
    def too_deep(cls, canonical: str, limit: int) -> "Problem":
        """Return: value sets that import value sets, further than is followed."""
        text = f"The value set '{canonical}' is imported through more than {limit} others"
        return cls(Issue("error", "too-costly", "", "VALUESET_TOO_COSTLY", text))

    @classmethod
    def bad_request(cls, text: str) -> "Problem":
        """Return: parameters that make no question."""
        return cls(Issue("error", "invalid", "invalid-data", "", text), 400)
