"""SIU: appointments, their resources, and the orders that they serve."""

import pytest

from mappings import Mappings
from tests.mappings.talk import LAB, PATIENT, V2, documents, read
from tests.mappings.talk import again as rendered

SCHEDULED = (
    "SCH|P1^LAB|F1^LAB|||||FOLLOWUP^Follow up^HL70276|Normal^^HL70277|30|min|^^^20240310090000+0300^20240310093000+0300"
    "|77^Kato^Ana||||88^Lee^Bo||||99^Clerk^Cy|||||Booked|O1^LAB"
)
BOOKED = (
    SCHEDULED,
    "NTE|1||bring the card",
    PATIENT,
    "PV1|1|O",
    "AIS|1||57021-8^CBC^LN",
    "AIG|1||XR1^X-ray^99R|ROOM",
    "AIL|1||WARD^1^2",
    "AIP|1||55^Doc^Al|SURG||20240310090000+0300|||30|min||Booked",
)


def test_an_appointment_has_its_times_reasons_and_participants(tables: Mappings) -> None:
    """SCH, AIS and the resources make one Appointment; the patient and the contacts are participants, too."""
    changes, issues = read(tables, "SIU^S12^SIU_S12", *BOOKED)
    assert issues == []
    (appointment,) = documents(changes, "Appointment")
    assert appointment["status"] == "booked"
    assert (appointment["start"], appointment["minutesDuration"]) == ("2024-03-10T09:00:00+03:00", 30)
    assert appointment["reasonCode"][0]["coding"][0] == {
        "system": f"{V2}0276",
        "code": "FOLLOWUP",
        "display": "Follow up",
    }
    actors = [p.get("actor", {}).get("reference", "").split("-")[0] for p in appointment["participant"]]
    assert actors == ["#Practitioner"] * 3 + ["#Device", "#Location", "#Practitioner", "#Patient"]
    surgeon = appointment["participant"][5]
    assert surgeon["period"] == {"start": "2024-03-10T09:00:00+03:00", "end": "2024-03-10T09:30:00+03:00"}
    assert surgeon["status"] == "accepted"
    note = [e for e in appointment["extension"] if e["url"].endswith("Appointment.note")]
    assert note[0]["valueAnnotation"] == {"text": "bring the card"}


def test_the_order_behind_an_appointment(tables: Mappings) -> None:
    """SCH-26 makes the request that the appointment is based on; without a number there is none."""
    changes, _ = read(tables, "SIU^S12", *BOOKED)
    (order,) = documents(changes, "ServiceRequest")
    assert order["identifier"][0]["value"] == "O1"
    assert order["code"]["coding"][0]["code"] == "57021-8"
    assert order["subject"] == {"reference": "#Patient-1"}
    assert documents(changes, "Appointment")[0]["basedOn"] == [{"reference": "#ServiceRequest-1"}]
    changes, _ = read(tables, "SIU^S12", "SCH|P1^LAB||||||||||||||||||||||||Booked", PATIENT)
    assert documents(changes, "ServiceRequest") == []


@pytest.mark.parametrize(
    ("event", "said", "status"),
    [
        ("S12", "", "booked"),
        ("S14", "", "proposed"),
        ("S15", "", "cancelled"),
        ("S17", "", "entered-in-error"),
        ("S26", "", "noshow"),
        ("S14", "Complete", "fulfilled"),
    ],
)
def test_the_event_tells_a_status_that_the_message_does_not(
    tables: Mappings, event: str, said: str, status: str
) -> None:
    """SCH-25 counts first; a modification without it leaves the stored status."""
    changes, _ = read(tables, f"SIU^{event}", f"SCH|P1^LAB||||x||||||||||||||||||||{said}", PATIENT)
    assert documents(changes, "Appointment")[0]["status"] == status


def test_appointments_are_found_by_both_numbers(tables: Mappings) -> None:
    """The placer's number, else the filler's, names the appointment."""
    changes, _ = read(tables, "SIU^S14", "SCH|P1^LAB|F1^LAB", PATIENT)
    (match,) = [change.match for change in changes if change.type == "Appointment"]
    assert match == (f"identifier={LAB}|P1", f"identifier={LAB}|F1")


def test_an_appointment_is_rendered_again(tables: Mappings) -> None:
    """Each participant goes to the segment of its kind, and to no other."""
    assert rendered(tables, "SIU^S12^SIU_S12", *BOOKED) == [line for line in BOOKED if line != PATIENT]
