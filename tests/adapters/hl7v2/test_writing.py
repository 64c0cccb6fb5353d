"""Records to messages for a peer."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.contract import Envelope, Sender, View
from adapters.hl7v2 import ADAPTER
from mappings import er7
from mappings.er7 import Message
from tracker_core.context import Peer
from tracker_core.errors import Unsupported

WHEN = datetime(2026, 3, 5, 8, 0, 0, tzinfo=UTC)
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:nid", "value": "NID-1"}],
    "name": [{"family": "Mbeki", "given": ["Élodie"]}],
    "gender": "female",
}
OTHER = {"resourceType": "Patient", "id": "p2", "identifier": [{"system": "urn:lab", "value": "L-9"}]}
NEWER = {
    "resourceType": "Encounter",
    "id": "e2",
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "identifier": [{"system": "urn:visit", "value": "V-2"}],
    "subject": {"reference": "Patient/p2"},
}
OLDER = {**NEWER, "id": "e1", "identifier": [{"system": "urn:visit", "value": "V-1"}]}


def condition(code: str, encounter: str = "") -> dict[str, Any]:
    """A diagnosis, of a visit or of none."""
    made = {
        "resourceType": "Condition",
        "id": code,
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]},
        "subject": {"reference": "Patient/p1"},
    }
    return {**made, "encounter": {"reference": f"Encounter/{encounter}"}} if encounter else made


def observation(id: str, value: str) -> dict[str, Any]:
    """A weight."""
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Weight"}]},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e2"},
        "effectiveDateTime": "2026-03-05T09:00:00+02:00",
        "valueQuantity": {"value": Decimal(value), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def sender(**settings: Any) -> Sender:
    """A peer with these settings."""
    return Sender(Peer(1, "LAB|KIVU", "Lab", "hl7v2", None, settings), WHEN)


def written(kind: str, type: str, *documents: dict[str, Any], **settings: Any) -> Message:
    """The message of these documents, rendered and parsed again."""
    assert ADAPTER.write is not None
    assert ADAPTER.render is not None
    to = sender(**settings)
    raw = ADAPTER.render(ADAPTER.write(View(kind, type, list(documents)), to, "TH7"), to)
    codec = "iso8859-1" if settings.get("charset") == "8859/1" else "utf-8"
    return er7.parse(raw.decode(codec), codec)


def test_an_update_names_both_sides_and_the_person() -> None:
    """ADT^A08 has the header of the profile, the event, the person, and a PV1 even without a visit."""
    message = written("person", "ADT^A08", PATIENT)
    header = message.segments[0]
    assert header[3:7] == ["TRACKER-HUB", "", "LAB", "KIVU"]
    assert header[7:] == ["20260305080000+0000", "", "ADT^A08^ADT_A01", "TH7", "P", "2.5.1", *[""] * 5, "UNICODE UTF-8"]
    assert message.segments[1] == ["EVN", "A08", "20260305080000+0000"]
    assert [segment[0] for segment in message.segments] == ["MSH", "EVN", "PID", "PV1"]
    assert message.segments[2][5] == "Mbeki^Élodie"
    assert message.segments[3] == ["PV1", "1", "N"]


def test_the_profile_of_the_peer_is_kept() -> None:
    """Version, charset, zone, names of both sides and acknowledgement conditions come from the settings."""
    message = written(
        "person",
        "ADT^A31",
        PATIENT,
        version="2.4",
        charset="8859/1",
        zone="Africa/Lubumbashi",
        own_application="HUB|1",
        application="HIS",
        facility="F",
        processing="T",
        accept_ack="AL",
        application_ack="NE",
    )
    header = message.segments[0]
    assert header[3:8] == ["HUB\\F\\1", "", "HIS", "F", "20260305100000+0200"]
    assert header[9:19] == ["ADT^A31^ADT_A05", "TH7", "T", "2.4", "", "", "AL", "NE", "", "8859/1"]
    assert message.segments[2][5] == "Mbeki^Élodie"


def test_a_person_of_several_sources_is_one_patient_with_all_identifiers() -> None:
    """The first Patient record stands for the person, and the visit of the other source is theirs."""
    message = written("person", "ADT^A08", PATIENT, OTHER, NEWER)
    (pid,) = message.all("PID")
    numbers = [repetition[0][0] for repetition in er7.split_field(pid[3], message.encoding)]
    assert numbers == ["NID-1", "L-9"]
    assert er7.value(message.first("PV1"), message.encoding, 19) == "V-2"
    assert OTHER["id"] == "p2"
    assert NEWER["subject"] == {"reference": "Patient/p2"}


def test_an_update_tells_the_newest_visit_only() -> None:
    """Diagnoses of other visits and results are left out; those of no visit stay."""
    told = [NEWER, OLDER, condition("B54", "e2"), condition("A15", "e1"), condition("J45"), observation("o1", "61.5")]
    message = written("person", "ADT^A08", PATIENT, *told)
    assert er7.value(message.first("PV1"), message.encoding, 19) == "V-2"
    codes = [er7.value(segment, message.encoding, 3) for segment in message.all("DG1")]
    assert codes == ["B54", "J45"]
    assert message.all("OBX") == []


def test_a_single_result_is_sent_in_an_order_of_its_own() -> None:
    """An Observation that no report lists gets an OBR that says what it says."""
    message = written(
        "record", "ORU^R01", observation("o1", "61.50"), PATIENT, {**NEWER, "subject": {"reference": "Patient/p1"}}
    )
    names = [segment[0] for segment in message.segments if segment[0] != "ORC"]
    assert names == ["MSH", "PID", "PV1", "OBR", "OBX"]
    obr, obx = message.segments[-2:]
    assert obr[4] == obx[3] == "29463-7^Weight^LN"
    assert obx[5] == "61.50"
    assert er7.get(obr, 25) == "F"


def test_a_report_is_sent_with_its_results() -> None:
    """Results that a report lists stand below its OBR, and nowhere else."""
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]},
        "identifier": [{"system": "urn:lab", "value": "88"}],
        "subject": {"reference": "Patient/p1"},
        "result": [{"reference": "Observation/o1"}, {"reference": "Observation/o2"}],
    }
    message = written("record", "", report, PATIENT, observation("o1", "1.0"), observation("o2", "2.0"))
    assert er7.value(message.segments[0], message.encoding, 9) == "ORU"
    assert len(message.all("OBR")) == 1
    assert [segment[5] for segment in message.all("OBX")] == ["1.0", "2.0"]
    assert all(order[1] == "RE" for order in message.all("ORC"))
    assert er7.value(message.first("OBR"), message.encoding, 3) == "88"


def test_without_a_type_the_records_decide() -> None:
    """A person without results is an update, with results an ORU."""
    assert er7.value(written("person", "", PATIENT).segments[0], er7.Encoding(), 9) == "ADT"
    assert er7.value(written("person", "", PATIENT, observation("o", "1")).segments[0], er7.Encoding(), 9) == "ORU"


@pytest.mark.parametrize(
    ("type", "documents"),
    [("MFN^M02", [PATIENT]), ("ADT^A08", []), ("ORU^R01", [observation("o1", "1")]), ("", [])],
)
def test_what_cannot_be_said_is_unsupported(type: str, documents: list[dict[str, Any]]) -> None:
    """Another type, or records without a patient, are refused before anything is sent."""
    with pytest.raises(Unsupported):
        written("record", type, *documents)


def test_what_was_sent_is_read_back() -> None:
    """Our own message, read by another hub, gives the same patient."""
    message = written("person", "ADT^A08", PATIENT, NEWER)
    reading = ADAPTER.read(ADAPTER.parse(er7.render(message).encode(), Envelope()), sender())
    (patient,) = (change.document for change in reading.changes.records if change.type == "Patient")
    assert isinstance(patient, dict)
    assert patient["name"] == PATIENT["name"]
    assert patient["gender"] == "female"
    assert reading.issues == []
