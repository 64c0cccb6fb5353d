"""Documents against R4's own definitions: structure, cardinality, forms, invariants, references."""

from typing import Any

import pytest

from tracker_core.issues import Issue
from tracker_core.profiles import Library, World, validate

LIBRARY = Library()
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "weight"},
    "valueQuantity": {"value": 72, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">72 kg</div>'},
}
PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"family": "Obi"}], "text": OBSERVATION["text"]}


def issues(document: dict[str, Any], *profiles: str, world: World | None = None) -> list[Issue]:
    """What validation finds."""
    return validate(world or World(LIBRARY), [document], profiles)[0]


def errors(document: dict[str, Any], *profiles: str, world: World | None = None) -> list[tuple[str, str, str]]:
    """The errors as (code, where, the first word of the text)."""
    found = issues(document, *profiles, world=world)
    return [(one.code, one.where, one.text.split()[0].rstrip(":")) for one in found if one.severity == "error"]


def test_what_is_right_has_no_issues() -> None:
    """A whole observation and a whole patient are valid."""
    assert issues(OBSERVATION) == []
    assert issues(PATIENT) == []


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"status": None}, ("required", "Observation", "status")),
        ({"colour": "red"}, ("structure", "Observation", "Observation")),
        ({"code": {"coding": {"code": "x"}}}, ("structure", "Observation.code.coding", "a")),
        ({"code": {"coding": []}}, ("structure", "Observation.code.coding", "a")),
        ({"code": {"coding": [{"code": " x"}]}}, ("value", "Observation.code.coding[0].code", "a")),
        ({"code": {}}, ("structure", "Observation.code", "an")),
        ({"issued": "2020"}, ("value", "Observation.issued", "not")),
        ({"effectiveDateTime": "2020-02-30"}, ("value", "Observation.effective.ofType(dateTime)", "no")),
        ({"effectiveDateTime": 2020}, ("value", "Observation.effective.ofType(dateTime)", "a")),
        ({"valueString": "x"}, ("structure", "Observation", "value")),
        ({"subject": "Patient/1"}, ("structure", "Observation.subject", "an")),
        ({"subject": {"reference": "Practitioner/1"}}, ("value", "Observation.subject", "it")),
        ({"subject": {"reference": "#p"}}, ("not-found", "Observation.subject", "nothing")),
        ({"performer": [{"reference": "Patient/1"}, {}]}, ("structure", "Observation.performer[1]", "an")),
        ({"dataAbsentReason": {"text": "no"}}, ("invariant", "Observation", "obs-6")),
        ({"referenceRange": [{"age": {"low": {"value": 1}}}]}, ("invariant", "Observation.referenceRange[0]", "obs-3")),
        ({"effectivePeriod": {"start": "2021", "end": "2020"}},
         ("invariant", "Observation.effective.ofType(Period)", "per-1")),
        ({"extension": [{"url": "urn:a"}]}, ("invariant", "Observation.extension[0]", "ext-1")),
        ({"extension": [{"valueString": "x"}]}, ("required", "Observation.extension[0]", "url")),
        ({"modifierExtension": [{"url": "urn:a:b", "valueString": "x"}]},
         ("extension", "Observation.modifierExtension[0]", "the")),
        ({"contained": [{"resourceType": "Patient", "id": "p"}]}, ("invariant", "Observation.contained[0]", "dom-3")),
        ({"contained": [{"resourceType": "Person", "id": "p", "meta": {"versionId": "1"}}],
          "focus": [{"reference": "#p"}]}, ("invariant", "Observation", "dom-4")),
        ({"contained": [{"resourceType": "Nothing"}]}, ("structure", "Observation.contained[0]", "Nothing")),
        ({"contained": [{"resourceType": "Patient", "gender": 3, "id": "p"}], "subject": {"reference": "#p"}},
         ("value", "Observation.contained[0].gender", "a")),
        ({"text": {"status": "generated", "div": "<div><script/></div>"}},
         ("invariant", "Observation.text.div", "txt-1")),
        ({"_status": {}, "status": None}, ("structure", "Observation.status", "an")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(change: dict[str, Any], wanted: tuple[str, str, str]) -> None:
    """One thing wrong is one error, at a FHIRPath place."""
    document = {key: value for key, value in (OBSERVATION | change).items() if value is not None}
    assert wanted in errors(document)


def test_patients() -> None:
    """Contacts say who they are; a period runs forward."""
    assert ("invariant", "Patient.contact[0]", "pat-1") in errors(PATIENT | {"contact": [{"gender": "male"}]})
    assert errors(PATIENT | {"contact": [{"name": {"text": "x"}}]}) == []


def test_a_primitive_may_be_its_extensions_alone() -> None:
    """What is required may be there as an extension that says why it is not known."""
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    document = {key: value for key, value in OBSERVATION.items() if key != "status"} | {"_status": absent}
    assert errors(document) == []


def test_lists_and_what_stands_beside_them() -> None:
    """Values and extensions of a list are matched by position."""
    beside = [None, {"extension": [{"url": "urn:x", "valueString": "?"}]}]
    assert errors(PATIENT | {"name": [{"given": ["Ada", None], "_given": beside}]}) == []
    wrong = errors(PATIENT | {"name": [{"given": ["Ada", None]}]})
    assert wrong == [("structure", "Patient.name[0].given[1]", "null")]


def test_extensions_stand_where_they_may() -> None:
    """A known extension is checked by its definition, and by its context."""
    place = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": "Jos"}}
    assert errors(PATIENT | {"extension": [place]}) == []
    assert ("extension", "Observation.extension[0]", place["url"]) in errors(OBSERVATION | {"extension": [place]})
    other = {"url": place["url"], "valueString": "Jos"}
    assert errors(PATIENT | {"extension": [other]})[0][:2] == ("structure", "Patient.extension[0].value.ofType(string)")
    unknown = issues(PATIENT | {"extension": [{"url": "http://example.org/x", "valueString": "y"}]})
    assert [(one.code, one.severity) for one in unknown] == [("extension", "information")]


def bundle(*entries: dict[str, Any], type_: str = "collection") -> dict[str, Any]:
    """A bundle of entries."""
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries)}


def test_bundles() -> None:
    """Invariants of bundles, and references between entries by fullUrl."""
    patient = {"fullUrl": "urn:uuid:0d0a2ff0-5ea9-4c5f-8f6d-0d3a3d4b6f01", "resource": PATIENT}
    about = {"resource": OBSERVATION | {"subject": {"reference": patient["fullUrl"]}}}
    assert errors(bundle(patient, about)) == []
    wrong = {"resource": OBSERVATION | {"performer": [{"reference": "urn:uuid:none"}]}}
    told = issues(bundle(wrong))
    assert [(one.code, one.where) for one in told] == [("not-found", "Bundle.entry[0].resource.performer[0]")]
    location = {
        "fullUrl": "http://a.org/fhir/Location/1",
        "resource": {"resourceType": "Location", "text": PATIENT["text"]},
    }
    near = {"fullUrl": "http://a.org/fhir/Observation/1",
            "resource": OBSERVATION | {"performer": [{"reference": "Location/1"}]}}  # fmt: skip
    assert errors(bundle(location, near)) == [("value", "Bundle.entry[1].resource.performer[0]", "it")]
    assert ("invariant", "Bundle", "bdl-7") in errors(bundle(patient, patient))
    assert ("invariant", "Bundle", "bdl-1") in errors(bundle() | {"total": 1})
    assert ("invariant", "Bundle.entry[0]", "bdl-5") in errors(bundle({"fullUrl": "urn:x"}))
    assert {("invariant", "Bundle", f"bdl-{n}") for n in (9, 10, 11)} <= set(errors(bundle(patient, type_="document")))


def test_what_refers_to_itself_in_the_definitions_is_followed() -> None:
    """Items of items are checked as items are."""
    deep = {"linkId": "1", "type": "group", "item": [{"type": "string", "text": "x"}]}
    document = {"resourceType": "Questionnaire", "status": "active", "item": [deep], "text": PATIENT["text"]}
    assert ("required", "Questionnaire.item[0].item[0]", "linkId") in errors(document)


def test_codes_are_asked_of_terminology() -> None:
    """Required codes are errors, extensible ones warnings, preferred ones hints; what cannot be told is said."""

    def codes(value_set: str, codings: Any) -> Any:
        return "out" if "administrative-gender" in value_set or "marital" in value_set else "unknown"

    document = PATIENT | {
        "gender": "bogus",
        "maritalStatus": {"coding": [{"system": "urn:x", "code": "y"}]},
        "photo": [{"contentType": "image/png", "url": "urn:x"}],
    }
    found = {one.where: (one.code, one.severity) for one in issues(document, world=World(LIBRARY, codes))}
    assert found["Patient.gender"] == ("code-invalid", "error")
    assert found["Patient.maritalStatus"] == ("code-invalid", "warning")
    assert found["Patient.photo[0].contentType"] == ("not-checked", "information")


def test_stored_records_are_referred_to() -> None:
    """A reference to a record that is not there is told where the store is known."""
    document = OBSERVATION | {"subject": {"reference": "Patient/1"}}
    assert issues(document) == []
    told = issues(document, world=World(LIBRARY, fetch=lambda _: None, stored=True))
    assert [(one.code, one.severity) for one in told] == [("not-found", "warning")]
    assert issues(document, world=World(LIBRARY, fetch=lambda _: PATIENT, stored=True)) == []


@pytest.mark.parametrize("depth", [40, 400])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    """No document makes validation fail: what is nested deeper than anybody writes is told."""
    item: dict[str, Any] = {"linkId": "0", "type": "group"}
    for number in range(depth):
        item = {"linkId": str(number + 1), "type": "group", "item": [item]}
    document = {"resourceType": "Questionnaire", "status": "active", "item": [item], "text": PATIENT["text"]}
    assert {code for code, _, _ in errors(document)} <= ({"too-costly"} if depth > 60 else {"invariant"})
    extension: dict[str, Any] = {"url": "urn:x", "valueString": "y"}
    for _ in range(depth):
        extension = {"url": "urn:x", "extension": [extension]}
    assert {code for code, _, _ in errors(PATIENT | {"extension": [extension]})} <= {"too-costly"}


def test_unknown_types() -> None:
    """What is no resource is told."""
    assert errors({"resourceType": "Foo"}) == [("structure", "resourceType", "R4")]
    assert ("not-found", "Patient", "the") in errors(PATIENT, "http://example.org/nothing")
    claims = issues(PATIENT | {"meta": {"profile": ["http://example.org/nothing"]}})
    assert [(one.code, one.severity) for one in claims] == [("not-found", "warning")]


def test_vital_signs_of_r4() -> None:
    """Profiles that come with R4 are there without loading anything."""
    url = "http://hl7.org/fhir/StructureDefinition/bmi"
    found = errors(OBSERVATION, url)
    assert ("required", "Observation", "subject") in found
    assert ("required", "Observation", "category") in found
    category = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]
    }
    whole = OBSERVATION | {
        "category": [category],
        "code": {"coding": [{"system": "http://loinc.org", "code": "39156-5"}]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2020-05-04",
    }
    whole["valueQuantity"] = OBSERVATION["valueQuantity"] | {"code": "kg/m2"}
    assert errors(whole, url) == []
    assert errors(whole | {"valueQuantity": OBSERVATION["valueQuantity"] | {"code": "stone"}}, url) != []


def test_contained_records_may_refer_to_what_holds_them() -> None:
    """A contained record is used when something refers to it, or when it refers to its container."""
    back = {"resourceType": "Provenance", "id": "p", "target": [{"reference": "#"}], "recorded": "2020-01-01T00:00:00Z",
            "agent": [{"who": {"display": "x"}}]}  # fmt: skip
    assert errors(PATIENT | {"contained": [back]}) == []


def test_large_documents_end_in_time() -> None:
    """What would take the square of a document's size is refused, or done in another way."""
    wards = [{"resourceType": "Organization", "id": f"o{n}", "name": "x"} for n in range(2000)]
    links = [{"url": "urn:a:b", "valueReference": {"reference": f"#o{n}"}} for n in range(2000)]
    assert errors(PATIENT | {"contained": wards, "extension": links}) == []
    first = {"id": "Patient", "path": "Patient", "definition": "x", "min": 0, "max": "1"}
    element = [first, *[first | {"path": "Patient.x"}] * 3000]
    huge = {
        "resourceType": "StructureDefinition", "url": "urn:x", "name": "X", "status": "draft", "kind": "resource",
        "abstract": False, "type": "Patient", "snapshot": {"element": element},
    }  # fmt: skip
    assert ("too-costly", "StructureDefinition") in {(code, where) for code, where, _ in errors(huge)}
