"""Who is who over FHIR: matching, merging with undo, identifiers across domains, feeds of identity sources."""

from typing import Any

import httpx
import pytest

from hub.runtime import Runtime
from tracker_core import identity
from tracker_core.database import transaction

NID = "urn:example:national-id"
MRN = "urn:example:hospital:mrn"


def patient(id: str, number: str = "", mrn: str = "", **elements: Any) -> dict[str, Any]:
    """A Patient called Amina Okello unless told otherwise."""
    identifiers = [{"system": NID, "value": number}] if number else []
    identifiers += [{"system": MRN, "value": mrn}] if mrn else []
    person = {"name": [{"family": "Okello", "given": ["Amina"]}], "birthDate": "1990-04-07", "gender": "female"}
    known = {"identifier": identifiers} if identifiers else {}
    return {"resourceType": "Patient", "id": id, **known, **person, **elements}


def parameters(**values: Any) -> dict[str, Any]:
    """A Parameters resource: names with `_` for `-`, values as what they are."""

    def one(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"name": name, "valueBoolean": value}
        if isinstance(value, int):
            return {"name": name, "valueInteger": value}
        if isinstance(value, dict) and "resourceType" in value:
            return {"name": name, "resource": value}
        if isinstance(value, dict):
            return {"name": name, "valueIdentifier": value}
        return {"name": name, "valueReference": {"reference": value}}

    return {"resourceType": "Parameters", "parameter": [one(k.replace("_", "-"), v) for k, v in values.items()]}


def part(document: dict[str, Any], name: str) -> Any:
    """The resource of a parameter."""
    return next(one["resource"] for one in document["parameter"] if one["name"] == name)


@pytest.fixture
def ward(client: httpx.Client, runtime: Runtime) -> httpx.Client:
    """A client of a hub with a trusted national id and three patients, the first two likely one person."""
    with transaction(runtime.pool) as session:
        identity.trust(session, [NID])
    people = [
        patient("amina", "N-1001", "M-1"),
        patient("amena", "", "M-2", name=[{"family": "Okelo", "given": ["Amina"]}]),
        patient("james", "N-2002", name=[{"family": "Mukasa", "given": ["James"]}], gender="male", birthDate="1961"),
    ]
    for one in people:
        assert client.put(f"/fhir/Patient/{one['id']}", json=one).status_code == 201
    seen = {"resourceType": "Observation", "id": "seen", "status": "final", "code": {"text": "seen"}}
    client.put("/fhir/Observation/seen", json={**seen, "subject": {"reference": "Patient/amena"}}).raise_for_status()
    return client


def match(client: httpx.Client, wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The searchset of `$match`."""
    answer = client.post("/fhir/Patient/$match", json=parameters(resource=wanted, **more))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def grades(found: dict[str, Any]) -> list[tuple[str, str]]:
    """(id, grade) of every match."""
    return [(e["resource"]["id"], e["search"]["extension"][0]["valueCode"]) for e in found.get("entry", [])]


def test_a_match_is_scored_graded_and_explained(ward: httpx.Client) -> None:
    """A trusted identifier is certain, likeness probable, a stranger absent; every field says how it compares."""
    found = match(ward, patient("x", "N-1001"))
    assert grades(found) == [("amina", "certain"), ("amena", "probable")]
    assert found["total"] == 2
    scores = [entry["search"]["score"] for entry in found["entry"]]
    assert scores[0] == 1 > scores[1] > 0.85
    reasons = [e["extension"] for e in found["entry"][1]["search"]["extension"][1:]]
    assert [{"url": "field", "valueString": "family"}, {"url": "verdict", "valueString": "close"}] in reasons
    assert match(ward, patient("x", name=[{"family": "Zeleke"}], birthDate="2001-01-01")).get("entry") is None


def test_only_certain_matches_and_counts(ward: httpx.Client) -> None:
    """`onlyCertainMatches` returns the one, or none when there are two; `count` limits."""
    assert grades(match(ward, patient("x", "N-1001"), onlyCertainMatches=True)) == [("amina", "certain")]
    assert "entry" not in match(ward, patient("x"), onlyCertainMatches=True)
    assert len(match(ward, patient("x", "N-1001"), count=1)["entry"]) == 1
    both = patient("x", "N-1001")
    both["identifier"].append({"system": NID, "value": "N-2002"})
    del both["gender"], both["birthDate"]
    (entry,) = match(ward, both, onlyCertainMatches=True)["entry"]
    assert entry["resource"]["issue"][0]["code"] == "multiple-matches"


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Observation"},
        parameters(resource={"resourceType": "Observation"}),
        parameters(resource=patient("x", birthDate="yesterday")),
        parameters(resource=patient("x"), count=0),
    ],
)
def test_a_match_without_a_sound_patient_is_refused(ward: httpx.Client, body: dict[str, Any]) -> None:
    """What is no Patient, or has an impossible date, is 400 with an OperationOutcome."""
    answer = ward.post("/fhir/Patient/$match", json=body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


MERGE = parameters(source_patient="Patient/amena", target_patient="Patient/amina")


def test_a_merge_unites_and_its_undoing_brings_everything_back(ward: httpx.Client) -> None:
    """Links, activity, references and the person follow the merge; `$unmerge` restores each of them."""
    answer = ward.post("/fhir/Patient/$merge", json=MERGE)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert part(done, "outcome")["issue"][0]["severity"] == "information"
    assert part(done, "result")["link"] == [{"other": {"reference": "Patient/amena"}, "type": "replaces"}]
    loser = ward.get("/fhir/Patient/amena").json()
    assert (loser["active"], loser["link"][0]["type"]) == (False, "replaced-by")
    assert ward.get("/fhir/Observation/seen").json()["subject"] == {"reference": "Patient/amina"}
    assert {e["resource"]["id"] for e in ward.get("/fhir/Patient/amina/$everything").json()["entry"]} >= {"seen"}
    assert grades(match(ward, patient("x", "", "M-2"))) == [("amina", "probable")]

    undone = ward.post("/fhir/Patient/$unmerge", json=MERGE)
    assert undone.status_code == 200, undone.text
    assert "link" not in part(undone.json(), "result")
    back = ward.get("/fhir/Patient/amena").json()
    assert "link" not in back
    assert "active" not in back
    assert ward.get("/fhir/Observation/seen").json()["subject"] == {"reference": "Patient/amena"}
    assert ward.post("/fhir/Patient/$unmerge", json=MERGE).status_code == 422


def test_a_result_patient_is_what_the_merge_leaves_and_goes_with_it(ward: httpx.Client) -> None:
    """The survivor is written as the caller says; undoing gives its own words back; later edits stay."""
    said = patient("amina", "N-1001", "M-1", name=[{"family": "Okello", "given": ["Amina", "Grace"]}])
    ward.post("/fhir/Patient/$merge", json=parameters(**_sides(), result_patient=said)).raise_for_status()
    merged = ward.get("/fhir/Patient/amina").json()
    assert merged["name"][0]["given"] == ["Amina", "Grace"]
    assert merged["link"][0]["type"] == "replaces"
    ward.post("/fhir/Patient/$unmerge", json=MERGE).raise_for_status()
    assert ward.get("/fhir/Patient/amina").json()["name"][0]["given"] == ["Amina"]
    ward.post("/fhir/Patient/$merge", json=MERGE).raise_for_status()
    late = {**ward.get("/fhir/Patient/amina").json(), "maritalStatus": {"text": "single"}}
    ward.put("/fhir/Patient/amina", json=late).raise_for_status()
    ward.post("/fhir/Patient/$unmerge", json=MERGE).raise_for_status()
    kept = ward.get("/fhir/Patient/amina").json()
    assert kept["maritalStatus"] == {"text": "single"}
    assert "link" not in kept


def _sides() -> dict[str, Any]:
    return {"source_patient": "Patient/amena", "target_patient": "Patient/amina"}


def test_a_preview_shows_and_does_nothing(ward: httpx.Client) -> None:
    """`preview` answers with the patient as it would be."""
    answer = ward.post("/fhir/Patient/$merge", json=parameters(**_sides(), preview=True))
    assert part(answer.json(), "result")["link"][0]["type"] == "replaces"
    assert "link" not in ward.get("/fhir/Patient/amina").json()


def test_patients_of_a_merge_are_named_by_identifiers_too(ward: httpx.Client) -> None:
    """All identifiers must be of one patient."""
    mrn = {"system": MRN, "value": "M-2"}
    body = parameters(source_patient_identifier=mrn, target_patient="Patient/amina")
    assert ward.post("/fhir/Patient/$merge", json=body).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (parameters(source_patient="Patient/amena"), 400),
        (parameters(source_patient="Observation/seen", target_patient="Patient/amina"), 400),
        (parameters(source_patient="Patient/nobody", target_patient="Patient/amina"), 422),
        (parameters(source_patient="Patient/amina", target_patient="Patient/amina"), 422),
        (parameters(**_sides(), result_patient=patient("james")), 422),
        (parameters(source_patient_identifier={"system": MRN}, target_patient="Patient/amina"), 400),
    ],
)
def test_a_merge_that_cannot_be_is_refused_whole(ward: httpx.Client, body: dict[str, Any], status: int) -> None:
    """Unnamed, unknown or equal patients and a foreign result are refused, and nothing changes."""
    assert ward.post("/fhir/Patient/$merge", json=body).status_code == status
    assert ward.get("/fhir/Patient/amina").json()["meta"]["versionId"] == "1"


def test_merging_needs_its_authority_and_a_request_of_its_own(ward: httpx.Client) -> None:
    """A user without the authority is refused, and no bundle smuggles a merge in."""
    nurse = ("nurse", "also-secret-enough")
    assert ward.post("/fhir/Patient/$merge", json=MERGE, auth=nurse).status_code == 403
    entry = {"resource": MERGE, "request": {"method": "POST", "url": "Patient/$merge"}}
    smuggled = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert ward.post("/fhir", json=smuggled).status_code == 400


def test_pix_crosses_domains_within_a_person(ward: httpx.Client) -> None:
    """Every identifier of every source's record, narrowed by domain, the hub's own uid among them."""
    ward.post("/fhir/Patient/$merge", json=MERGE).raise_for_status()

    def ask(**query: str) -> httpx.Response:
        return ward.get("/fhir/Patient/$ihe-pix", params=query)

    found = ask(sourceIdentifier=f"{MRN}|M-2", targetSystem=NID).json()["parameter"]
    assert found[0] == {"name": "targetIdentifier", "valueIdentifier": {"system": NID, "value": "N-1001"}}
    assert found[1]["valueReference"]["reference"].endswith("/fhir/Patient/amina")
    everything = ask(sourceIdentifier=f"{MRN}|M-2").json()["parameter"]
    values = {one["valueIdentifier"]["value"] for one in everything if one["name"] == "targetIdentifier"}
    assert values >= {"N-1001", "M-1", "M-2"}
    (uid,) = ask(sourceIdentifier=f"{MRN}|M-2", targetSystem=identity.PERSON_SYSTEM).json()["parameter"]
    back = ask(sourceIdentifier=f"{identity.PERSON_SYSTEM}|{uid['valueIdentifier']['value']}", targetSystem=MRN)
    assert len(back.json()["parameter"]) == 4


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"sourceIdentifier": "urn:nowhere|1"}, 400, "sourceIdentifier Assigning Authority not found"),
        ({"sourceIdentifier": f"{NID}|N-0"}, 404, "sourceIdentifier Patient Identifier not found"),
        ({"sourceIdentifier": f"{NID}|N-1001", "targetSystem": "urn:nowhere"}, 403, "targetSystem not found"),
        ({"sourceIdentifier": "N-1001"}, 400, ""),
    ],
)
def test_pix_refuses_in_the_words_of_the_profile(
    ward: httpx.Client, query: dict[str, str], status: int, text: str
) -> None:
    """ITI-83, 2:3.83.4.2.2: the status and text of each case."""
    answer = ward.get("/fhir/Patient/$ihe-pix", params=query)
    assert answer.status_code == status
    assert answer.json()["issue"][0].get("details", {}).get("text", "") == text


def test_a_source_feeds_creates_merges_and_removals_by_identifier(ward: httpx.Client) -> None:
    """ITI-104: conditional updates by identifier; a `replaced-by` link of the same source joins the persons."""
    by = {"identifier": f"{MRN}|M-9"}
    fed = patient("", "", "M-9", name=[{"family": "Aber", "given": ["Ruth"]}])
    del fed["id"]
    made = ward.put("/fhir/Patient", params=by, json=fed)
    assert made.status_code == 201
    gone = {**fed, "active": False}
    gone["link"] = [{"other": {"identifier": {"system": MRN, "value": "M-1"}}, "type": "replaced-by"}]
    assert ward.put("/fhir/Patient", params=by, json=gone).status_code == 200
    links = ward.get("/fhir/Patient/amina").json()["link"]
    assert links == [{"other": {"reference": f"Patient/{made.json()['id']}"}, "type": "replaces"}]
    crossed = ward.get("/fhir/Patient/$ihe-pix", params={"sourceIdentifier": f"{MRN}|M-9", "targetSystem": NID})
    assert crossed.json()["parameter"][0]["valueIdentifier"]["value"] == "N-1001"
    repeated = ward.put("/fhir/Patient", params=by, json={**gone, "gender": "other"})
    assert repeated.status_code == 200
    assert ward.get("/fhir/Patient/amina").json()["link"] == links
    lost = {**gone, "link": [{"other": {"reference": "Patient/nobody"}, "type": "replaced-by"}]}
    assert ward.put("/fhir/Patient", params=by, json=lost).status_code == 200
    assert ward.delete("/fhir/Patient", params=by).status_code == 204


def test_demographics_are_queried_as_pdqm_does(ward: httpx.Client) -> None:
    """ITI-78: names, birth date, gender, identifiers of a domain, active."""

    def ids(**query: str) -> list[str]:
        found = ward.get("/fhir/Patient", params=query).json()
        return [entry["resource"]["id"] for entry in found.get("entry", [])]

    assert ids(family="Okello", given="Amina") == ["amina"]
    assert ids(birthdate="1990-04-07", gender="female", identifier=f"{NID}|") == ["amina"]
    assert ids(identifier=f"{NID}|N-2002,{MRN}|M-2") == ["amena", "james"]
