"""The operations that search or tend what searching needs, in one table (FHIR R4 Patient, Observation operations)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.fhir.composing import document
from adapters.fhir.replies import Conditions, Pairs, Reply
from adapters.fhir.searching.codes import codes
from adapters.fhir.searching.searches import answered
from adapters.fhir.summary.operation import summarise
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Forbidden, NotFound
from tracker_core.records import Stored, reindexing
from tracker_core.records.reindexing import Walk
from tracker_core.records.terms import instant


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
    methods: tuple[str, ...] = ("GET", "POST")

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


def _order(session: Session, base: str, steps: Sequence[str], _pairs: Pairs, conditions: Conditions) -> Reply:
    """Put a walk over the records of a SearchParameter, or over all, in line. Raises `Forbidden`."""
    if not conditions.administrator:
        raise Forbidden("records are indexed anew by who has the authority ALL")
    reindexing.order(session, _parameter(session, steps[1]) if len(steps) == 3 else None)
    return _status(session, base, [*steps[:-1], "$reindex-status"], (), Conditions())


def _status(session: Session, _base: str, steps: Sequence[str], _pairs: Pairs, _conditions: Conditions) -> Reply:
    """Tell how far the walks have come: of one SearchParameter, or the latest hundred."""
    walks = reindexing.walks(session, _parameter(session, steps[1]) if len(steps) == 3 else None)
    names = records.by_pk(session, [walk.record for walk in walks if walk.record is not None])
    parameters = [_walk(walk, names) for walk in walks]
    return Reply(200, orjson.dumps({"resourceType": "Parameters", "parameter": parameters}))


def _parameter(session: Session, id: str) -> int:
    found = records.read(session, [("SearchParameter", id)]).get(("SearchParameter", id))
    if found is None or found.deleted:
        raise NotFound(f"there is no SearchParameter/{id}")
    return found.pk


def _walk(walk: Walk, names: Mapping[int, Stored]) -> dict[str, Any]:
    of = names.get(walk.record or 0)
    parts: list[dict[str, Any]] = [
        *([{"name": "parameter", "valueReference": {"reference": of.reference}}] if of else []),
        {"name": "status", "valueCode": walk.state},
        {"name": "total", "valueInteger": walk.total},
        {"name": "done", "valueInteger": walk.done},
        {"name": "errors", "valueInteger": walk.errors},
        *({"name": "error", "valueString": text} for text in walk.examples),
        *({"name": "type", "valueCode": type_} for type_ in walk.types),
        *(
            {"name": n, "valueInstant": instant(at)}
            for n, at in (("started", walk.started), ("finished", walk.finished))
            if at
        ),
    ]
    return {"name": "walk", "part": parts}


_HL7 = "http://hl7.org/fhir/OperationDefinition/"
_SUMMARY = "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"
_OURS = "urn:tracker-hub:operation:"
OPERATIONS = (
    Operation("everything", "Patient", True, f"{_HL7}Patient-everything", _everything),
    Operation("summary", "Patient", True, _SUMMARY, summarise),
    Operation("summary", "Patient", False, _SUMMARY, summarise),
    Operation("document", "Composition", True, f"{_HL7}Composition-document", document),
    Operation("lastn", "Observation", False, f"{_HL7}Observation-lastn", _lastn),
    Operation("reindex", "SearchParameter", True, f"{_OURS}reindex", _order, ("POST",)),
    Operation("reindex", "SearchParameter", False, f"{_OURS}reindex", _order, ("POST",)),
    Operation("reindex-status", "SearchParameter", True, f"{_OURS}reindex-status", _status),
    Operation("reindex-status", "SearchParameter", False, f"{_OURS}reindex-status", _status),
)


def readable(steps: Sequence[str]) -> Operation | None:
    """Return the operation that a GET of a path asks for, or None."""
    for one in OPERATIONS:
        if (
            "GET" in one.methods
            and steps[0] == one.type
            and len(steps) == 2 + one.instance
            and steps[-1] == f"${one.name}"
        ):
            return one
    return None
