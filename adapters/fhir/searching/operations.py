"""The operations that search, and the one table of them (FHIR R4 Patient and Observation operations)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.fhir.replies import Conditions, Pairs, Reply
from adapters.fhir.searching.codes import codes
from adapters.fhir.searching.searches import answered
from tracker_core import records
from tracker_core.database import Session


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: on a `type`, on one of its records or (`instance` false) on all of them.

    answer(session, base, steps, pairs, conditions) -> Reply
    """

    name: str
    type: str
    instance: bool
    definition: str
    answer: Callable[[Session, str, Sequence[str], Pairs, Conditions], Reply]

    @property
    def path(self) -> str:
        """The route below the base."""
        return f"{self.type}/{{id}}/${self.name}" if self.instance else f"{self.type}/${self.name}"


def _everything(session: Session, base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions) -> Reply:
    page = records.everything(session, steps[1], pairs)
    return answered(base, "/".join(steps), pairs, page, conditions)


def _lastn(session: Session, base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions) -> Reply:
    page = records.lastn(session, pairs, codes=codes(session))
    return answered(base, "/".join(steps), pairs, page, conditions)


_HL7 = "http://hl7.org/fhir/OperationDefinition/"
OPERATIONS = (
    Operation("everything", "Patient", True, f"{_HL7}Patient-everything", _everything),
    Operation("lastn", "Observation", False, f"{_HL7}Observation-lastn", _lastn),
)


def operation(steps: Sequence[str]) -> Operation | None:
    """Return the operation that a path names, or None."""
    for one in OPERATIONS:
        if steps[0] == one.type and len(steps) == 2 + one.instance and steps[-1] == f"${one.name}":
            return one
    return None
