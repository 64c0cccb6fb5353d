"""`Measure/$evaluate-measure`: a case report computed now, for an org unit and a span of its periods (FHIR R4)."""

from dataclasses import replace
from datetime import UTC, date, datetime

from adapters.fhir.measures.rendering import KINDS, Json, Told, measure_report
from adapters.fhir.parameters import Given
from adapters.fhir.replies import Reply
from mappings.catalogue.measures import measure_id
from mappings.catalogue.naming import CASE_REPORT
from tracker_core import audit, metadata, records
from tracker_core.aggregates import reports
from tracker_core.aggregates.evaluating import Cell, evaluate, within
from tracker_core.bulk import members
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed, NotFound, Unsupported
from tracker_core.records import Stored, documents, forms

_UNITS = ("Location", "Organization")


def evaluate_measure(session: Session, actor: str, id: str, given: Given) -> Reply:
    """Answer with a MeasureReport of the Measure `id`, or of the one that the parameter `measure` names.

    `subject` is a Location or Organization of an org unit, which counts with all below it; with a Patient the report is
    about that person, with a Group about its members: how many of them are in each number. The numbers are those that
    the report's own runs write. Raises `NotFound` for an unknown Measure or subject, `Malformed` for a bad parameter.
    """
    code = code_of(session, id or given.text("measure"))
    start, end = (_day(given, name) for name in ("periodStart", "periodEnd"))
    subject = given.text("subject")
    person = _patient(session, subject) if subject.startswith("Patient/") else None
    group = _members(session, subject) if subject.startswith("Group/") else None
    kind = KINDS.get(given.text("reportType", "subject" if person else "population"))
    if kind is None:
        raise Malformed(f"reportType is one of {', '.join(KINDS)}", where="reportType")
    if (kind == "individual") != (person is not None):
        raise Malformed("a report on one subject names a Patient, others a Group or an org unit", where="subject")
    units = None if person or group is not None or not subject else _units(session, subject)
    found = evaluate(session, actor, code, start, end, units)
    cells = found.cells if person is None else _of_person(found.cells, person.subject)
    cells = cells if group is None else _of_members(cells, group)
    persons = {one for cell in cells for one in cell.persons} if kind != "summary" else set[int]()
    patients = audit.patients_of(session, sorted(persons))
    reference: Json = {"reference": subject} if subject else {}
    told = Told(kind, reference, start, end, datetime.now(UTC), patients)
    report = measure_report(found.report.definition, found.elements, cells, told)
    return Reply(200, documents.encode(report), seen=tuple(sorted(persons)))


def code_of(session: Session, name: str) -> str:
    """Return the code of the case report that a Measure's id, reference or canonical url names. Raises `NotFound`."""
    url = name.partition("|")[0]
    id = url.removeprefix("Measure/")
    for one in reports.active(session):
        code = one.definition.code
        if url == f"{CASE_REPORT}{code}" or id == measure_id(code):
            return code
    raise NotFound(f"there is no Measure {name or '(none named)'} that is computed here")


def _day(given: Given, name: str) -> date:
    text = given.text(name)
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise Malformed(f"{name} is a date, not {text!r}", where=name) from error


def _patient(session: Session, reference: str) -> Stored:
    form = forms.target(reference)
    found = records.read(session, [form]).get(form) if form else None
    if found is None or found.deleted or found.subject is None:
        raise NotFound(f"there is no {reference}")
    return found


def _members(session: Session, reference: str) -> set[int]:
    """Return the persons who are members of a Group now."""
    ids = members.of_group(session, reference.removeprefix("Group/"))
    found = records.read(session, [("Patient", id) for id in ids]).values()
    return {one.subject for one in found if one.subject is not None and not one.deleted}


def _units(session: Session, reference: str) -> list[int]:
    form = forms.target(reference)
    if form is None or form[0] not in _UNITS:
        raise Unsupported(
            f"a subject is a Patient, a Group or an org unit as Location or Organization, not {reference}"
        )
    try:
        return within(metadata.load(session), form[1])
    except Conflict as error:
        raise NotFound(error.detail, where="subject") from error


def _of_person(cells: list[Cell], person: int | None) -> list[Cell]:
    """Return what of each number is this person's: one, or nothing."""
    return [replace(cell, count=int(person in cell.persons), persons=()) for cell in cells]


def _of_members(cells: list[Cell], group: set[int]) -> list[Cell]:
    """Return what of each number is of these persons: how many of them are in it, and who."""
    held = [(cell, tuple(person for person in cell.persons if person in group)) for cell in cells]
    return [replace(cell, count=len(persons), persons=persons) for cell, persons in held]
