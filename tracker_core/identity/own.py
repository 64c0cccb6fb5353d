"""The records of one sender, as its identity messages name them, and what became of such a message."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tracker_core import records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome
from tracker_core.records import Stored


@dataclass(slots=True)
class Acted:
    """What became of identity changes: outcomes, what was wrong, and the records whose person or meaning changed."""

    outcomes: list[Outcome] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    touched: list[Stored] = field(default_factory=list)

    def note(self, kind: str, record: Stored, where: str, written: records.Applied) -> None:
        """Take account of one act on `record` and of what was written for it."""
        self.issues += written.issues
        self.touched += written.touched
        self.outcomes.append(Outcome(kind, record.id, "updated" if written.touched else "unchanged", where=where))


def find(session: Session, context: Context, type: str, query: str) -> list[Stored]:
    """Return the sender's records of a type that a query finds."""
    found = records.search(session, type, parse_qsl(query, keep_blank_values=True)).matches
    source = context.peer.id if context.peer else None
    return [record for record in found if record.source == source]
