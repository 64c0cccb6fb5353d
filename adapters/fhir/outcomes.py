"""OperationOutcome: what is wrong, in FHIR's words (R4 OperationOutcome, value set issue-type)."""

from collections.abc import Sequence

import orjson

from tracker_core.errors import HubError, wording
from tracker_core.issues import Issue

CONTENT_TYPE = "application/fhir+json; charset=utf-8"

# Issue code -> (issue-type, HTTP status of a single interaction that fails by it; R4 3.1.0.5 to 3.1.0.8)
_KINDS = {
    "structure": ("structure", 400),
    "required": ("required", 400),
    "value": ("value", 400),
    "code-invalid": ("code-invalid", 400),
    "duplicate": ("duplicate", 400),
    "not-supported": ("not-supported", 400),
    "not-found": ("not-found", 404),
    "multiple-matches": ("multiple-matches", 412),
    "version-conflict": ("conflict", 412),
    "unresolved-reference": ("not-found", 422),
    "too-costly": ("too-costly", 403),
    "patch": ("processing", 422),
    "informational": ("informational", 200),
    "invariant": ("invariant", 422),
    "extension": ("extension", 422),
    "too-long": ("too-long", 422),
    "not-checked": ("informational", 200),
}
_OTHER = ("processing", 422)
_BY_STATUS = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    410: "deleted",
    413: "too-long",
    415: "not-supported",
}


def outcome(issues: Sequence[Issue]) -> bytes:
    """Return an OperationOutcome with one entry per issue; without issues it says that all is well."""
    shown = [_entry(issue) for issue in issues] or [_entry(Issue("informational", "done", "information"))]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": shown})


def _entry(issue: Issue) -> dict[str, object]:
    kind = _KINDS.get(issue.code, _OTHER)[0]
    text = f"{issue.text}: {issue.value}" if issue.value and issue.value not in issue.text else issue.text
    entry: dict[str, object] = {"severity": issue.severity, "code": kind, "diagnostics": text}
    if issue.code not in _KINDS:
        entry["details"] = {"coding": [{"code": issue.code}], "text": issue.text}
    if issue.where:
        entry["expression"] = [issue.where]
    return entry


def status(issues: Sequence[Issue]) -> int:
    """Return the HTTP status for an interaction that failed by these issues: that of the first error."""
    errors = [issue for issue in issues if issue.severity == "error"]
    return _KINDS.get(errors[0].code, _OTHER)[1] if errors else 200


def refuse(http: int, text: str) -> tuple[bytes, str]:
    """Return body and content type for what is refused with an HTTP status before or outside a resource."""
    kind = _BY_STATUS.get(http, "transient" if http in (429, 503) else "exception" if http >= 500 else "processing")
    return _single(kind, text), CONTENT_TYPE


def refusal(code: str, text: str) -> bytes:
    """Return an OperationOutcome with one error of an issue type, worded as a profile wants it in `details.text`."""
    issue = {"severity": "error", "code": code, "details": {"text": text}, "diagnostics": text}
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})


def of_error(error: BaseException) -> bytes:
    """Return an OperationOutcome for an exception; what is no `HubError` is not shown to the caller."""
    if not isinstance(error, HubError):
        return _single("exception", "an error of this hub; it has been logged")
    return _single(wording(error).fhir, error.detail, error.where)


def _single(kind: str, text: str, where: str = "") -> bytes:
    issue: dict[str, object] = {"severity": "error", "code": kind, "diagnostics": text}
    if where:
        issue["expression"] = [where]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
