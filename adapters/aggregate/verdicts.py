"""A receiver's verdict on each value that was sent, by the value's position in the document."""

from collections.abc import Mapping
from typing import Any

from adapters.aggregate import inbound
from adapters.contract import Envelope, Outgoing
from tracker_core.changes import AggregateChange, AggregateTerms

_FIELDS = ("data_element", "period", "org_unit", "category_option_combo", "attribute_option_combo", "data_set")


def verdicts(answered: Mapping[str, Any], outgoing: Outgoing) -> dict[str, str] | None:
    """Return position -> reason (empty: taken) for an ImportSummary or an OperationOutcome, else None.

    A conflict names positions (`indexes`), or objects by which its values are found. Values that the receiver ignored
    without saying which are all left open, with what it did say: sending a value that is there already does no harm.
    """
    sent = _sent(outgoing)
    if answered.get("resourceType") == "OperationOutcome":
        return _of_outcome(answered, sent)
    summary = answered.get("response", answered)
    if not isinstance(summary, dict) or "importCount" not in summary:
        return None
    reasons: dict[int, str] = {}
    open_reason = ""
    for conflict in summary.get("conflicts") or ():
        reason = _reason(conflict)
        met = conflict.get("indexes") or _named(conflict, sent)
        open_reason = open_reason or ("" if met else reason)
        reasons |= {int(n): reason for n in met if int(n) not in reasons}
    for n in summary.get("rejectedIndexes") or ():
        reasons.setdefault(int(n), open_reason or "refused by the receiver")
    ignored = int(summary.get("importCount", {}).get("ignored") or 0)
    if ignored > len(reasons) or (summary.get("status") == "ERROR" and not reasons):
        said = open_reason or str(summary.get("description") or "ignored by the receiver")
        return {str(n): reasons.get(n, said) for n in range(len(sent))}
    return {str(n): reasons.get(n, "") for n in range(len(sent))}


def _of_outcome(outcome: Mapping[str, Any], sent: list[AggregateChange]) -> dict[str, str]:
    """Place each error by its expression; one that names no value is about all of them."""
    found: dict[str, str] = {str(n): "" for n in range(len(sent))}
    for issue in outcome.get("issue") or ():
        if issue.get("severity") not in {"error", "fatal"}:
            continue
        code = next((c.get("code") for c in (issue.get("details") or {}).get("coding") or ()), issue.get("code"))
        reason = f"{code} {issue.get('diagnostics') or ''}".strip()
        places = issue.get("expression") or [""]
        for n, change in enumerate(sent):
            if any(change.where.startswith(place) or place.startswith(change.where) for place in places):
                found[str(n)] = found[str(n)] or reason
    return found


def _reason(conflict: Mapping[str, Any]) -> str:
    return f"{conflict.get('errorCode') or 'refused'} {conflict.get('value') or ''}".strip()


def _named(conflict: Mapping[str, Any], sent: list[AggregateChange]) -> list[int]:
    """Find the values that a conflict without positions is about, by the objects it names."""
    objects = conflict.get("objects") or {}
    names = {str(value) for value in (*objects.values(), conflict.get("object")) if value}
    return [n for n, change in enumerate(sent) if names & {getattr(change, field) for field in _FIELDS}]


def _sent(outgoing: Outgoing) -> list[AggregateChange]:
    document = inbound.parse(outgoing.body, Envelope(content_type=outgoing.content_type))
    return list(inbound.READERS[document.kind](document.body, AggregateTerms()))
