"""Messages read into record changes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from mappings import Mappings, Profile, read_message, structure_of
from mappings.concepts import Target
from mappings.er7 import Message, parse
from mappings.keys import KEY
from tracker_core import history, peers, records
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.issues import Issue

HEADER = "MSH|^~\\&|LIS|LAB|||20240302080000+0300||{type}|1|P|2.5.1\r"
LOINC = "http://loinc.org"
PROFILE = Profile(domain="lis")


def read(
    tables: Mappings, type_: str, *segments: str, profile: Profile = PROFILE
) -> tuple[list[RecordChange], list[Issue]]:
    """Read a message made of a header and `segments`."""
    return read_message(tables, parse(HEADER.format(type=type_) + "\r".join(segments)), profile)


def of_type(changes: list[RecordChange], type_: str) -> list[dict[str, Any]]:
    """Return the documents of one type."""
    return [c.document for c in changes if c.type == type_ and c.document and isinstance(c.document, dict)]


def test_an_admission_becomes_linked_records(tables: Mappings, sample: Callable[[str], Message]) -> None:
    """PID, NK1, PV1, OBX, AL1, DG1 and PR1 make one record each, tied to patient and visit by local names."""
    changes, issues = read_message(tables, sample("adt-a01"), PROFILE)
    assert issues == []
    counts = {type_: len(of_type(changes, type_)) for type_ in {c.type for c in changes}}
    assert counts == {
        "Organization": 1,
        "Practitioner": 1,
        "Location": 1,
        "Patient": 1,
        "Encounter": 1,
        "RelatedPerson": 1,
        "Observation": 1,
        "AllergyIntolerance": 1,
        "Condition": 2,
        "Procedure": 1,
    }
    for type_ in ("Observation", "Condition", "Procedure"):
        for document in of_type(changes, type_):
            assert document["subject"] == {"reference": "#Patient-1"}
            assert document["encounter"] == {"reference": "#Encounter-1"}
    encounter = of_type(changes, "Encounter")[0]
    assert [d["condition"]["reference"] for d in encounter["diagnosis"]] == ["#Condition-1", "#Condition-2"]
    assert encounter["diagnosis"][0]["rank"] == 1
    kinds = ["RelatedPerson", "AllergyIntolerance", "Condition"]
    assert [c.type for c in changes if c.method != "merge"] == kinds, "an admission tells all of them"


def test_results_hang_on_their_report(tables: Mappings, sample: Callable[[str], Message]) -> None:
    """Each OBR has its own results, request, notes and specimen, and a measured value keeps its digits."""
    changes, issues = read_message(tables, sample("oru-r01"), PROFILE)
    assert issues == []
    first, second = of_type(changes, "DiagnosticReport")
    assert [len(report["result"]) for report in (first, second)] == [4, 8]
    assert first["basedOn"] == [{"reference": "#ServiceRequest-1"}]
    assert second["specimen"] == [{"reference": "#Specimen-1"}]
    assert second["effectivePeriod"]["end"] == "2024-03-02T07:30:00+03:00"
    hemoglobin = of_type(changes, "Observation")[0]
    assert hemoglobin["valueQuantity"] == {"value": Decimal("10.20"), "unit": "g/dL"}
    assert str(hemoglobin["valueQuantity"]["value"]) == "10.20"
    assert hemoglobin["note"] == [{"text": "checked twice"}]
    assert hemoglobin["effectiveDateTime"] == first["effectiveDateTime"], "OBR-7 is the time of an OBX without OBX-14"
    assert of_type(changes, "ServiceRequest")[0]["note"] == [{"text": "sample slightly haemolysed"}]


def test_every_result_type_has_its_variant(tables: Mappings, sample: Callable[[str], Message]) -> None:
    """OBX-2 decides the variant of value[x]."""
    changes, _ = read_message(tables, sample("oru-r01"), PROFILE)
    names = [next(n for n in o if n.startswith("value") or n == "extension") for o in of_type(changes, "Observation")]
    assert names == [
        "valueQuantity",
        "valueQuantity",
        "valueCodeableConcept",
        "valueString",
        "valueDateTime",
        "valueTime",
        "valuePeriod",
        "valueRange",
        "valueRatio",
        "extension",
        "extension",
        "valueRange",
    ]


def test_a_corrected_result_finds_the_result_it_corrects(tables: Mappings) -> None:
    """The same filler number, report and test make the same key, so that C, D, W and X update in place."""
    queries = []
    for status, value in (("F", "5.0"), ("C", "5.4"), ("X", "")):
        changes, issues = read(
            tables,
            "ORU^R01",
            "PID|1||1^^^LAB^MR",
            "OBR|1||F9^LAB|57021-8^CBC^LN|||202403020700",
            f"OBX|1|NM|718-7^Hb^LN|a|{value}|g/dL|||||{status}",
            f"OBX|2|NM|718-7^Hb^LN|b|{value}|g/dL|||||{status}",
            f"OBX|3|NM|718-7^Hb^LN|b|{value}|g/dL|||||{status}",
        )
        assert issues == []
        observations = [change for change in changes if change.type == "Observation"]
        queries.append([change.match for change in observations])
        assert len({change.match for change in observations}) == 3
    assert queries[0] == queries[1] == queries[2]
    assert [d["status"] for d in of_type(changes, "Observation")] == ["cancelled"] * 3
    assert of_type(changes, "Observation")[0]["identifier"][0]["system"] == KEY


def test_reports_are_found_by_number_and_code(tables: Mappings) -> None:
    """Two reports of one order share its number; the code tells them apart."""
    changes, _ = read(
        tables,
        "ORU^R01",
        "PID|1||1",
        "OBR|1||F9^LAB|57021-8^CBC^LN",
        "OBX|1|ST|1^a^L||x||||||F",
        "OBR|2||F9^LAB|24323-8^CMP^LN",
        "OBX|1|ST|1^a^L||x||||||F",
    )
    matches = [change.match for change in changes if change.type == "DiagnosticReport"]
    assert matches == [
        (f"identifier=urn:id:lis:LAB|F9&code={LOINC}|57021-8",),
        (f"identifier=urn:id:lis:LAB|F9&code={LOINC}|24323-8",),
    ]


def test_null_clears(tables: Mappings) -> None:
    """Two quotes clear an element, an item known by its selector, or one type of contact; nothing is left untouched."""
    changes, issues = read(tables, "ADT^A08", 'PID|1||1^^^LAB^MR||Doe^J||""|""|||""||""|||""|""')
    patient = next(change for change in changes if change.type == "Patient")
    assert issues == []
    assert isinstance(patient.document, dict)
    for name in ("birthDate", "gender", "address", "maritalStatus"):
        assert patient.document[name] is None
    assert "telecom" not in patient.document
    assert ("telecom", {"use": "home"}) in patient.clears
    assert ("extension", {"url": "http://hl7.org/fhir/StructureDefinition/patient-religion"}) in patient.clears
    assert "deceasedBoolean" not in patient.document


def test_null_of_a_nested_element_and_of_a_choice(tables: Mappings) -> None:
    """`""` below another element and in a choice clears what the row names."""
    changes, _ = read(
        tables, "ADT^A08", 'PID|1||1|||||||||||||||||||||""', 'PV1|1|I|||||||||||||||||V1|||||||||||||||||""'
    )
    assert of_type(changes, "Encounter")[0]["hospitalization"] == {"dischargeDisposition": None}
    assert of_type(changes, "Patient")[0]["multipleBirthBoolean"] is None


def test_constants_are_for_new_records(tables: Mappings) -> None:
    """A status that the message does not give must not undo the stored one: it is a default."""
    changes, _ = read(tables, "ADT^A08", "PID|1||1^^^LAB^MR", "PV1|1||||||||||||||||||V1^^^LAB")
    encounter = next(change for change in changes if change.type == "Encounter")
    assert isinstance(encounter.document, dict)
    assert "status" not in encounter.document
    assert encounter.defaults == {"status": "unknown"}


@pytest.mark.parametrize(
    ("event", "visit", "status"),
    [
        ("A01", "PV1|1|I", "in-progress"),
        ("A08", "PV1|1|I|||||||||||||||||V|||||||||||||||||||||||||20240101|20240102", "finished"),
        ("A03", "PV1|1|I", "finished"),
        ("A11", "PV1|1|I", "cancelled"),
        ("A05", "PV1|1|P", "planned"),
    ],
)
def test_the_status_of_a_visit(tables: Mappings, event: str, visit: str, status: str) -> None:
    """The class says it, a discharge time ends it, the event has the last word."""
    changes, _ = read(tables, f"ADT^{event}", "PID|1||1^^^LAB^MR", visit)
    assert of_type(changes, "Encounter")[0]["status"] == status


def test_issues_name_row_place_and_reason(tables: Mappings) -> None:
    """A row that fails is told with its table and line; the other rows go on."""
    changes, issues = read(tables, "ORU^R01", "PID|1||1||Doe||19901332|K", "OBR|1||F1", "OBX|1|NM|1^a^L||high|||ZZ|||Q")
    told = {issue.where: issue for issue in issues}
    assert set(told) == {"PID[2]-7", "PID[2]-8", "OBX[4]-2,3,5,6", "OBX[4]-8", "OBX[4]-11"}
    assert told["OBX[4]-11"].row.endswith("OBX-11 <-> status")
    assert told["OBX[4]-11"].row.startswith("hl7v2/results:")
    assert (told["OBX[4]-11"].value, told["OBX[4]-11"].code) == ("Q", "unmapped-code")
    assert "not in ObservationResultStatusCodesInterpretation" in told["OBX[4]-11"].text
    assert told["PID[2]-7"].text == "no such day"
    observation = of_type(changes, "Observation")[0]
    assert observation["valueString"] == "high"
    assert observation["interpretation"][0]["coding"] == [{"code": "ZZ"}], "an unknown code is kept"


def test_an_issue_inside_a_value_has_its_whole_place(tables: Mappings) -> None:
    """The place leads through the components."""
    _, issues = read(tables, "ADT^A04", "PID|1||1^^^LAB~2^^^LAB^MR^^20249999")
    assert [issue.where for issue in issues] == ["PID[2]-3[2].7"]


def test_segments_out_of_place_are_told(tables: Mappings) -> None:
    """A segment that the structure does not know yields information, a Z segment nothing."""
    changes, issues = read(tables, "ORU^R01", "PID|1||1", "ZZZ|1", "RGS|1", "OBR|1||F1")
    assert [(issue.code, issue.value, issue.severity) for issue in issues] == [
        ("segment-ignored", "RGS", "information")
    ]
    assert len(of_type(changes, "DiagnosticReport")) == 1


def test_people_without_identity_are_contained(tables: Mappings) -> None:
    """A name without number is nobody's identity: it stays inside the record that names it, once."""
    changes, _ = read(
        tables, "ORU^R01", "PID|1||1", "OBR|1||F1", "OBX|1|ST|1^a^L||x||||||F|||||^Lab^Ann~^Lab^Ann~^Lab^Bea"
    )
    observation = of_type(changes, "Observation")[0]
    assert of_type(changes, "Practitioner") == []
    assert [held["name"][0]["given"] for held in observation["contained"]] == [["Ann"], ["Bea"]]
    assert [reference["reference"] for reference in observation["performer"]] == [
        f"#{held['id']}" for held in observation["contained"]
    ]


def test_times_get_the_senders_offset(tables: Mappings) -> None:
    """Own offset, else MSH-7, else the sender's zone with its summer time, else UTC and a word about it."""
    berlin = Profile(zone=ZoneInfo("Europe/Berlin"))
    visit = "PV1|1|I||||||||||||||||||||||||||||||||||||||||||{}"
    found = []
    for header, profile in (("20240302080000+0300", berlin), ("20240302", berlin), ("20240302", Profile())):
        text = f"MSH|^~\\&|A|B|||{header}||ADT^A08|1|P|2.5\rPID|1||1\r" + visit.format("202407010800")
        changes, issues = read_message(tables, parse(text), profile)
        found.append((of_type(changes, "Encounter")[0]["period"]["start"][-6:], [issue.code for issue in issues]))
    assert found == [("+03:00", []), ("+02:00", []), ("+00:00", ["no-time-zone"])]


def test_authorities_are_named_by_the_sender(tables: Mappings) -> None:
    """Namespace, OID or neither become one system through the naming table; other names stay apart by sender."""
    naming = {"LAB": "http://lab.example/id", "2.999.7": "http://lab.example/id", "": "urn:default"}
    profile = Profile(naming=naming, domain="d")
    pid = "PID|1||1^^^LAB~2^^^&2.999.7&ISO~3~4^^^OTHER~5^^^&1.2.3&ISO~6^^^&http://x.example&URI"
    changes, _ = read(tables, "ADT^A08", pid, profile=profile)
    systems = [identifier["system"] for identifier in of_type(changes, "Patient")[0]["identifier"]]
    assert systems == [
        "http://lab.example/id",
        "http://lab.example/id",
        "urn:default",
        "urn:id:d:OTHER",
        "urn:oid:1.2.3",
        "http://x.example",
    ]


def test_a_terminology_may_answer_first(tables: Mappings) -> None:
    """The profile's translation is asked before the file of the map."""

    def ask(name: str, system: str, code: str) -> Target | None:
        return Target("", "other") if (name, code) == ("AdministrativeSex", "X") else None

    changes, issues = read(tables, "ADT^A08", "PID|1||1|||||X", profile=Profile(translate=ask))
    assert issues == []
    assert of_type(changes, "Patient")[0]["gender"] == "other"


def test_structures_are_found_by_event(tables: Mappings) -> None:
    """MSH-9.1 and 9.2 choose the structure, MSH-9.3 helps, an unknown type has none."""
    header = "MSH|^~\\&|A|B|||2024||{}|1|P|2.5"
    names = ["ADT^A08", "ADT^A40^ADT_A39", "ADT^A99", "ORU^R01", "ORU^W01", "VXU^V04", "MFN^M13"]
    found = [structure_of(tables, parse(header.format(name))) for name in names]
    assert found == ["ADT_A01", "ADT_A39", "ADT_A01", "ORU_R01", "ORU_R01", "VXU_V04", ""]


def test_records_of_constants_only_are_not_made(tables: Mappings) -> None:
    """An empty segment makes nothing."""
    changes, _ = read(tables, "ADT^A08", "PID|1||1", "PV1|1", "AL1|1", "DG1|1")
    assert [change.type for change in changes] == ["Patient"]


def test_diagnoses_of_a_visit_are_a_snapshot(tables: Mappings, session: Session) -> None:
    """What an A08 does not say again is retracted, unless it carries action codes; other visits are left alone."""
    peer = peers.ensure(session, "pas", "hl7v2")
    context = history.open_change_set(session, "tester", peer)
    pid, first, other = "PID|1||1^^^LAB^MR", "PV1|1|I|||||||||||||||||V1^^^LAB", "PV1|1|I|||||||||||||||||V2^^^LAB"
    diagnoses = ["DG1|1||B54^^I10", "DG1|2||A09^^I10"]
    states = []
    for event, segments in (
        ("ADT^A01", [pid, other, *diagnoses]),
        ("ADT^A01", [pid, first, *diagnoses]),
        ("ADT^A08", [pid, first, diagnoses[0], "DG1|3||J18^^I10" + "|" * 18 + "A"]),
        ("ADT^A08", [pid, first, diagnoses[0]]),
    ):
        changes, _ = read(tables, event, *segments)
        applied = records.apply(session, context, changes)
        assert [issue for issue in applied.issues if issue.severity == "error"] == []
        found = records.search(session, "Condition", []).matches
        codes = [orjson.loads(match.doc) for match in found]
        states.append(sorted((c["code"]["coding"][0]["code"], "verificationStatus" in c) for c in codes))
    kept, gone = [("A09", False), ("B54", False)], [("A09", True), ("J18", True)]
    assert states == [
        kept,
        sorted(kept * 2),
        sorted([*kept * 2, ("J18", False)]),
        sorted([*kept, ("B54", False), *gone]),
    ]
