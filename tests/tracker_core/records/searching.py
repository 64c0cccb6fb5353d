"""What tests of searching share: storing documents, and the ids that a query finds."""

import json
from typing import Any

from tracker_core import records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session


def put(session: Session, context: Context, *documents: dict[str, Any]) -> None:
    """Store documents under their own ids."""
    changes = [RecordChange(one["resourceType"], json.dumps(one).encode(), "put", id=one["id"]) for one in documents]
    assert records.apply(session, context, changes).issues == []


def found(session: Session, type_: str, query: str) -> str:
    """The ids that a search finds, in order; issues are not expected."""
    pairs = [(key, value) for key, _, value in (part.partition("=") for part in query.split("&"))]
    page = records.search(session, type_, pairs)
    assert page.issues == []
    return " ".join(one.id for one in page.matches)


def coded(id: str, code: str, display: str, text: str = "", **elements: Any) -> dict[str, Any]:
    """An Observation of a code with a display."""
    coding = {"system": "urn:c", "code": code, **({"display": display} if display else {})}
    concept = {"coding": [coding], **({"text": text} if text else {})}
    return {"resourceType": "Observation", "id": id, "status": "final", "code": concept, **elements}
