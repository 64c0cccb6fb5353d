"""The binding of a program that no file binds: its enrollments as episodes, its events as encounters, and no more."""

from tracker_core.metadata import Program

_CONCEPTS = """concepts visit-status fhir:encounter-status
  COMPLETED  finished
  ACTIVE     in-progress  arrived  triaged
  SCHEDULE   planned
  SKIPPED    cancelled
  none       onleave  unknown  entered-in-error
concepts enrolment-status fhir:episode-of-care-status
  ACTIVE     active  planned  waitlist  onhold
  COMPLETED  finished
  CANCELLED  cancelled  entered-in-error
"""
_ENROLMENT = """enrolment
status      <-> status        code:enrolment-status
enrolledAt  <-> period.start  date
completedAt <-> period.end    date
"""
_STAGE = """stage {uid}
occurredAt <-> Encounter.period.start  dateTime
status     <-> Encounter.status        code:visit-status
new Encounter status=finished class=v3-ActCode|AMB subject=@person serviceProvider=@place
"""


def default_text(program: Program) -> str:
    """Return the file of a program's default binding: what to begin with when one of its own is written."""
    head = f"binding program-{program.uid}\nprogram {program.uid}\n{_CONCEPTS}"
    stages = "".join(_STAGE.format(uid=uid) for uid in program.stages)
    return f"{head}{_ENROLMENT if program.registration else ''}{stages}"
