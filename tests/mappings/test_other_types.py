"""Specimen results, problems, goals, charges, accounts and master files."""

from decimal import Decimal

import pytest

from mappings import Mappings
from tests.mappings.talk import LAB, PATIENT, documents, read
from tests.mappings.talk import again as rendered

CULTURE = (
    "SPM|1|S1&LAB||BLD^Blood^HL70487",
    "OBR|1||F9^LAB|600-7^Culture^LN|||20240302070000+0300",
    "ORC|RE|P9^LAB",
    "OBX|1|CWE|600-7^Culture^LN||ECO^E. coli^L||||||F",
)


@pytest.mark.parametrize("event", ["R22", "R23"])
def test_results_of_a_specimen(tables: Mappings, event: str) -> None:
    """OUL^R22 and R23 begin with the specimen: report and results are of it."""
    changes, issues = read(tables, f"OUL^{event}", PATIENT, *CULTURE)
    assert issues == []
    (report,) = documents(changes, "DiagnosticReport")
    assert report["specimen"] == [{"reference": "#Specimen-1"}]
    assert report["basedOn"] == [{"reference": "#ServiceRequest-1"}]
    (result,) = documents(changes, "Observation")
    assert result["specimen"] == {"reference": "#Specimen-1"}
    assert report["result"] == [{"reference": "#Observation-1"}]
    numbers = {i["value"] for i in documents(changes, "ServiceRequest")[0]["identifier"]}
    assert numbers == {"F9", "P9"}


def test_results_of_an_order_with_specimens(tables: Mappings) -> None:
    """OUL^R24 begins with the order; an ORC behind an OBR belongs to it."""
    changes, _ = read(tables, "OUL^R24", PATIENT, *CULTURE[1:], CULTURE[0])
    (report,) = documents(changes, "DiagnosticReport")
    assert report["specimen"] == [{"reference": "#Specimen-1"}]
    assert rendered(tables, "OUL^R24", PATIENT, *CULTURE[1:], CULTURE[0])[0].startswith("OBR|1|P9^LAB|F9^LAB")


def test_a_specimen_in_the_order_itself(tables: Mappings) -> None:
    """Before SPM, OBR-15 told of the specimen; without it OBR-7 makes none."""
    old = "OBR|1||F9^LAB|600-7^Culture^LN|||20240302070000+0300||10^ml|||||20240302080000+0300|BLD&Blood&HL70070^^^ARM"
    changes, _ = read(tables, "ORU^R01", PATIENT, old, "OBX|1|ST|1^a^L||x||||||F")
    (specimen,) = documents(changes, "Specimen")
    assert specimen["collection"]["collectedDateTime"] == "2024-03-02T07:00:00+03:00"
    assert specimen["collection"]["quantity"] == {"value": Decimal(10), "unit": "ml"}
    assert specimen["receivedTime"] == "2024-03-02T08:00:00+03:00"
    assert specimen["type"]["coding"][0]["code"] == "BLD"
    changes, _ = read(tables, "ORU^R01", PATIENT, CULTURE[1], "OBX|1|ST|1^a^L||x||||||F")
    assert documents(changes, "Specimen") == []


def test_problems_and_their_goals(tables: Mappings) -> None:
    """A problem has a number, dates and its goals; PRB-1 DE takes it back."""
    told = (
        "PRB|{}|20240302|E11^Diabetes^I10|B1^LAB|||20240301|||||||||20200101",
        "NTE|1||diet first",
        "GOL|AD|20240302|HBA1C^HbA1c below 7^L|G1^LAB|||20240302|20240901",
    )
    changes, issues = read(tables, "PPR^PC1", PATIENT, told[0].format("AD"), *told[1:])
    assert issues == []
    (problem,) = documents(changes, "Condition")
    assert problem["identifier"] == [{"system": LAB, "value": "B1"}]
    assert (problem["onsetDateTime"], problem["recordedDate"]) == ("2020-01-01", "2024-03-01")
    assert problem["category"][0]["coding"][0]["code"] == "problem-list-item"
    assert problem["note"] == [{"text": "diet first"}]
    (goal,) = documents(changes, "Goal")
    assert goal["addresses"] == [{"reference": "#Condition-1"}]
    assert (goal["startDate"], goal["target"]) == ("2024-03-02", [{"dueDate": "2024-09-01"}])
    changes, _ = read(tables, "PPR^PC3", PATIENT, told[0].format("DE"))
    (gone,) = documents(changes, "Condition")
    assert gone["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert gone["clinicalStatus"] is None


def test_a_goal_with_its_problems(tables: Mappings) -> None:
    """PGL begins with the goal."""
    changes, _ = read(tables, "PGL^PC6", PATIENT, "GOL|AD|20240302|G^Walk^L|G1^LAB", "PRB|AD|20240302|E11^^I10|B1^LAB")
    (goal,) = documents(changes, "Goal")
    assert goal["addresses"] == [{"reference": "#Condition-1"}]


def test_charges(tables: Mappings) -> None:
    """FT1 is a charge with its code, amount, price and who did what; the procedure is the service."""
    charge = "FT1|1|T1||20240302|20240303|CG|X1^Visit^L|||2||30.50&USD||||||||77^Kato^Ana"
    changes, issues = read(tables, "DFT^P03", PATIENT, "PV1|1|O", charge, "PR1|1||P1^Lavage^L||20240302080000+0300||45")
    assert issues == []
    (item,) = documents(changes, "ChargeItem")
    assert (item["status"], item["occurrenceDateTime"], item["enteredDate"]) == ("billable", "2024-03-02", "2024-03-03")
    assert item["quantity"] == {"value": Decimal(2)}
    assert item["priceOverride"] == {"value": Decimal("30.50"), "currency": "USD"}
    assert item["service"] == [{"reference": "#Procedure-1"}]
    (procedure,) = documents(changes, "Procedure")
    period = {"start": "2024-03-02T08:00:00+03:00", "end": "2024-03-02T08:45:00+03:00"}
    assert procedure["performedPeriod"] == period
    lines = rendered(tables, "DFT^P03", PATIENT, "PV1|1|O", charge, "PR1|1||P1^Lavage^L||20240302080000+0300||45")
    assert lines[1].startswith("FT1|1|T1||20240302|20240303|CG|X1^Visit^L|||2||30.50&USD")
    assert lines[2] == "PR1|1||P1^Lavage^L||20240302080000+0300||45"


def test_an_account_with_what_is_billed(tables: Mappings) -> None:
    """BAR^P01 tells visit, diagnoses, guarantor and insurer; the insurer's fields make one organisation."""
    insured = "IN1|1|PLAN^Plan|77^^^LAB|Acme^^^^^LAB|1 Street^^Town||555-1|||G9^^^LAB^SN|Factory"
    changes, issues = read(tables, "BAR^P01", PATIENT, "PV1|1|O", "DG1|1||B50^Malaria^I10", "GT1|1||Roe^R", insured)
    assert issues == []
    (coverage,) = documents(changes, "Coverage")
    organisations = {o["identifier"][0]["value"]: o for o in documents(changes, "Organization")}
    assert organisations["77"]["name"] == "Acme"
    assert organisations["77"]["address"][0]["city"] == "Town"
    assert organisations["77"]["telecom"][0]["value"] == "555-1"
    assert organisations["G9"]["name"] == "Factory"
    assert coverage["policyHolder"]["reference"].startswith("#Organization")
    guarantor = next(p for p in documents(changes, "RelatedPerson") if p["name"][0]["family"] == "Roe")
    assert guarantor["relationship"][0]["coding"][0]["code"] == "GUAR"
    assert any(line.startswith("GT1") for line in rendered(tables, "BAR^P01", PATIENT, "PV1|1|O", "GT1|1||Roe^R"))


def test_staff_of_a_master_file(tables: Mappings) -> None:
    """MFN^M02: a member of staff with numbers, licence and contact; deactivated, no longer active."""
    staff = (
        "MFI|PRA||UPD|||NE",
        "MFE|MAD|||77^^L|CWE",
        "STF|77^^L|N9^^^LAB^NI|Kato^Ana|P|F|19800101|A|||555-2",
        "PRA|77^^L|||||L8^MD",
    )
    changes, issues = read(tables, "MFN^M02", *staff)
    assert issues == []
    (person,) = documents(changes, "Practitioner")
    assert [i["value"] for i in person["identifier"]] == ["77", "N9", "L8"]
    assert (person["gender"], person["active"], person["birthDate"]) == ("female", True, "1980-01-01")
    changes, _ = read(tables, "MFN^M02", "MFE|MDC|||77^^L|CWE")
    (person,) = documents(changes, "Practitioner")
    assert person == {"resourceType": "Practitioner", "active": False, "identifier": person["identifier"]}


def test_places_of_a_master_file(tables: Mappings) -> None:
    """MFN^M05: a place is found again by the path that PV1-3 names it by."""
    changes, issues = read(tables, "MFN^M05", "MFE|MAD|||WARD^1^2|PL", "LOC|WARD^1^2|East bed|N^Unit^HL70260")
    assert issues == []
    (place,) = documents(changes, "Location")
    assert (place["name"], place["description"], place["status"]) == ("2", "East bed", "active")
    visit, _ = read(tables, "ADT^A01", PATIENT, "PV1|1|I|WARD^1^2")
    assert documents(visit, "Location")[0]["identifier"] == place["identifier"]


def test_a_living_will_and_who_took_part(tables: Mappings) -> None:
    """PD1-7 is an observation of its own; ROL names a participant of the visit; IAM-14 who told of an allergy."""
    changes, issues = read(
        tables,
        "ADT^A01",
        PATIENT,
        "PD1|||||||Y",
        "PV1|1|I",
        "ROL||AD|CP^Consulting^L|77^Kato^Ana|20240302",
        "IAM|1|DA|PEN^Penicillin|||A||||||||Doe^Mary",
    )
    assert issues == []
    (will,) = documents(changes, "Observation")
    assert will["code"]["coding"][0]["code"] == "75320-2"
    assert will["valueCodeableConcept"]["coding"][0]["code"] == "Y"
    (participant,) = documents(changes, "Encounter")[0]["participant"]
    assert participant["individual"] == {"reference": "#Practitioner-1"}
    assert participant["period"] == {"start": "2024-03-02"}
    (allergy,) = documents(changes, "AllergyIntolerance")
    assert allergy["contained"][0]["name"] == [{"family": "Doe", "given": ["Mary"]}]


def test_susceptibilities_belong_to_their_organism(tables: Mappings) -> None:
    """OBR-26 names the result that a report goes on from: its results become members of that one."""
    changes, issues = read(
        tables,
        "ORU^R01",
        PATIENT,
        "OBR|1||F1^LAB|600-7^Culture^LN",
        "OBX|1|CWE|600-7^Culture^LN|1|ECO^E. coli^L||||||F",
        "OBX|2|CWE|600-7^Culture^LN|2|SAU^S. aureus^L||||||F",
        "OBR|2||F2^LAB|29576-6^Susceptibility^LN" + "|" * 22 + "600-7&Culture&LN^2|||^F1&LAB",
        "OBX|1|ST|18862-3^Amoxicillin^LN||S||||||F",
    )
    assert issues == []
    first, second, child = documents(changes, "Observation")
    assert "hasMember" not in first
    assert second["hasMember"] == [{"reference": "#Observation-3"}]
    assert child["valueString"] == "S"
    parent = documents(changes, "ServiceRequest")[1]["basedOn"]
    assert parent == [{"identifier": {"system": LAB, "value": "F1"}, "type": "ServiceRequest"}]
