"""Aggregate reporting: case counts computed from the record, what was sent of them, and which cases make a number.

A case report is a definition stored as data (`reports.save`). `run` computes it for a period, `follow` keeps computed
periods in step with the change log, `submit` makes a message of what a receiver lacks, `record_answer` notes what it
took, `owed` lists what it did not, and `why` drills from a number down to bytes. `apply_values` is the way in for
values of other systems.
"""

from tracker_core.aggregates.blueprint import metadata_of
from tracker_core.aggregates.following import follow, run
from tracker_core.aggregates.importing import apply_values
from tracker_core.aggregates.lineage import Fact, Lineage, Origin, why
from tracker_core.aggregates.runs import RunResult
from tracker_core.aggregates.submissions import Owed, owed, queue, record_answer, report_view, sent_on, submit

__all__ = [
    "Fact",
    "Lineage",
    "Origin",
    "Owed",
    "RunResult",
    "apply_values",
    "follow",
    "metadata_of",
    "owed",
    "queue",
    "record_answer",
    "report_view",
    "run",
    "sent_on",
    "submit",
    "why",
]
