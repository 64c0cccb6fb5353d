"""Every record belongs to its person, and a new person to the org unit of the organization that manages it."""

import json
from typing import Any

from tests.tracker_core.records.searching import put
from tracker_core import records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.records.definitions import compartments, elements, parameters
from tracker_core.records.expressions import compile_expression


def subjects(session: Session) -> dict[str, int | None]:
    """The person of each record, by id."""
    return dict(session.execute("select id, subject from record where not deleted").fetchall())


def test_every_type_of_the_compartment(session: Session, context: Context) -> None:
    """Whatever may belong to a patient's compartment gets the patient's person, by the compartment's parameter."""
    put(session, context, {"resourceType": "Patient", "id": "p"})
    wanted = []
    for type_, codes in compartments()["Patient"].items():
        code = next((c for c in codes if c in parameters(type_)), "")
        path = (
            next(
                (p for p in compile_expression(parameters(type_)[code].expression, type_) if p.kind == "Reference"),
                None,
            )
            if code
            else None
        )
        if path is None or type_ == "Patient":
            continue
        document = _placed([s for s in path.steps if isinstance(s, str)], type_, {"reference": "Patient/p"})
        applied = records.apply(session, context, [RecordChange(type_, json.dumps(document).encode(), "put", id=type_)])
        if not applied.issues:
            wanted.append(type_)
    found = subjects(session)
    assert len(wanted) > 30
    assert {type_: found[type_] for type_ in wanted} == dict.fromkeys(wanted, found["p"])


def _placed(steps: list[str], type_: str, value: Any) -> dict[str, Any]:
    """A document that has a value at a path, and what is required beside it where that is simple."""
    document: dict[str, Any] = {"resourceType": type_}
    structure = type_
    holder = document
    for n, step in enumerate(steps):
        _fill_required(holder, structure, step)
        element = elements(structure)[step]
        inner = value if n == len(steps) - 1 else {}
        holder[step] = [inner] if element.many else inner
        holder, structure = inner, element.kind
    return document


_SIMPLE: dict[str, Any] = {
    "CodeableConcept": {"text": "x"}, "Coding": {"code": "x"}, "dateTime": "2024", "instant": "2024-01-01T00:00:00Z",
    "string": "x", "boolean": True, "Period": {"start": "2024"}, "Reference": {"display": "x"}, "date": "2024",
    "uri": "urn:x", "Identifier": {"value": "x"}, "canonical": "urn:x", "positiveInt": 1, "Money": {"value": 1},
    "Attachment": {"url": "urn:x"}, "Annotation": {"text": "x"}, "unsignedInt": 1, "decimal": 1, "id": "x",
}  # fmt: skip


def _fill_required(holder: dict[str, Any], structure: str, wanted: str) -> None:
    for name, element in elements(structure).items():
        if not element.required or name == wanted or name in holder:
            continue
        value = (
            min(element.codes) if element.codes else _SIMPLE.get(element.kind, "x" if element.kind == "code" else {})
        )
        if isinstance(value, dict) and not value:
            value = {}
            _fill_required(value, element.kind, "")
        holder[name] = [value] if element.many else value


def test_belonging_by_another_record(session: Session, context: Context) -> None:
    """What is about an observation or a visit is about its patient, also when all come at once."""
    put(
        session,
        context,
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
         "subject": {"reference": "Patient/p"}},
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
         "encounter": {"reference": "Encounter/e"}},
        {"resourceType": "Provenance", "id": "v", "recorded": "2024-01-01T00:00:00Z",
         "target": [{"reference": "Observation/o"}], "agent": [{"who": {"display": "x"}}]},
        {"resourceType": "Task", "id": "t", "status": "ready", "intent": "order", "for": {"reference": "Patient/p"}},
        {"resourceType": "Organization", "id": "g", "name": "x"},
    )  # fmt: skip
    found = subjects(session)
    assert {found[id] for id in "peovt"} == {found["p"]}
    assert found["g"] is None


def test_a_new_person_is_at_home_where_it_is_managed(
    session: Session, context: Context, metadata_here: Metadata
) -> None:
    """The org unit is that of the managing organization, by identifier, id, or what that is part of; else the root."""
    uids = session.execute("select uid from org_unit where parent is not null order by uid limit 1").fetchall()
    leaf = uids[0][0]
    organization = {"resourceType": "Organization", "identifier": [{"value": leaf}]}
    by_name = {"reference": "urn:uuid:clinic"}
    documents: list[tuple[dict[str, Any], str]] = [
        ({"resourceType": "Patient", "id": "p1", "managingOrganization": by_name}, ""),
        ({**organization, "id": "clinic"}, "urn:uuid:clinic"),
        ({"resourceType": "Organization", "id": "room", "partOf": by_name}, ""),
        ({"resourceType": "Patient", "id": "p2", "managingOrganization": {"identifier": {"value": leaf}}}, ""),
        ({"resourceType": "Patient", "id": "p3", "managingOrganization": {"reference": "Organization/unknown"}}, ""),
    ]
    changes = [
        RecordChange(d["resourceType"], json.dumps(d).encode(), "put", id=d["id"], name=name) for d, name in documents
    ]
    assert records.apply(session, context, changes).issues == []
    put(
        session,
        context,
        {"resourceType": "Patient", "id": "p4", "managingOrganization": {"reference": "Organization/room"}},
    )
    rows = session.execute(
        "select r.id, u.uid from record r"
        " join tracked_entity t on t.pk = r.subject join org_unit u on u.pk = t.org_unit"
        " join record_version v on v.pk = r.pk where r.id like 'p_'"
    ).fetchall()
    homes = dict(rows)
    assert {id: homes[id] for id in ("p1", "p2", "p4")} == dict.fromkeys(("p1", "p2", "p4"), leaf)
    assert homes["p3"] != leaf
