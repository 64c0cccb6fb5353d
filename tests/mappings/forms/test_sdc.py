"""`$populate` and `$extract` over questionnaires of anybody's (SDC 3.0)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from mappings.forms import sdc
from mappings.forms.extracting import extract
from mappings.forms.populating import populate

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
WEIGHT = [{"system": LOINC, "code": "29463-7"}]
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"family": "Auma", "given": ["Rose"]}],
    "gender": "female",
    "birthDate": "1994-02-03",
    "telecom": [{"system": "phone", "value": "+256"}, {"system": "email", "value": "a@b.example"}],
    "managingOrganization": {"reference": "Organization/o"},
}


def computed(link: str, type: str, expression: str, **more: Any) -> dict[str, Any]:
    """A question that an expression answers."""
    value = {"language": "text/fhirpath", "expression": expression}
    return {"linkId": link, "type": type, "extension": [{"url": sdc.INITIAL, "valueExpression": value}], **more}


def observed(link: str, type: str, **more: Any) -> dict[str, Any]:
    """A question that an observation of the last day answers."""
    period = {"value": 1, "code": "d"}
    extension = [{"url": sdc.LINK_PERIOD, "valueDuration": period}]
    return {"linkId": link, "type": type, "code": WEIGHT, "extension": extension, **more}


def nothing(_codings: Sequence[dict[str, Any]], _period: Mapping[str, Any]) -> None:
    """Nothing was observed."""


def answered(items: list[dict[str, Any]], found: Any = nothing) -> dict[str, list[Any]]:
    """The answers of a populated questionnaire by linkId; groups are opened."""
    response, _ = populate({"item": items}, {"reference": "Patient/p"}, {"patient": PATIENT}, found)
    flat: dict[str, list[Any]] = {}

    def collect(inner: list[dict[str, Any]]) -> None:
        for item in inner:
            flat[item["linkId"]] = [value for one in item.get("answer", ()) for value in one.values()]
            collect(item.get("item", []))

    collect(response.get("item", []))
    return flat


def test_expressions_answer_before_anybody_asks() -> None:
    """Of every type; repeating questions take every item, others the first."""
    items = [
        computed("family", "string", "%patient.name.family.first()"),
        computed("born", "date", "%patient.birthDate"),
        computed("sex", "choice", "%patient.gender"),
        computed("one", "string", "%patient.telecom.value"),
        computed("all", "string", "%patient.telecom.value", repeats=True),
        computed("clinic", "reference", "%patient.managingOrganization"),
        computed("self", "reference", "%patient"),
        computed("odd", "quantity", "%patient.gender"),
        computed("nothing", "string", "%patient.photo"),
        {"linkId": "group", "type": "group", "item": [{"linkId": "fixed", "type": "boolean", "initial": [{"x": 1}]}]},
        {"linkId": "empty", "type": "group", "item": [{"linkId": "open", "type": "string"}]},
    ]
    assert answered(items) == {
        "family": ["Auma"],
        "born": ["1994-02-03"],
        "sex": [{"code": "female"}],
        "one": ["+256"],
        "all": ["+256", "a@b.example"],
        "clinic": [{"reference": "Organization/o"}],
        "self": [{"reference": "Patient/p"}],
        "group": [],
        "fixed": [1],
    }


def test_an_expression_that_fails_is_told() -> None:
    """The other questions are answered."""
    items = [computed("bad", "string", "%nobody.name"), computed("good", "string", "%patient.id")]
    questionnaire = {"url": "urn:q", "version": "2", "item": items}
    response, issues = populate(questionnaire, {"reference": "Patient/p"}, {"patient": PATIENT}, nothing)
    assert [item["linkId"] for item in response["item"]] == ["good"]
    assert [issue.where for issue in issues] == ["Questionnaire.item(bad)"]
    assert (response["questionnaire"], response["subject"]) == ("urn:q|2", {"reference": "Patient/p"})
    assert populate({"id": "q"}, {}, {}, nothing)[0]["questionnaire"] == "Questionnaire/q"


def test_a_recent_observation_answers_its_question() -> None:
    """As a number, a quantity or a code."""
    quantity = {"value": Decimal("61.50"), "unit": "kg"}
    number = [observed("weight", "decimal"), observed("same", "quantity")]
    assert answered(number, lambda *_: {"valueQuantity": quantity}) == {
        "weight": [Decimal("61.50")],
        "same": [quantity],
    }
    concept = {"valueCodeableConcept": {"coding": [{"code": "x"}]}}
    assert answered([observed("code", "choice")], lambda *_: concept) == {"code": [{"code": "x"}]}
    assert answered([observed("none", "decimal")]) == {}


def said(link: str, *answers: Any, **more: Any) -> dict[str, Any]:
    """An item of a response; answers are (type, value)."""
    return {"linkId": link, "answer": [{f"value{type}": value} for type, value in answers], **more}


def test_marked_questions_become_observations() -> None:
    """With code, unit and time; unanswered and unmarked ones yield nothing."""
    coding = {"system": "urn:s", "code": "pos"}
    marked = {"extension": [{"url": sdc.OBSERVATION, "valueBoolean": True}], "code": WEIGHT}
    unit = {"url": sdc.UNIT, "valueCoding": {"code": "kg"}}
    questions = [
        {"linkId": "w", "type": "decimal", **marked, "extension": [*marked["extension"], unit], "text": "Weight"},
        {"linkId": "bare", "type": "decimal", **marked},
        {"linkId": "c", "type": "choice", **marked},
        {"linkId": "d", "type": "date", **marked},
        {"linkId": "u", "type": "url", **marked},
        {"linkId": "b", "type": "boolean", **marked},
        {"linkId": "a", "type": "attachment", **marked},
        {"linkId": "unasked", "type": "string", **marked},
        {"linkId": "unmarked", "type": "string", "code": WEIGHT},
    ]
    response = {
        "id": "r",
        "subject": {"reference": "Patient/p"},
        "author": {"reference": "Practitioner/x"},
        "authored": "2026-03-05T10:00:00Z",
        "item": [
            said("w", ("Decimal", Decimal("61.50"))),
            said("bare", ("Decimal", Decimal(3))),
            said("c", ("Coding", coding)),
            said("d", ("Date", "2026-03-01")),
            said("u", ("Uri", "urn:u")),
            said("b", ("Boolean", False)),
            said("a", ("Attachment", {"url": "x"})),
            said("unmarked", ("String", "x")),
        ],
    }
    bundle = extract({"item": questions}, response)
    found = [entry["resource"] for entry in bundle["entry"]]
    values = [{key: value for key, value in one.items() if key.startswith("value")} for one in found]
    assert values == [
        {
            "valueQuantity": {
                "value": Decimal("61.50"),
                "unit": "kg",
                "system": "http://unitsofmeasure.org",
                "code": "kg",
            }
        },
        {"valueQuantity": {"value": Decimal(3)}},
        {"valueCodeableConcept": {"coding": [coding]}},
        {"valueDateTime": "2026-03-01"},
        {"valueString": "urn:u"},
        {"valueBoolean": False},
    ]
    assert found[0]["effectiveDateTime"] == "2026-03-05T10:00:00Z"
    assert found[0]["derivedFrom"] == [{"reference": "QuestionnaireResponse/r"}]
    assert bundle["entry"][0]["request"] == {"method": "POST", "url": "Observation"}


def defined(link: str, path: str, type: str = "string", **more: Any) -> dict[str, Any]:
    """A question whose answer is an element."""
    return {"linkId": link, "type": type, "definition": f"{sdc.DEFINITIONS}Patient#Patient.{path}", **more}


HIDDEN = [{"url": sdc.HIDDEN, "valueBoolean": True}]
REGISTRATION = {
    "extension": [{"url": sdc.CONTEXT, "valueCode": "Patient"}],
    "item": [
        defined("family", "name.family"),
        defined("given", "name.given", repeats=True),
        defined("sex", "gender", "choice"),
        defined("odd", "nowhere.at.all"),
        {
            "linkId": "phone",
            "type": "group",
            "definition": f"{sdc.DEFINITIONS}Patient#Patient.telecom",
            "item": [
                defined("system", "telecom.system", initial=[{"valueString": "phone"}], extension=HIDDEN),
                defined("number", "telecom.value"),
            ],
        },
        {
            "linkId": "kin",
            "type": "group",
            "repeats": True,
            "definition": f"{sdc.DEFINITIONS}Patient#Patient.contact",
            "item": [defined("kinname", "contact.name.text")],
        },
    ],
}


def test_defined_questions_fill_a_resource() -> None:
    """Lists, codes, groups with fixed values, a group per repetition."""
    response = {
        "item": [
            said("family", ("String", "Auma")),
            said("given", ("String", "Rose"), ("String", "Ann")),
            said("sex", ("Coding", {"code": "female"})),
            said("odd", ("String", "x")),
            {"linkId": "phone", "item": [said("number", ("String", "+256"))]},
            {"linkId": "kin", "item": [said("kinname", ("String", "Otim"))]},
            {"linkId": "kin", "item": [said("kinname", ("String", "Okello"))]},
        ]
    }
    (entry,) = extract(REGISTRATION, response)["entry"]
    assert entry["request"] == {"method": "POST", "url": "Patient"}
    assert entry["resource"] == {
        "resourceType": "Patient",
        "name": [{"family": "Auma", "given": ["Rose", "Ann"]}],
        "gender": "female",
        "telecom": [{"system": "phone", "value": "+256"}],
        "contact": [{"name": {"text": "Otim"}}, {"name": {"text": "Okello"}}],
    }


def test_the_subject_is_updated_not_made_anew() -> None:
    """Named elements change, the others survive; an item with the same fixed values is the one."""
    response = {
        "subject": {"reference": "Patient/p"},
        "item": [
            said("given", ("String", "Rosa")),
            {"linkId": "phone", "item": [said("number", ("String", "+257"))]},
        ],
    }
    (entry,) = extract(REGISTRATION, response, {"Patient/p": PATIENT})["entry"]
    assert entry["request"] == {"method": "PUT", "url": "Patient/p"}
    expected = {**PATIENT, "name": [{"family": "Auma", "given": ["Rosa"]}]}
    expected["telecom"] = [{"system": "phone", "value": "+257"}, PATIENT["telecom"][1]]
    assert entry["resource"] == expected
    assert PATIENT["name"] == [{"family": "Auma", "given": ["Rose"]}]


def test_nothing_said_extracts_nothing() -> None:
    """An empty transaction."""
    assert extract({"item": [defined("x", "name.family")]}, {"item": []})["entry"] == []
    assert extract({"extension": [{"url": sdc.CONTEXT, "valueCode": "Patient"}]}, {})["entry"] == []
