"""`$populate` and `$extract` over HTTP: what they are asked with, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
WEIGHT = {"system": "http://loinc.org", "code": "29463-7"}


def computed(link: str, expression: str) -> dict[str, Any]:
    """A text that an expression answers."""
    value = {"language": "text/fhirpath", "expression": expression}
    extension = [{"url": f"{SDC}initialExpression", "valueExpression": value}]
    return {"linkId": link, "type": "string", "extension": extension}


QUESTIONNAIRE: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "id": "q",
    "url": "urn:example:q",
    "version": "2",
    "status": "active",
    "item": [
        computed("name", "%patient.name.family.first()"),
        computed("place", "%encounter.id"),
        {
            "linkId": "weight",
            "type": "decimal",
            "code": [WEIGHT],
            "extension": [
                {"url": f"{SDC}observationLinkPeriod", "valueDuration": {"value": 1, "code": "wk"}},
                {"url": f"{SDC}observationExtract", "valueBoolean": True},
            ],
        },
    ],
}


def written(client: httpx.Client) -> None:
    """A questionnaire, a patient, and weights of yesterday and of last year."""
    assert client.put("/Questionnaire/q", json=QUESTIONNAIRE).status_code == 201
    client.put("/Patient/p", json={"resourceType": "Patient", "id": "p", "name": [{"family": "Auma"}]})
    client.put(
        "/Encounter/e", json={"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "AMB"}}
    )
    for days, value in ((400, 40), (1, 61)):
        weight = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [WEIGHT]},
            "subject": {"reference": "Patient/p"},
            "effectiveDateTime": (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds"),
            "valueQuantity": {"value": value, "unit": "kg"},
        }
        assert client.post("/Observation", json=weight).status_code == 201


def parameters(*pairs: tuple[str, str, Any], context: str = "") -> dict[str, Any]:
    """A Parameters resource; `context` adds an encounter to the launch context."""
    given: list[dict[str, Any]] = [{"name": name, key: value} for name, key, value in pairs]
    if context:
        parts = [
            {"name": "name", "valueString": "encounter"},
            {"name": "content", "valueReference": {"reference": context}},
        ]
        given.append({"name": "context", "part": parts})
    return {"resourceType": "Parameters", "parameter": given}


def answers(reply: httpx.Response) -> dict[str, Any]:
    """The first answer to each question of a populated response."""
    assert reply.status_code == 200, reply.text
    response = reply.json()["parameter"][0]["resource"]
    return {item["linkId"]: next(iter(item["answer"][0].values())) for item in response["item"]}


def test_a_questionnaire_is_populated(client: httpx.Client) -> None:
    """By id, by canonical or as sent; from the patient, other resources and what was observed lately."""
    written(client)
    subject = ("subject", "valueReference", {"reference": "Patient/p"})
    full = client.post("/Questionnaire/q/$populate", json=parameters(subject, context="Encounter/e"))
    assert answers(full) == {"name": "Auma", "place": "e", "weight": 61}
    canonical = ("canonical", "valueUri", "urn:example:q|2")
    partly = client.post("/Questionnaire/$populate", json=parameters(subject, canonical))
    assert answers(partly) == {"name": "Auma", "weight": 61}
    assert partly.json()["parameter"][1]["resource"]["issue"][0]["severity"] == "warning"
    sent = parameters(subject, ("questionnaire", "resource", QUESTIONNAIRE))
    assert answers(client.post("/Questionnaire/$populate", json=sent))["name"] == "Auma"
    whole = {"resourceType": "Patient", "id": "p", "name": [{"family": "Otim"}]}
    parts = [{"name": "name", "valueString": "patient"}, {"name": "content", "resource": whole}]
    by_context = {"resourceType": "Parameters", "parameter": [{"name": "context", "part": parts}]}
    assert answers(client.post("/Questionnaire/q/$populate", json=by_context))["name"] == "Otim"


def test_a_response_is_extracted(client: httpx.Client) -> None:
    """With the questionnaire that it names, by canonical or by url, or that is sent along."""
    written(client)
    item = [{"linkId": "weight", "answer": [{"valueDecimal": 60.5}]}]
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": item}
    for name in ("urn:example:q", "urn:example:q|1", "http://elsewhere.example/fhir/Questionnaire/q"):
        found = client.post("/QuestionnaireResponse/$extract", json={**response, "questionnaire": name})
        (entry,) = found.json()["entry"]
        assert entry["resource"]["valueQuantity"]["value"] == 60.5
    sent = parameters(("questionnaire-response", "resource", response), ("questionnaire", "resource", QUESTIONNAIRE))
    assert len(client.post("/QuestionnaireResponse/$extract", json=sent).json()["entry"]) == 1


def test_what_cannot_be_done_is_told(client: httpx.Client) -> None:
    """Nothing to work on, nobody to ask about, the wrong resource, and questionnaires that are none."""
    written(client)
    subject = ("subject", "valueReference", {"reference": "Patient/p"})
    broken = {**QUESTIONNAIRE, "item": [{"type": "string"}]}
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "urn:nowhere"}
    refused = [
        client.post("/Questionnaire/q/$populate", json=parameters()),
        client.post("/Questionnaire/$populate", json=parameters(subject)),
        client.post("/Questionnaire/$populate", json=parameters(subject, ("questionnaire", "resource", broken))),
        client.post("/QuestionnaireResponse/$extract", json=parameters()),
        client.post("/QuestionnaireResponse/$extract", json=parameters(("questionnaire-response", "resource", broken))),
    ]
    assert [one.status_code for one in refused] == [400] * len(refused)
    assert client.post("/QuestionnaireResponse/$extract", json=response).status_code == 404
    assert client.post("/Questionnaire/none/$populate", json=parameters(subject)).status_code == 404
