"""A district with the two case programs, and helpers that let records and tracker rows arrive as the hub does it."""

import json
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from hub import bound
from tracker_core import history, metadata, peers, records, tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RecordChange
from tracker_core.context import Context, Peer
from tracker_core.database import Session
from tracker_core.issues import Report

LOINC, SCT, ICD10 = "http://loinc.org", "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
NID = "urn:tracker-hub:national-id"
MALARIA, TB = "ThPrMalaria", "ThPrTubercu"
CASE, FOLLOW_UP, TB_VISIT, TB_LAB = "ThPsMalCase", "ThPsMalFoll", "ThPsTbVisit", "ThPsTbLab00"
PERSON = "MCPQUTHX1Ze"


def programs() -> dict[str, Any]:
    """The shipped programs, offered at every clinic of the district."""
    text = (resources.files("hub") / "demo" / "metadata" / "programs.json").read_text("utf-8")
    payload: dict[str, Any] = json.loads(text)
    for program in payload["programs"]:
        program["organisationUnits"] = [{"id": "ClinicAaaaa"}, {"id": "ClinicBbbbb"}, {"id": "DistrictAaa"}]
    return payload


@dataclass
class District:
    """One hub with its metadata. Each arrival is a change set of its own and ends in a report."""

    session: Session
    peers: dict[str, Peer] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    def context(self, peer: str = "emr") -> Context:
        """A change set of a peer."""
        return history.open_change_set(self.session, "tester", self.peers[peer])

    def receive(self, *changes: RecordChange, peer: str = "emr") -> list[records.Stored]:
        """Write records and derive from them; nothing may be wrong with the records."""
        context = self.context(peer)
        written = records.apply(self.session, context, list(changes), atomic=True)
        assert not written.issues, written.issues
        self.report = Report()
        bound.derive(self.session, context, written.touched, self.report)
        return written.touched

    def capture(self, changes: ChangeSet, peer: str = "dhis2") -> None:
        """Write tracker rows and express them; nothing may be wrong with the rows."""
        context = self.context(peer)
        written = tracker.apply(self.session, context, changes)
        assert not written.issues, written.issues
        self.report = Report()
        bound.express(self.session, context, written.touched, self.report)

    def enrollments(self) -> list[tuple[str, str, str]]:
        """Live enrollments as (program, status, day), by day."""
        rows = self.session.execute(
            "select m.uid, n.status, n.enrolled_at::date::text from enrollment n join metadata_object m"
            " on m.pk = n.program where not n.deleted order by n.enrolled_at, m.uid"
        )
        return list(rows.fetchall())

    def events(self) -> list[tuple[str, str, str, dict[str, str]]]:
        """Live events as (stage, status, day, data by code), by day."""
        names = {uid: element.code for uid, element in metadata.load(self.session).data_elements.items()}
        rows = self.session.execute(
            "select m.uid, e.status, coalesce(e.occurred_at, e.scheduled_at)::date::text, e.data from event e"
            " join metadata_object m on m.pk = e.stage where not e.deleted"
            " order by coalesce(e.occurred_at, e.scheduled_at), m.uid, e.pk"
        ).fetchall()
        return [(stage, status, day, {str(names[u]): v for u, v in data.items()}) for stage, status, day, data in rows]

    def attributes(self) -> list[dict[str, str]]:
        """Attribute values by code, per live person."""
        names = {a.pk: str(a.code) for a in metadata.load(self.session).attributes.values()}
        persons = self.session.execute("select pk from tracked_entity where not deleted order by pk").fetchall()
        found: dict[int, dict[str, str]] = {row[0]: {} for row in persons}
        for entity, attribute, value in self.session.execute("select entity, attribute, value from attribute_value"):
            if entity in found:
                found[entity][names[attribute]] = value
        return list(found.values())

    def versions(self) -> int:
        """How many record versions were ever written."""
        return int(self.session.execute("select count(*) from record_version").fetchall()[0][0])

    def documents(self, type: str) -> list[dict[str, Any]]:
        """The current documents of a type, oldest first."""
        return [bound.parse(record) for record in records.walk(self.session, [type], 0, 100)]


def settle(session: Session) -> District:
    """Return the district: metadata, three peers, the national id shared."""
    metadata.bootstrap(session)
    context = history.open_change_set(session, "tester")
    units = [
        {"id": "DistrictAaa", "code": "DIST", "name": "District"},
        {
            "id": "ClinicAaaaa",
            "code": "CLINIC-A",
            "name": "Clinic A",
            "shortName": "A",
            "parent": {"id": "DistrictAaa"},
        },
        {
            "id": "ClinicBbbbb",
            "code": "CLINIC-B",
            "name": "Clinic B",
            "shortName": "B",
            "parent": {"id": "DistrictAaa"},
        },
    ]
    for payload in (
        {"organisationUnits": [{**u, "shortName": u["name"], "openingDate": "1990-01-01"} for u in units]},
        programs(),
    ):
        assert metadata.import_objects(session, context, payload).issues == []
    bound.share_identifier(session, context, NID)
    made = District(session)
    for code, format in (("emr", "emr"), ("lab", "hl7v2"), ("dhis2", "dhis2")):
        made.peers[code] = peers.save(session, code, format, settings={"org_unit": "CLINIC-A"})
    return made


def patient(number: str = "1", name: str = "#patient", **more: Any) -> RecordChange:
    """A Patient of an EMR, merged by its number there."""
    document = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:emr:mrn", "value": number}, {"system": NID, "value": f"NID-{number}"}],
        "name": [{"family": "Auma", "given": ["Rose"]}],
        "gender": "female",
        "birthDate": "1994-02-03",
        "telecom": [{"system": "phone", "value": "+256772123456"}],
        **more,
    }
    return RecordChange("Patient", document, "merge", match=(f"identifier=urn:emr:mrn|{number}",), name=name)


def encounter(day: str, clinic: str = "CLINIC-B", name: str = "#visit", **more: Any) -> RecordChange:
    """A finished visit on that day, merged by its number."""
    document = {
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:emr:visit", "value": f"V-{day}"}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "#patient"},
        "period": {"start": f"{day}T09:30:00+02:00"},
        "serviceProvider": {"identifier": {"system": "urn:tracker-hub:org-unit", "value": clinic}},
        **more,
    }
    return RecordChange("Encounter", document, "merge", match=(f"identifier=urn:emr:visit|V-{day}",), name=name)


def condition(code: str, day: str, id: str = "", **more: Any) -> RecordChange:
    """A diagnosis of the visit; with an id it is put, and may be put again."""
    document = {
        "resourceType": "Condition",
        "code": {"coding": [{"system": ICD10, "code": code}]},
        "subject": {"reference": "#patient"},
        "encounter": {"reference": "#visit"},
        "recordedDate": f"{day}T09:45:00+02:00",
        **more,
    }
    return RecordChange("Condition", document | ({"id": id} if id else {}), "put" if id else "create", id=id)


def observation(system: str, code: str, day: str, id: str = "", **value: Any) -> RecordChange:
    """A result of the visit; with an id it is put, and may be put again."""
    document = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "#patient"},
        "encounter": {"reference": "#visit"},
        "effectiveDateTime": f"{day}T10:00:00+02:00",
        **value,
    }
    return RecordChange("Observation", document | ({"id": id} if id else {}), "put" if id else "create", id=id)


def coded(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def temperature(value: str, day: str, id: str = "") -> RecordChange:
    """A temperature; the digits are kept."""
    from decimal import Decimal

    quantity = {"value": Decimal(value), "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}
    return observation(LOINC, "8310-5", day, id, valueQuantity=quantity)


def rapid_test(code: str, day: str, id: str = "") -> RecordChange:
    """A malaria rapid test."""
    return observation(LOINC, "70569-9", day, id, valueCodeableConcept=coded(SCT, code))


def captured(
    stage: str, program: str, data: dict[str, str | None], day: str = "2026-03-05", **fields: Any
) -> ChangeSet:
    """A person, an enrollment and an event as a DHIS2 client sends them."""
    return ChangeSet(
        entities=[EntityChange("PersonAaaaa", PERSON, "ClinicAaaaa", {"sB1IHYu2xQT": "Otim", "ENRjVGxVL6l": "Okello"})],
        enrollments=[EnrollmentChange("EnrolAaaaaa", "PersonAaaaa", program, "ClinicAaaaa", day)],
        events=[
            EventChange(
                "EventAaaaaa",
                "EnrolAaaaaa",
                program,
                stage,
                "ClinicAaaaa",
                data,
                {"occurredAt": day, "status": "COMPLETED", **fields},
            )
        ],
    )
