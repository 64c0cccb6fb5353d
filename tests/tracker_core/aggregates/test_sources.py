"""Where cases count: facilities found from visits, and enrollments and events as cases."""

from typing import Any

import pytest

from tracker_core import aggregates, metadata
from tracker_core.aggregates import following
from tracker_core.database import next_pks
from tracker_core.errors import Conflict
from tracker_core.history import Change, note_changes

MONTH = "202403"


def count(district: Any) -> dict[tuple[str, str, str], str]:
    """Compute the month and return what is reported."""
    following.run(district.session, district.context(), "IDSR", MONTH)
    return dict(district.table())


def visit_at(district: Any, provider: dict[str, Any]) -> None:
    """Add a case whose visit names its place in this way."""
    person = district.person()
    district.case(person, place="")
    encounter = {"period": {"start": "2024-03-05"}, "serviceProvider": provider}
    district.record("Encounter", person, encounter, "v1")


def test_a_reference_leads_to_the_org_unit_of_its_organization(district: Any) -> None:
    """A ward's clinic is found by the identifier of the organization above it."""
    district.install(district.malaria())
    person = district.person()
    clinic = {"identifier": [{"system": "urn:mfl", "value": "F2"}]}
    district.record("Organization", person, {"partOf": {"reference": "Organization/o2"}}, "o1")
    district.record("Organization", person, {**clinic, "partOf": {"reference": "Organization/o1"}}, "o2")
    visit_at(district, {"reference": "Organization/o1"})
    assert count(district) == {("F2", "MALARIA", "P15Y--P9999Y, F"): "1"}


def test_a_record_may_carry_the_uid_of_its_org_unit(district: Any) -> None:
    """A reference whose id is an org unit's uid needs no record of it."""
    district.install(district.malaria())
    visit_at(district, {"reference": "Organization/ClinicBBBBB"})
    assert set(count(district)) == {("F2", "MALARIA", "P15Y--P9999Y, F")}


def test_a_peer_may_call_org_units_by_its_own_names(district: Any) -> None:
    """A link of kind `org_unit` translates what the sender says, for that sender."""
    district.install(district.malaria())
    district.session.execute(
        "insert into link values (%s, 'org_unit', 'our-clinic', %s, %s)",
        (district.emr.id, district.units["ClinicBBBBB"], district.context().change_set),
    )
    visit_at(district, {"identifier": {"value": "our-clinic"}})
    assert set(count(district)) == {("F2", "MALARIA", "P15Y--P9999Y, F")}


def test_the_senders_own_facility_is_the_last_resort(district: Any) -> None:
    """Where the visit says nothing, the peer's setting does; also for a condition without a visit."""
    district.install(district.malaria())
    district.session.execute('update peer set settings = \'{"org_unit": "F2"}\'')
    person = district.person()
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B54"}]}
    stray = {"code": code, "recordedDate": "2024-03-09", "encounter": {"reference": "Encounter/gone"}}
    district.record("Condition", person, stray, "stray")
    district.case(person, place="nowhere")
    assert count(district) == {("F2", "MALARIA", "P15Y--P9999Y, F"): "2"}


def test_a_cancelled_visit_makes_no_case(district: Any) -> None:
    """Its conditions count nowhere, and are not even left out."""
    district.install(district.malaria())
    person = district.person()
    district.case(person)
    district.record("Encounter", person, {"status": "cancelled", "period": {"start": "2024-03-05"}}, "v1")
    assert count(district) == {}


PROGRAM = {
    "programs": [{"id": "ProgramTBBB", "code": "TB", "name": "TB", "programType": "WITH_REGISTRATION"}],
    "programStages": [{"id": "StageTBBBBB", "code": "TBV", "name": "Visit", "program": {"id": "ProgramTBBB"}}],
    "dataElements": [{"id": "DiagnosisAA", "code": "DX", "name": "Diagnosis", "valueType": "TEXT"}],
    "trackedEntityAttributes": [
        {"id": "BirthDateAA", "code": "DOB", "name": "Born", "valueType": "DATE"},
        {"id": "SexAttribut", "code": "SEX", "name": "Sex of the case", "valueType": "TEXT"},
    ],
}


class Program:
    """Writes enrollments and events of the TB program."""

    def __init__(self, district: Any) -> None:
        self.district = district
        self.session = district.session
        report = metadata.import_objects(self.session, district.context(), PROGRAM)
        assert not report.errors, report.errors
        self.pks = dict(self.session.execute("select uid, pk from metadata_object").fetchall())

    def attribute(self, person: int, uid: str, value: str) -> None:
        """Give a person an attribute."""
        self.session.execute(
            "insert into attribute_value (entity, attribute, value, folded, created, updated, updated_in)"
            " values (%s, %s, %s, lower(%s), now(), now(), %s)",
            (person, self.pks[uid], value, value, self.district.context().change_set),
        )

    def enroll(self, person: int, day: str, unit: str = "HealthPostA", status: str = "ACTIVE") -> int:
        """Enroll a person."""
        context = self.district.context()
        (pk,) = next_pks(self.session, 1)
        self.session.execute(
            "insert into enrollment (pk, uid, entity, program, org_unit, status, enrolled_at, created, updated,"
            " created_in, updated_in) values (%s, %s, %s, %s, %s, %s, %s, now(), now(), %s, %s)",
            (pk, f"Enroll{pk:05d}", person, self.pks["ProgramTBBB"], self.district.units[unit], status, day)
            + (context.change_set,) * 2,
        )
        self._note(context, "enrollment", pk, person)
        return pk

    def event(self, person: int, enrollment: int, day: str, code: str, unit: str = "ClinicBBBBB") -> int:
        """Add an event that holds a coded diagnosis."""
        context = self.district.context()
        (pk,) = next_pks(self.session, 1)
        self.session.execute(
            "insert into event (pk, uid, enrollment, entity, program, stage, org_unit, occurred_at, data, created,"
            " updated, created_in, updated_in) values (%(pk)s, %(uid)s, %(enrollment)s, %(person)s, %(program)s,"
            " %(stage)s, %(unit)s, %(day)s, jsonb_build_object('DiagnosisAA', %(code)s::text), now(), now(), %(set)s,"
            " %(set)s)",
            {
                "pk": pk,
                "uid": f"Eventt{pk:05d}",
                "enrollment": enrollment,
                "person": person,
                "program": self.pks["ProgramTBBB"],
                "stage": self.pks["StageTBBBBB"],
                "unit": self.district.units[unit],
                "day": day,
                "code": code,
                "set": context.change_set,
            },
        )
        self._note(context, "event", pk, person)
        return pk

    def _note(self, context: Any, kind: str, pk: int, person: int) -> None:
        note_changes(self.session, context, [Change(kind, pk, "create", person)])


def test_enrollments_are_cases_by_their_own_dates_and_attributes(district: Any) -> None:
    """Attributes of the person come before the Patient record; cancelled enrollments do not count."""
    program = Program(district)
    source = {"kind": "enrollments", "program": "TB", "count": "enrollments", "place": "enrollment"}
    source |= {"birthDate": "DOB", "sex": "SEX"}
    report = district.malaria(source=source, groups=[{"dataElement": "TB_NEW"}])
    district.install(report)
    child, woman = district.person("1980", "male"), district.person()
    program.attribute(child, "BirthDateAA", "2021-01-01")
    program.attribute(child, "SexAttribut", "Female")
    enrollment = program.enroll(child, "2024-03-31 23:00+00")
    program.enroll(woman, "2024-03-10", "ClinicBBBBB")
    program.enroll(woman, "2024-03-11", status="CANCELLED")
    program.enroll(woman, "2024-04-01")
    assert count(district) == {
        ("F1", "TB_NEW", "P0Y--P5Y, F"): "1",
        ("F2", "TB_NEW", "P15Y--P9999Y, F"): "1",
    }
    (value,) = district.session.execute("select value from aggregate_fact where target = %s", (enrollment,)).fetchone()
    (fact,) = aggregates.why(district.session, value).facts
    assert (fact.kind, fact.pk, str(fact.day)) == ("enrollment", enrollment, "2024-03-31")
    assert fact.origin is not None


def test_events_are_cases_by_the_code_they_hold(district: Any) -> None:
    """A data element with an ICD-10 code puts the event in its group; each enrollment counts once where so asked."""
    program = Program(district)
    source = {"kind": "events", "program": "TB", "stage": "TBV", "element": "DX", "place": "event"}
    groups = [{"dataElement": "TB_LUNG", "codes": ["A15-A16"]}]
    district.install(district.malaria(source={**source, "count": "events"}, groups=groups))
    person = district.person()
    enrollment = program.enroll(person, "2024-03-01")
    program.event(person, enrollment, "2024-03-02", "A15.0")
    event = program.event(person, enrollment, "2024-03-09", "a16")
    program.event(person, enrollment, "2024-03-09", "B20")
    assert count(district) == {("F2", "TB_LUNG", "P15Y--P9999Y, F"): "2"}
    district.install(district.malaria(source={**source, "count": "enrollments"}, groups=groups))
    assert count(district) == {("F2", "TB_LUNG", "P15Y--P9999Y, F"): "1"}
    (value,) = district.session.execute("select value from aggregate_fact where target = %s", (event,)).fetchone()
    assert [fact.kind for fact in aggregates.why(district.session, value).facts] == ["event", "event"]


def test_a_birth_date_attribute_must_be_a_date(district: Any) -> None:
    """An attribute of another type cannot give ages."""
    Program(district)
    source = {"kind": "enrollments", "program": "TB", "count": "persons", "place": "registration", "birthDate": "SEX"}
    district.install(district.malaria(source=source, groups=[{"dataElement": "TB_NEW"}]))
    with pytest.raises(Conflict, match="SEX as a date"):
        count(district)


def test_a_report_whose_metadata_is_gone_is_passed_over(district: Any) -> None:
    """Following changes goes on for the other reports."""
    district.install(district.malaria())
    person = district.person()
    district.case(person)
    count(district)
    district.session.execute("update metadata_object set code = null, name = uid where type = 'dataElements'")
    district.session.execute("update metadata_version set version = version + 1")
    district.case(person)
    assert aggregates.follow(district.session, district.context()) == []
