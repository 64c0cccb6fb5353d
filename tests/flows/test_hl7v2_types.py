"""What messages of each type and trigger leave in the database: snapshots, cancelled events, results taken back."""

from collections.abc import Callable

import pytest

from hub.runtime import Runtime
from tests.flows.test_hl7v2 import Send, found, send  # noqa: F401 - `send` is a fixture
from tracker_core.database import transaction

PERSON = "PID|1||P7^^^HC^MR||Doe^Jane||19900101|F"
VISIT = "PV1|1|I|WARD^1^2||||||||||||||||V7^^^HC"
Say = Callable[..., None]


@pytest.fixture
def say(send: Send) -> Say:  # noqa: F811 - the fixture
    """A function that sends a message of a type made of segments, and asserts that it was applied."""
    numbers = iter(range(100))

    def saying(type_: str, *segments: str) -> None:
        number = next(numbers)
        header = f"MSH|^~\\&|HIS|KIVU|||202603050810{number:02}+0200||{type_}|T{number}|P|2.5.1"
        assert send("\r".join([header, *segments, ""]).encode()) == "AA"

    return saying


def test_an_allergy_that_a_snapshot_no_longer_names_is_taken_back(runtime: Runtime, say: Say) -> None:
    """A08 replaces the list of AL1; told again it is true again; no AL1 at all is no change; nulls empty it."""

    def told() -> dict[str, str]:
        judged = {a["code"]["coding"][0]["code"]: a for a in found(runtime, "AllergyIntolerance")}
        return {
            code: a.get("verificationStatus", {}).get("coding", [{}])[0].get("code", "") for code, a in judged.items()
        }

    say("ADT^A01", PERSON, VISIT, "AL1|1|DA|PEN^Penicillin", "AL1|2|FA|NUT^Nuts")
    say("ADT^A08", PERSON, VISIT, "AL1|1|FA|NUT^Nuts")
    assert told() == {"PEN": "entered-in-error", "NUT": ""}
    say("ADT^A08", PERSON, VISIT)
    assert told() == {"PEN": "entered-in-error", "NUT": ""}
    say("ADT^A31", PERSON, "AL1|1|DA|PEN^Penicillin", "AL1|2|FA|NUT^Nuts")
    assert told() == {"PEN": "", "NUT": ""}
    say("ADT^A31", PERSON, 'AL1|1|""|""')
    assert told() == {"PEN": "entered-in-error", "NUT": "entered-in-error"}


def test_an_action_code_touches_its_own_allergy_only(runtime: Runtime, say: Say) -> None:
    """IAM-6 D takes back one allergy, A adds one: the others stay (A60)."""
    say("ADT^A60", PERSON, "IAM|1|DA|PEN^Penicillin|||A|1^HC", "IAM|2|FA|NUT^Nuts|||A|2^HC")
    say("ADT^A60", PERSON, "IAM|1|DA|PEN^Penicillin|||D|1^HC")
    by_code = {a["code"]["coding"][0]["code"]: a for a in found(runtime, "AllergyIntolerance")}
    assert by_code["PEN"]["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in by_code["PEN"]
    assert "verificationStatus" not in by_code["NUT"]


def test_relatives_and_guarantors_are_lists_of_their_own(runtime: Runtime, say: Say) -> None:
    """A list of next of kin says nothing of who pays; who is left out of either is no longer active."""
    say("ADT^A28", PERSON, "NK1|1|Doe^John|SPO", "NK1|2|Doe^Ann|CHD", "GT1|1||Roe^Rich||||||||SPO")
    say("ADT^A31", PERSON, "NK1|1|Doe^Ann|CHD")
    names = {p["name"][0]["given"][0]: p.get("active", True) for p in found(runtime, "RelatedPerson")}
    assert names == {"John": False, "Ann": True, "Rich": True}


def test_insurances_are_a_list(runtime: Runtime, say: Say) -> None:
    """IN1 that an update leaves out is a coverage that no longer holds."""
    say("ADT^A28", PERSON, "IN1|1|A^Plan A|77|Acme", "IN1|2|B^Plan B|88|Best")
    say("ADT^A31", PERSON, "IN1|1|B^Plan B|88|Best")
    statuses = {c["identifier"][0]["value"]: c["status"] for c in found(runtime, "Coverage")}
    assert statuses == {"A": "entered-in-error", "B": "active"}


@pytest.mark.parametrize(
    ("event", "status"),
    [("A11", "cancelled"), ("A23", "entered-in-error"), ("A13", "in-progress"), ("A12", "in-progress")],
)
def test_cancelled_events(runtime: Runtime, say: Say, event: str, status: str) -> None:
    """Admission, visit, discharge and transfer taken back: each leaves the visit as it is then."""
    say("ADT^A01", PERSON, VISIT)
    say("ADT^A03", PERSON, VISIT + "|" * 26 + "20260309")
    say(f"ADT^{event}", PERSON, VISIT)
    (visit,) = found(runtime, "Encounter")
    assert visit["status"] == status
    assert ("end" in visit.get("period", {})) is (event != "A13")


@pytest.mark.parametrize(("code", "status"), [("C", "corrected"), ("D", "entered-in-error"), ("X", "cancelled")])
def test_a_result_is_corrected_or_taken_back_in_place(runtime: Runtime, say: Say, code: str, status: str) -> None:
    """OBX-11 and OBR-25 change the result and the report that are there; the values of other results stay."""
    report, other = "OBR|1||F7^HC|57021-8^CBC^LN|||20260305|||||||||||||||||{}", "OBX|2|NM|789-8^RBC^LN||4.1||||||F"
    say("ORU^R01", PERSON, report.format("|F"), "OBX|1|NM|718-7^Hb^LN||5.0|g/dL|||||F", other)
    value = "5.4" if code == "C" else ""
    say("ORU^R01", PERSON, report.format(f"|{code}"), f"OBX|1|NM|718-7^Hb^LN||{value}|g/dL|||||{code}", other)
    results = {o["code"]["coding"][0]["code"]: o for o in found(runtime, "Observation")}
    assert results["718-7"]["status"] == status
    assert results["718-7"]["valueQuantity"]["value"] == (5.4 if code == "C" else 5.0)
    assert results["789-8"]["status"] == "final"
    assert [r["status"] for r in found(runtime, "DiagnosticReport")] == [{"D": "final"}.get(code, status)]


def test_appointments_change_in_place(runtime: Runtime, say: Say) -> None:
    """Booked, moved and cancelled: one appointment, with the patient's own record behind it."""
    slot = "SCH|A7^HC||||||||||^^^{}|||||||||||||||{}"
    say("SIU^S12", slot.format("20260310090000", "Booked"), PERSON, "AIL|1||ROOM^1")
    say("SIU^S13", slot.format("20260311090000", "Booked"), PERSON, "AIL|1||ROOM^1")
    say("SIU^S15", slot.format("20260311090000", ""), PERSON)
    (appointment,) = found(runtime, "Appointment")
    assert (appointment["start"], appointment["status"]) == ("2026-03-11T09:00:00+02:00", "cancelled")
    (patient,) = found(runtime, "Patient")
    actors = [p["actor"]["reference"] for p in appointment["participant"]]
    assert f"Patient/{patient['id']}" in actors


def test_each_dose_given_is_kept(runtime: Runtime, say: Say) -> None:
    """Two administrations of one order are two records, and the same dose told twice is one."""
    dose = "RXA|0|1|20260305{}0000||a1^Amox^L|250|mg"
    say("RDE^O11", PERSON, "ORC|NW|P7^HC", "RXE||a1^Amox^L|250||mg")
    say("RAS^O17", PERSON, "ORC|RE|P7^HC", dose.format("08"))
    say("RAS^O17", PERSON, "ORC|RE|P7^HC", dose.format("08"), dose.format("20"))
    assert len(found(runtime, "MedicationAdministration")) == 2
    (order,) = found(runtime, "MedicationRequest")
    assert order["status"] == "active"
    with transaction(runtime.pool) as session:
        assert session.execute("select count(distinct subject) from record where subject is not null").fetchone() == (
            1,
        )


def test_a_master_file_needs_no_patient(runtime: Runtime, say: Say) -> None:
    """Staff told by MFN^M02 is the practitioner that later messages name."""
    say("MFN^M02", "MFI|PRA||UPD|||NE", "MFE|MAD|||77^^L|CWE", "STF|77^^L|77^^^HC|Kato^Ana|||19800101|A")
    say("ADT^A01", PERSON, VISIT.replace("||||||||||||||||V7", "||||77^Kato^Ana^^^^^^HC||||||||||||V7"))
    (person,) = found(runtime, "Practitioner")
    assert person["birthDate"] == "1980-01-01"
