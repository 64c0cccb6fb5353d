"""OML, ORM, OMP, RDE, RAS, RDS: orders, what was prescribed, given and dispensed."""

from decimal import Decimal

import pytest

from mappings import Mappings
from tests.mappings.talk import LAB, PATIENT, V2, documents, read
from tests.mappings.talk import again as rendered

LAB_ORDER = (
    "ORC|NW|P7^LAB||G1^LAB|||||20240302|||77^Kato^Ana",
    "TQ1|1||||||20240305080000+0300",
    "OBR|1|P7^LAB||57021-8^CBC^LN|R|20240305",
    "NTE|1||fasting",
    "DG1|1||B50^Malaria^I10",
    "OBX|1|ST|1^x^L||y||||||F",
    "SPM|1|S1&LAB||BLD",
    "ORC|NW|P8^LAB",
    "OBR|2|P8^LAB||2345-7^Glu^LN",
)
PRESCRIPTION = (
    "ORC|NW|P7^LAB|F7^LAB||IP||||20240302",
    "TQ1|1||BID|080000~200000||5^d|20240303||R||with food",
    "RXO|a1^Amox^L|250|500|mg^mg^UCUM|CAP^Capsule^L||||G||20|CAP|2",
    "RXR|PO^Oral^HL70162",
)


def test_a_laboratory_order(tables: Mappings) -> None:
    """Each order is a request with its reason, specimen and answers; TQ1 says more of the time than OBR-6."""
    changes, issues = read(tables, "OML^O21^OML_O21", PATIENT, *LAB_ORDER)
    assert issues == []
    first, second = documents(changes, "ServiceRequest")
    assert (first["status"], first["intent"], first["priority"]) == ("active", "order", "routine")
    assert (first["requisition"]["system"], first["requisition"]["value"]) == (LAB, "G1")
    assert first["occurrenceTiming"] == {"repeat": {"boundsPeriod": {"start": "2024-03-05T08:00:00+03:00"}}}
    assert "occurrenceDateTime" not in first
    assert first["note"] == [{"text": "fasting"}]
    assert first["reasonReference"] == [{"reference": "#Condition-1"}]
    assert first["supportingInfo"] == [{"reference": "#Observation-1"}]
    assert first["specimen"] == [{"reference": "#Specimen-1"}]
    assert "specimen" not in second


def test_the_group_of_an_order_is_a_pair_from_2_8_on(tables: Mappings) -> None:
    """ORC-4 is the placer's number, later a pair: a namespace must not become the filler's number."""
    for version, text, systems in (
        ("2.5.1", "G1^LAB", [("PLAC", LAB)]),
        ("2.8", "G1&LAB^H1&LAB", [("PLAC", LAB), ("FGN", LAB)]),
    ):
        changes, _ = read(tables, "OML^O21", PATIENT, f"ORC|NW|P7^LAB||{text}", version=version)
        (order,) = documents(changes, "ServiceRequest")
        assert order["requisition"]["value"] == "G1"
        assert [(i["type"]["coding"][0]["code"], i["system"]) for i in order["identifier"]] == systems


def test_orders_are_rendered_again(tables: Mappings) -> None:
    """What a laboratory needs of an order stands in the segments it stood in."""
    lines = rendered(tables, "OML^O21^OML_O21", PATIENT, *LAB_ORDER)
    assert [line[:3] for line in lines] == ["ORC", "TQ1", "OBR", "NTE", "DG1", "OBX", "SPM", "ORC", "OBR"]
    assert lines[2].startswith("OBR|1|P7^LAB||57021-8^CBC^LN|R")


@pytest.mark.parametrize("type_", ["OML^O21^OML_O21", "ORM^O01^ORM_O01", "ORU^R01^ORU_R01"])
def test_notes_before_and_behind_the_details(tables: Mappings, type_: str) -> None:
    """A note between ORC and OBR (from v2.9 on) is the order's, and opens no other one; all are written behind OBR."""
    lines = (
        "ORC|NW|P7^LAB",
        "NTE|1||call back",
        "OBR|1|P7^LAB||57021-8^CBC^LN",
        "NTE|1||fasting",
        "ORC|NW|P8^LAB",
        "OBR|2",
    )
    changes, issues = read(tables, type_, PATIENT, *lines)
    assert issues == []
    first, _ = documents(changes, "ServiceRequest")
    assert first["note"] == [{"text": "call back"}, {"text": "fasting"}]
    again = [line for line in rendered(tables, type_, PATIENT, *lines) if line[:3] in ("ORC", "OBR", "NTE")]
    assert [line[:3] for line in again] == ["ORC", "OBR", "NTE", "NTE", "ORC", "OBR"]


def test_an_order_of_medicines_is_a_prescription(tables: Mappings) -> None:
    """RXO with form and strength names a Medication; doses, route, times and refills are those of the order."""
    changes, issues = read(tables, "ORM^O01", PATIENT, *PRESCRIPTION)
    assert issues == []
    (order,) = documents(changes, "MedicationRequest")
    assert (order["status"], order["intent"]) == ("active", "original-order")
    (medication,) = order["contained"]
    assert order["medicationReference"] == {"reference": f"#{medication['id']}"}
    assert medication["form"]["coding"][0]["code"] == "CAP"
    (dosage,) = order["dosageInstruction"]
    (dose,) = dosage["doseAndRate"]
    assert dose["doseRange"]["high"]["value"] == Decimal(500)
    assert dosage["route"]["coding"][0]["code"] == "PO"
    assert dosage["timing"]["repeat"] == {
        "timeOfDay": ["08:00:00", "20:00:00"],
        "boundsPeriod": {"start": "2024-03-03", "end": "2024-03-08"},
    }
    assert dosage["text"] == "with food"
    assert order["dispenseRequest"] == {"quantity": {"value": Decimal(20), "unit": "CAP"}, "numberOfRepeatsAllowed": 2}
    assert order["substitution"]["allowedCodeableConcept"]["coding"][0]["system"] == f"{V2}0161"


def test_a_prescription_is_rendered_again(tables: Mappings) -> None:
    """The order reads the same after being written, bounds as start and end."""
    lines = rendered(tables, "RDE^O11", PATIENT, *PRESCRIPTION)
    assert lines[1] == "TQ1|1||BID|080000~200000|||20240303|20240308|R||with food"
    assert lines[2] == "RXO|a1^Amox^L|250|500|mg^mg^UCUM|CAP^Capsule^L||||G^^HL70161||20|CAP|2"


def test_an_encoded_order(tables: Mappings) -> None:
    """RXE alone is enough; its daily dose is a ratio per day."""
    changes, _ = read(tables, "RDE^O11", PATIENT, "ORC|DC|P7^LAB", "RXE||a1^Amox^L|1||tab||||||||||||||3^tab")
    (order,) = documents(changes, "MedicationRequest")
    assert order["status"] == "stopped"
    assert order["medicationCodeableConcept"]["coding"][0]["code"] == "a1"
    (dosage,) = order["dosageInstruction"]
    assert dosage["doseAndRate"][0]["doseQuantity"] == {"value": Decimal(1), "unit": "tab"}
    assert dosage["maxDosePerPeriod"] == {
        "numerator": {"value": Decimal(3), "unit": "tab"},
        "denominator": {"value": Decimal(1), "code": "d"},
    }


def test_doses_given_are_records_of_their_own(tables: Mappings) -> None:
    """Two RXA of one order are two administrations of it, told apart by their times."""
    given = (
        "ORC|RE|P7^LAB",
        "RXA|0|1|20240303080000|20240303080500|a1^Amox^L|250|mg|||5^Nurse^N",
        "RXR|PO^Oral^HL70162",
        "RXA|0|2|20240303200000||a1^Amox^L|250|mg|||||||||||||CP|D",
    )
    changes, issues = read(tables, "RAS^O17", PATIENT, *given)
    assert issues == []
    first, second = documents(changes, "MedicationAdministration")
    assert first["request"] == second["request"] == {"reference": "#MedicationRequest-1"}
    assert first["dosage"]["dose"] == {"value": Decimal(250), "unit": "mg"}
    assert first["dosage"]["route"]["coding"][0]["code"] == "PO"
    assert (first["status"], second["status"]) == ("completed", "entered-in-error")
    keys = {c.match for c in changes if c.type == "MedicationAdministration"}
    assert len(keys) == 2


def test_what_was_dispensed(tables: Mappings) -> None:
    """RXD makes a dispense of the prescription."""
    changes, _ = read(tables, "RDS^O13", PATIENT, "ORC|RE|P7^LAB", "RXD|1|a1^Amox^L|20240303|20|CAP||77")
    (dispense,) = documents(changes, "MedicationDispense")
    assert dispense["quantity"] == {"value": Decimal(20), "unit": "CAP"}
    assert dispense["whenHandedOver"] == "2024-03-03"
    assert dispense["authorizingPrescription"] == [{"reference": "#MedicationRequest-1"}]


def test_participants_behind_the_order_do_not_part_it(tables: Mappings) -> None:
    """A PRT behind ORC, RXO or RXE stays with its order (2.7 on): there is one prescription."""
    person = "PRT||AD||AD^Admitting^HL70912|7^Kato"
    changes, _ = read(
        tables, "RDE^O11", PATIENT, PRESCRIPTION[0], person, *PRESCRIPTION[1:3], person, "RXE||a1^Amox^L|1"
    )
    assert len(documents(changes, "MedicationRequest")) == 1
    changes, _ = read(tables, "OML^O21", PATIENT, LAB_ORDER[0], person, *LAB_ORDER[1:3])
    assert len(documents(changes, "ServiceRequest")) == 1
