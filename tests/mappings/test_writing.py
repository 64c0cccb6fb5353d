"""Records written as messages, and into segments that are there."""

from collections.abc import Callable
from typing import Any

import pytest

from mappings import Mappings, Profile, Scope, read_message, structure_of, write_message, write_segment
from mappings.er7 import Encoding, Message
from tracker_core.changes import RecordChange

PROFILE = Profile(domain="pas")
Records = dict[str, dict[str, Any]]


def whole(changes: list[RecordChange]) -> Records:
    """Return the records that changes make, by their local names."""
    return {c.name: {**c.defaults, **c.document} for c in changes if c.document and isinstance(c.document, dict)}


def lines(segments: list[list[str]]) -> list[str]:
    """Return segments as text."""
    return ["|".join(segment) for segment in segments]


@pytest.mark.parametrize("name", ["adt-a01", "oru-r01", "vxu-v04"])
def test_what_is_written_reads_the_same(tables: Mappings, sample: Callable[[str], Message], name: str) -> None:
    """Records -> message -> records -> message: the second message is the first, and no fact of its records is lost."""
    message = sample(name)
    structure = structure_of(tables, message)
    first, _ = read_message(tables, message, PROFILE)
    segments, issues = write_message(tables, structure, whole(first), PROFILE)
    assert issues == []
    second, _ = read_message(tables, Message(message.encoding, [message.segments[0], *segments]), PROFILE)
    again, _ = write_message(tables, structure, whole(second), PROFILE)
    assert lines(again) == lines(segments)
    assert [change.type for change in second] == [change.type for change in first]
    assert [change.match for change in second] == [change.match for change in first]


def test_groups_follow_their_links(tables: Mappings, sample: Callable[[str], Message]) -> None:
    """Every report stands with its request, results, notes and specimen; set IDs count within their group."""
    changes, _ = read_message(tables, sample("oru-r01"), PROFILE)
    segments, _ = write_message(tables, "ORU_R01", whole(changes), PROFILE)
    names = [segment[0] for segment in segments]
    assert names == [
        *("PID", "NK1", "PV1", "ORC", "OBR", "NTE", "OBX", "NTE", "OBX", "OBX", "OBX"),
        *("ORC", "OBR", *["OBX"] * 8, "SPM"),
    ]
    assert [segment[1] for segment in segments if segment[0] == "OBX"] == [*"1234", *"12345678"]
    assert [segment[1] for segment in segments if segment[0] == "OBR"] == ["1", "2"]


def test_stored_records_are_followed_by_type_and_id(tables: Mappings) -> None:
    """References to `Type/id`, absolute ones and contained ones lead to their records."""
    records = [
        {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:oid:1.2", "value": "1"}]},
        {"resourceType": "Practitioner", "id": "d", "identifier": [{"value": "9"}], "name": [{"family": "House"}]},
        {
            "resourceType": "Encounter",
            "id": "e",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": "http://hub.example/fhir/Patient/p/_history/3"},
            "contained": [{"resourceType": "Location", "id": "l", "name": "Ward 7"}],
            "location": [{"status": "active", "location": {"reference": "#l"}}],
            "participant": [
                {
                    "type": [{"coding": [{"system": PARTICIPATION, "code": "ATND"}]}],
                    "individual": {"reference": "Practitioner/d"},
                },
                {
                    "type": [{"coding": [{"system": PARTICIPATION, "code": "REF"}]}],
                    "individual": {"reference": "Practitioner/away", "display": "Wilson"},
                },
            ],
        },
    ]
    segments, issues = write_message(tables, "ADT_A01", records, PROFILE)
    assert issues == []
    assert lines(segments) == ["PID|1||1^^^&1.2&ISO", "PV1|1|O|Ward 7||||9^House|^Wilson"]


PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def test_only_what_belongs_to_the_patient_is_written(tables: Mappings) -> None:
    """A record of another patient has no place in the group; a result without report still has one."""
    records = [
        {"resourceType": "Patient", "id": "a", "identifier": [{"value": "1"}]},
        {"resourceType": "Patient", "id": "b", "identifier": [{"value": "2"}]},
        observation("x", "Patient/a", "1"),
        observation("y", "Patient/b", "2"),
    ]
    segments, _ = write_message(tables, "ORU_R01", records, PROFILE)
    assert [segment[0] for segment in segments] == ["PID", "OBX", "PID", "OBX"]
    assert [segment[5] for segment in segments if segment[0] == "OBX"] == ["1", "2"]


def observation(id_: str, subject: str, value: str) -> dict[str, Any]:
    """Return a small Observation."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "t"},
        "subject": {"reference": subject},
        "valueString": value,
    }


def test_an_edit_changes_its_own_field(tables: Mappings) -> None:
    """The other fields, components that no row names, and the spelling of equal facts stay."""
    table = tables.tables["PID:Patient"]
    before = "PID|7||1^^^LAB^MR^^20240102||Doe^J^^^^^L^X||1990|A|||1 Rd^^Town^^^^H^^^^^^^^^^x".split("|")
    record: dict[str, Any] = {"resourceType": "Patient"}
    table.read(before, record, Scope())
    record["address"][0]["city"] = "Village"
    record["gender"] = "other"
    after = list(before)
    write_segment(table, after, record, Scope(), {})
    assert after[11] == "1 Rd^^Village^^^^H^^^^^^^^^^x"
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [11]


def test_lists_are_paired_by_reading(tables: Mappings) -> None:
    """Removing one contact leaves the others in their fields; a new one goes where its selector says."""
    table = tables.tables["PID:Patient"]
    segment = "PID|1||1||||||||||111^PRN^PH~222^PRN^CP|333^WPN^PH".split("|")
    record: dict[str, Any] = {"resourceType": "Patient"}
    table.read(segment, record, Scope())
    record["telecom"] = [t for t in record["telecom"] if t["value"] != "111"]
    record["telecom"] += [
        {"system": "phone", "value": "444", "use": "work"},
        {"system": "email", "value": "a@b.example"},
    ]
    write_segment(table, segment, record, Scope(), {})
    assert segment[13:15] == ["222^PRN^CP", "333^WPN^PH~444^WPN^PH"]
    assert segment[40] == "^^Internet^a@b.example"


def test_what_cannot_be_said_is_told_or_left(tables: Mappings) -> None:
    """A quantity of a foreign unit is an issue; a code without inverse writes nothing."""
    scope = Scope()
    record = {
        "resourceType": "Encounter",
        "length": {"value": 2, "unit": "fortnight"},
        "class": {"system": "urn:x", "code": "Z"},
    }
    segment = ["PV2", ""]
    write_segment(tables.tables["PV2:Encounter"], segment, record, scope, {})
    assert segment == ["PV2", ""]
    assert [(issue.code, issue.row.split(" ")[1]) for issue in scope.issues] == [("unit", "PV2-11")]
    visit = ["PV1", "1"]
    write_segment(tables.tables["PV1:Encounter"], visit, record, Scope(), {})
    assert visit == ["PV1", "1"]


def test_other_delimiters(tables: Mappings) -> None:
    """Texts are escaped for the delimiters of the message."""
    encoding = Encoding("|", "*", "~", "\\", "&")
    records = [{"resourceType": "Patient", "id": "p", "name": [{"family": "A*B|C^D", "given": ["E&F"]}]}]
    segments, _ = write_message(tables, "ADT_A01", records, PROFILE, encoding)
    assert lines(segments) == ["PID|1||||A\\S\\B\\F\\C^D*E\\T\\F"]


def test_old_versions_have_old_types(tables: Mappings) -> None:
    """A coded result is CE and a time is TS before 2.5."""
    records: list[dict[str, Any]] = [
        {"resourceType": "Observation", "id": "1", "valueCodeableConcept": {"coding": [{"code": "A"}]}},
        {"resourceType": "Observation", "id": "2", "valueDateTime": "2024-01-02T03:04:05Z"},
        {"resourceType": "Observation", "id": "3", "valueBoolean": True},
        {"resourceType": "Observation", "id": "4", "valueInteger": 7},
    ]
    segments, _ = write_message(tables, "ADT_A01", records, PROFILE, version="2.3.1")
    found = [(segment[2], segment[5]) for segment in segments]
    assert found == [("CE", "A"), ("TS", "20240102030405+0000"), ("CE", "Y^^HL70136"), ("NM", "7")]
