"""`$summary` over HTTP: what each section holds, what is said where nothing is known, and that all of it resolves."""

from typing import Any

import httpx

from tracker_core.profiles import Library, World, validate
from tracker_core.records import documents

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
REQUIRED = {"48765-2", "10160-0", "11450-4"}


def put(client: httpx.Client, type_: str, id: str, **parts: Any) -> None:
    """Store a record."""
    client.put(f"/{type_}/{id}", json={"resourceType": type_, "id": id, **parts}).raise_for_status()


def patient(client: httpx.Client, id: str = "ada", **parts: Any) -> None:
    """Store a patient."""
    given = {"name": [{"family": "Obi", "given": ["Ada"]}], "birthDate": "1990-05-04", "gender": "female"}
    put(client, "Patient", id, **{**given, **parts})


def concept(code: str, text: str, system: str = "urn:codes") -> dict[str, Any]:
    """A concept of one coding."""
    return {"coding": [{"system": system, "code": code}], "text": text}


def observed(
    client: httpx.Client, id: str, code: str, date: str, value: int, category: str = "vital-signs", **parts: Any
) -> None:
    """Store an observation of a patient."""
    put(
        client, "Observation", id,
        **{
            "status": "final", "category": [concept(category, category, CATEGORY)], "code": concept(code, code, LOINC),
            "subject": {"reference": "Patient/ada"}, "effectiveDateTime": date,
            "valueQuantity": {"value": value, "unit": "kg"}, **parts,
        },
    )  # fmt: skip


def summary(client: httpx.Client, path: str = "/Patient/ada/$summary", **query: str) -> dict[str, Any]:
    """The document."""
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    document = documents.decode(answer.content)
    wrong = [one for one in validate(World(Library()), [document])[0] if one.severity == "error"]
    assert wrong == []
    return document


def sections(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The sections by their LOINC code."""
    return {one["code"]["coding"][0]["code"]: one for one in document["entry"][0]["resource"]["section"]}


def references(document: dict[str, Any], code: str) -> list[str]:
    """What a section refers to."""
    return [one["reference"] for one in sections(document)[code].get("entry", [])]


def test_a_patient_of_whom_nothing_is_known(client: httpx.Client) -> None:
    """The required sections are there and say that nothing is available."""
    patient(client)
    document = summary(client)
    found = sections(document)
    assert set(found) == REQUIRED
    assert {one["emptyReason"]["coding"][0]["code"] for one in found.values()} == {"unavailable"}
    assert all("No information is available" in one["text"]["div"] for one in found.values())
    composition = document["entry"][0]["resource"]
    assert composition["type"]["coding"][0]["code"] == "60591-5"
    assert composition["subject"] == {"reference": "Patient/ada"}
    assert document["identifier"]["value"].startswith("urn:uuid:")


def test_what_was_asked_and_is_not_there(client: httpx.Client) -> None:
    """A List that says that nothing is known makes the section say so."""
    patient(client)
    reason = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/list-empty-reason", "code": "nilknown"}]}
    put(client, "List", "none", status="current", mode="snapshot", code=concept("48765-2", "Allergies", LOINC),
        subject={"reference": "Patient/ada"}, emptyReason=reason)  # fmt: skip
    found = sections(summary(client))
    assert found["48765-2"]["emptyReason"] == reason
    assert "this was asked" in found["48765-2"]["text"]["div"]
    assert found["11450-4"]["emptyReason"]["coding"][0]["code"] == "unavailable"


def test_each_section_holds_its_records(client: httpx.Client) -> None:
    """Allergies, medications, problems now and past, immunizations, procedures, plans, alerts, directives."""
    patient(client)
    subject = {"subject": {"reference": "Patient/ada"}}
    of_patient = {"patient": {"reference": "Patient/ada"}}
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    over = {"coding": [{"system": active["coding"][0]["system"], "code": "resolved"}]}
    known = concept("active", "active", "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical")
    put(client, "AllergyIntolerance", "a", clinicalStatus=known, code=concept("1", "Peanut <b>"), **of_patient)
    put(client, "Condition", "c", clinicalStatus=active, code=concept("2", "Asthma"), **subject)
    put(client, "Condition", "d", clinicalStatus=over, code=concept("3", "Measles"), **subject)
    put(client, "Medication", "m", code=concept("4", "Salbutamol"))
    put(
        client,
        "MedicationStatement",
        "s",
        status="active",
        medicationReference={"reference": "Medication/m"},
        **subject,
    )
    put(
        client,
        "MedicationRequest",
        "r",
        status="completed",
        intent="order",
        medicationCodeableConcept={"text": "x"},
        **subject,
    )
    put(
        client,
        "Immunization",
        "i",
        status="completed",
        vaccineCode=concept("5", "BCG"),
        occurrenceDateTime="1990",
        **of_patient,
    )
    put(client, "Procedure", "p", status="completed", code=concept("6", "Suture"), **subject)
    put(client, "CarePlan", "cp", status="active", intent="plan", title="Inhaler training", **subject)
    put(client, "Flag", "f", status="active", code=concept("7", "Falls"), **subject)
    put(client, "Device", "pm", status="active", type=concept("8", "Pacemaker"), **of_patient)
    document = summary(client)
    assert references(document, "48765-2") == ["AllergyIntolerance/a"]
    assert references(document, "11450-4") == ["Condition/c"]
    assert references(document, "11348-0") == ["Condition/d"]
    assert references(document, "10160-0") == ["MedicationStatement/s"]
    assert references(document, "11369-6") == ["Immunization/i"]
    assert references(document, "47519-4") == ["Procedure/p"]
    assert references(document, "18776-5") == ["CarePlan/cp"]
    assert references(document, "104605-1") == ["Flag/f"]
    text = {code: one["text"]["div"] for code, one in sections(document).items()}
    assert "Peanut &lt;b&gt;" in text["48765-2"]
    assert "Salbutamol" in text["10160-0"]
    assert "Pacemaker" in text["46264-8"]
    held = {one["resource"]["resourceType"]: one["resource"] for one in document["entry"]}
    assert held["Procedure"]["_performedDateTime"]["extension"][0]["valueCode"] == "unknown"
    assert held["DeviceUseStatement"]["device"] == {"reference": "Device/pm"}


def test_all_that_a_section_refers_to_is_in_the_document(client: httpx.Client) -> None:
    """Every entry of a section, the subject and the author are entries of the bundle, each once."""
    patient(client)
    observed(client, "o", "29463-7", "2020-01-01", 70)
    document = summary(client)
    urls = [one["fullUrl"] for one in document["entry"]]
    assert len(urls) == len(set(urls))
    tails = {"/".join(url.rsplit("/", 2)[1:]) for url in urls}
    composition = document["entry"][0]["resource"]
    wanted = [one["reference"] for part in composition["section"] for one in part.get("entry", [])]
    wanted += [composition["subject"]["reference"], composition["author"][0]["reference"]]
    assert set(wanted) <= tails


def test_the_latest_of_each_code(client: httpx.Client) -> None:
    """Vital signs and results show the newest value of each code; what was a mistake is passed over."""
    patient(client)
    observed(client, "old", "29463-7", "2019-01-01", 60)
    observed(client, "new", "29463-7", "2020-01-01", 70)
    observed(client, "slip", "29463-7", "2021-01-01", 700, status="entered-in-error")
    observed(client, "lab", "2339-0", "2020-01-01", 5, "laboratory")
    observed(client, "smokes", "72166-2", "2020-01-01", 1, "survey")
    observed(client, "due", "11778-8", "2020-01-01", 1, "exam")
    observed(client, "other", "1-1", "2020-01-01", 1, "exam")
    document = summary(client)
    assert references(document, "8716-3") == ["Observation/new"]
    assert references(document, "30954-2") == ["Observation/lab"]
    assert references(document, "29762-2") == ["Observation/smokes"]
    assert references(document, "10162-6") == ["Observation/due"]
    assert "70 kg" in sections(document)["8716-3"]["text"]["div"]
    (lab,) = [one["resource"] for one in document["entry"] if one["resource"].get("id") == "lab"]
    assert "valueCode" in lab["performer"][0]["extension"][0]


def test_what_a_patient_lacks_is_marked_as_unknown(client: httpx.Client) -> None:
    """A patient without name and birth date gets neither made up."""
    put(client, "Patient", "ada", gender="unknown")
    held = summary(client)["entry"][1]["resource"]
    assert held["name"][0]["_text"]["extension"][0]["valueCode"] == "unknown"
    assert held["_birthDate"]["extension"][0]["valueCode"] == "unknown"


def test_the_same_records_give_the_same_ids(client: httpx.Client) -> None:
    """Ids differ when a record does, and only then."""
    patient(client)
    first, again = summary(client), summary(client)
    assert (first["id"], first["identifier"]) == (again["id"], again["identifier"])
    assert [one["fullUrl"] for one in first["entry"]] == [one["fullUrl"] for one in again["entry"]]
    observed(client, "o", "29463-7", "2020-01-01", 70)
    changed = summary(client)
    assert changed["id"] != first["id"]
    assert changed["entry"][0]["fullUrl"] == first["entry"][0]["fullUrl"]


def test_by_identifier(client: httpx.Client) -> None:
    """A patient is found by an identifier; nobody, several persons and other profiles are refused."""
    patient(client, identifier=[{"system": "urn:mrn", "value": "1"}])
    assert summary(client, "/Patient/$summary", identifier="urn:mrn|1")["entry"][1]["resource"]["id"] == "ada"
    body = {"resourceType": "Parameters", "parameter": [{"name": "identifier", "valueString": "urn:mrn|1"}]}
    assert client.post("/Patient/$summary", json=body).json()["type"] == "document"
    assert client.get("/Patient/$summary").status_code == 400
    assert client.get("/Patient/$summary", params={"identifier": "urn:mrn|2"}).status_code == 404
    assert client.get("/Patient/nobody/$summary").status_code == 404
    assert client.get("/Patient/ada/$summary", params={"profile": "urn:x"}).status_code == 422
    patient(
        client,
        "uju",
        identifier=[{"system": "urn:card", "value": "1"}],
        name=[{"family": "Eze"}],
        birthDate="1970-01-01",
    )
    assert client.get("/Patient/$summary", params={"identifier": "1"}).status_code == 409


def test_digits_survive(client: httpx.Client) -> None:
    """Values stand in the document as they were written."""
    patient(client)
    body = (
        b'{"resourceType":"Observation","id":"o","status":"final","category":[{"coding":[{"system":"%s",'
        b'"code":"vital-signs"}]}],"code":{"text":"weight"},"subject":{"reference":"Patient/ada"},'
        b'"effectiveDateTime":"2020-01-01","valueQuantity":{"value":72.50,"unit":"kg"}}' % CATEGORY.encode()
    )
    client.put("/Observation/o", content=body, headers={"content-type": "application/fhir+json"}).raise_for_status()
    assert b'"value":72.50' in client.get("/Patient/ada/$summary").content
