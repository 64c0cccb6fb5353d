"""What another server's OperationOutcome says was wrong."""

from typing import Any

import orjson

from tracker_core.issues import Issue


def issues_in(outcome: Any) -> list[Issue]:
    """Read the errors of an OperationOutcome; anything else has none."""
    found = []
    for one in outcome.get("issue", ()) if isinstance(outcome, dict) else ():
        if one.get("severity") in ("error", "fatal"):
            text = one.get("diagnostics") or one.get("details", {}).get("text") or one.get("code", "refused")
            found.append(Issue("refused", str(text), where=", ".join(one.get("expression", ()))))
    return found


def document_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer's body, an empty one for anything else."""
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
