"""A small district for the tests of case reports: facilities, persons, visits and diagnoses, written as rows."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from tracker_core import history, metadata, peers
from tracker_core.aggregates import blueprint, definitions, reports
from tracker_core.context import Context, Peer
from tracker_core.database import Session, next_pks
from tracker_core.records.definitions import resource_types

ICD10 = "http://hl7.org/fhir/sid/icd-10"
DISTRICT, HEALTH_POST, CLINIC = "DistrictAAA", "HealthPostA", "ClinicBBBBB"


@dataclass
class District:
    """Writes facts as an importer would: each call is a change set of its own."""

    session: Session
    emr: Peer
    units: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @staticmethod
    def malaria(**changes: Any) -> dict[str, Any]:
        """A definition: malaria and pneumonia by age and sex, from coded diagnoses."""
        document = {
            "code": "IDSR",
            "name": "Monthly disease report",
            "dataSet": "IDSR_M",
            "periodType": "Monthly",
            "source": {"kind": "diagnoses", "count": "conditions", "place": "visit"},
            "groups": [
                {"dataElement": "MALARIA", "codes": ["B50-B54"]},
                {"dataElement": "PNEUMONIA", "codes": ["J12-J18"]},
            ],
            "age": {"category": "ageGroup", "options": ["P0Y--P5Y", "P5Y--P15Y", "P15Y--P9999Y"]},
            "sex": {"category": "sex", "options": ["M", "F"]},
        }
        return document | changes

    def context(self, peer: Peer | None = None) -> Context:
        """Open a change set."""
        return history.open_change_set(self.session, "tester", peer)

    def install(self, document: dict[str, Any]) -> reports.Stored:
        """Store a definition together with the metadata it needs."""
        context = self.context()
        definition, issues = definitions.parse(document)
        assert definition is not None, issues
        report = metadata.import_objects(self.session, context, blueprint.metadata_of(definition))
        assert not report.errors, report.errors
        assert reports.save(self.session, context, document) == []
        return reports.load(self.session, document["code"])

    def person(self, born: str = "1990-05-01", gender: str = "female", unit: str = HEALTH_POST) -> int:
        """Register a person with one Patient record; return the tracked entity's pk."""
        context = self.context(self.emr)
        (pk,) = next_pks(self.session, 1)
        kind = self.session.execute("select pk from metadata_object where uid = 'MCPQUTHX1Ze'").fetchone()
        assert kind is not None
        self.session.execute(
            "insert into tracked_entity (pk, uid, type, org_unit, created, updated, created_in, updated_in)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (pk, f"Person{pk:05d}", kind[0], self.units[unit], context.at, context.at, *[context.change_set] * 2),
        )
        history.note_changes(self.session, context, [history.Change("tracked_entity", pk, "create", pk)])
        self.record("Patient", pk, {"birthDate": born, "gender": gender}, f"p{pk}")
        return pk

    def case(self, subject: int, code: str = "B50.9", day: str = "2024-03-05", place: str = HEALTH_POST) -> int:
        """Add a visit with one coded diagnosis; return the pk of its Condition."""
        name = f"v{next(self.numbers)}"
        visit: dict[str, Any] = {"status": "finished", "period": {"start": f"{day}T08:30:00+03:00"}}
        if place:
            visit["serviceProvider"] = {"identifier": {"value": place}}
        self.record("Encounter", subject, visit, name)
        condition = {
            "code": {"coding": [{"system": ICD10, "code": code}]},
            "encounter": {"reference": f"Encounter/{name}"},
        }
        return self.record("Condition", subject, condition, f"c-{name}")

    def record(self, type: str, subject: int, document: dict[str, Any], id: str, *, deleted: bool = False) -> int:
        """Write a record, or its next version; return its pk."""
        context = self.context(self.emr)
        number = resource_types()[type]
        old = self.session.execute(
            "select pk, version from record where type = %s and id = %s", (number, id)
        ).fetchone()
        pk, version = (old[0], old[1] + 1) if old else (next_pks(self.session, 1)[0], 1)
        body = orjson.dumps({"resourceType": type, "id": id, **document})
        stamp = (context.at, deleted, subject, context.change_set)
        self.session.execute(
            "insert into record (pk, type, id, version, updated, deleted, subject, source, created, created_in,"
            " updated_in) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (pk) do update set"
            " version = excluded.version, updated = excluded.updated, deleted = excluded.deleted,"
            " subject = excluded.subject, updated_in = excluded.updated_in",
            (pk, number, id, version, *stamp[:3], self.emr.id, context.at, stamp[3], stamp[3]),
        )
        self.session.execute(
            "insert into record_version (pk, version, updated, deleted, change_set, doc)"
            " values (%s, %s, %s, %s, %s, %s)",
            (pk, version, context.at, deleted, context.change_set, body),
        )
        return pk

    def table(self, period: str = "202403") -> dict[tuple[str, str, str], str]:
        """Return what is reported for a period: (org unit code, data element code, option combo) -> value."""
        rows = self.session.execute(
            "select u.code, e.code, o.name, v.value from aggregate_value v join org_unit u on u.pk = v.org_unit"
            " join metadata_object e on e.uid = v.data_element"
            " left join metadata_object o on o.uid = v.category_option_combo where v.period = %s and not v.deleted",
            (period,),
        )
        return {(unit, element, combo or "default"): value for unit, element, combo, value in rows}


@pytest.fixture
def district(session: Session) -> District:
    """A district with two facilities and a peer that sends records."""
    context = history.open_change_set(session, "tester")
    metadata.bootstrap(session)
    units = [
        {"id": DISTRICT, "code": "D1", "name": "District", "openingDate": "2000-01-01"},
        {
            "id": HEALTH_POST,
            "code": "F1",
            "name": "Health post",
            "parent": {"id": DISTRICT},
            "openingDate": "2000-01-01",
        },
        {"id": CLINIC, "code": "F2", "name": "Clinic", "parent": {"id": DISTRICT}, "openingDate": "2000-01-01"},
    ]
    person = {"id": "MCPQUTHX1Ze", "name": "Person"}
    payload = {"organisationUnits": units, "trackedEntityTypes": [person]}
    report = metadata.import_objects(session, context, payload)
    assert not report.errors, report.errors
    found = session.execute("select uid, pk from org_unit").fetchall()
    return District(session, peers.save(session, "emr", "fhir"), dict(found))
