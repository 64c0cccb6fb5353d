"""Search parameters find in a document what FHIRPath finds."""

import json
import warnings
from typing import Any

import pytest

from tracker_core.records import composites, definitions
from tracker_core.records.entries import EMITTERS
from tracker_core.records.expressions import compile_expression, find
from tracker_core.records.extraction import extract, sources

SAMPLES: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"tag": [{"code": "t"}], "profile": ["urn:p"], "source": "urn:s"},
        "identifier": [{"system": "urn:nid", "value": "1"}, {"value": "2"}],
        "name": [{"family": "Abara", "given": ["Ada", "Rose"]}, {"text": "Ada"}],
        "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}, {"value": "3"}],
        "birthDate": "1990-04",
        "deceasedDateTime": "2020-01-01T00:00:00Z",
        "address": [{"city": "Lagos", "line": ["1 Road"], "country": "NG"}],
        "generalPractitioner": [{"reference": "Practitioner/1"}],
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
        "communication": [{"language": {"coding": [{"code": "ig"}]}}],
    },
    {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "urn:c", "code": "vital"}]}],
        "code": {"coding": [{"system": "urn:c", "code": "bp"}], "text": "pressure"},
        "subject": {"reference": "Patient/p"},
        "encounter": {"reference": "Encounter/e"},
        "effectivePeriod": {"start": "2024-01-01", "end": "2024-01-02"},
        "valueCodeableConcept": {"coding": [{"code": "high"}], "text": "High"},
        "component": [
            {"code": {"coding": [{"code": "sys"}]}, "valueQuantity": {"value": 120, "code": "mm[Hg]"}},
            {"code": {"coding": [{"code": "dia"}]}, "valueCodeableConcept": {"coding": [{"code": "low"}]}},
        ],
    },
    {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "urn:icd", "code": "B54"}]},
        "onsetAge": {"value": 3, "code": "a"},
        "abatementString": "gone",
        "recordedDate": "2024-02",
        "evidence": [{"code": [{"coding": [{"code": "x"}]}], "detail": [{"reference": "Observation/o"}]}],
    },
    {
        "resourceType": "Library",
        "url": "urn:l",
        "status": "draft",
        "type": {"coding": [{"code": "logic"}]},
        "useContext": [
            {"code": {"code": "focus"}, "valueCodeableConcept": {"coding": [{"code": "flu"}]}},
            {"code": {"code": "age"}, "valueRange": {"low": {"value": 1}, "high": {"value": 5}}},
        ],
        "relatedArtifact": [
            {"type": "depends-on", "resource": "urn:a"},
            {"type": "citation", "resource": "urn:b"},
        ],
    },
    {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": "Medication/m"},
        "dosageInstruction": [{"timing": {"event": ["2024-01-01", "2024-02-01"]}}],
    },
]


def plain(value: Any) -> Any:
    """A value of the FHIRPath engine as plain JSON."""
    return json.loads(json.dumps(getattr(value, "asStr", value), default=lambda v: getattr(v, "data", str(v))))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["resourceType"])
def test_same_as_an_independent_engine(sample: dict[str, Any]) -> None:
    """Every expression that the engine can evaluate yields the same values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fhirpathpy = pytest.importorskip("fhirpathpy")
        from fhirpathpy.models import models
    type_ = sample["resourceType"]
    compared = 0
    for parameter in definitions.parameters(type_).values():
        if not parameter.expression or "resolve()" in parameter.expression or parameter.type == "composite":
            continue
        paths = compile_expression(parameter.expression, type_)
        ours = find(paths, sample)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expression = parameter.expression.replace("Resource.", f"{type_}.")
            try:
                theirs = [plain(v) for v in fhirpathpy.evaluate(sample, expression, {}, models["r4"])]
            except ValueError:  # R4 writes `as` on lists, which later FHIRPath forbids and the engine refuses
                continue
        order = lambda values: sorted(json.dumps(v, sort_keys=True) for v in values)  # noqa: E731
        absent = theirs == [False] and ours == []
        assert absent or order(ours) == order(theirs), parameter
        compared += bool(ours)
    assert compared >= 4


def test_every_parameter_compiles_and_is_indexed() -> None:
    """All expressions of R4 are understood, and each leads to index entries; those without one are about the search."""
    bare = {
        code for type_ in definitions.resource_types() for code, source in sources(type_).items() if not source.numbers
    }
    assert bare == {"_id", "_lastUpdated", "_text", "_content", "_query"}


@pytest.mark.parametrize("expression", ["Patient.name.first()", "Patient.name +", "Patient.name)", "Patient..name"])
def test_other_fhirpath_is_refused(expression: str) -> None:
    """An expression of another shape is refused when it is compiled, not misread."""
    with pytest.raises(ValueError, match=r"understood|expected|''"):
        compile_expression(expression, "Patient")


def test_positions_and_extensions() -> None:
    """Positions and extensions by url are followed."""
    paths = compile_expression("Patient.extension('urn:x').value.ofType(string) | Patient.name[1].family", "Patient")
    document = {
        "extension": [{"url": "urn:x", "valueString": "a"}, {"url": "urn:y", "valueString": "b"}],
        "name": [{"family": "A"}, {"family": "B"}],
    }
    assert find(paths, document) == ["a", "B"]


def test_shared_sources() -> None:
    """Parameters that read the same place share its entries."""
    known = sources("Observation")
    assert known["patient"].numbers == known["subject"].numbers
    assert known["patient"].only == "Patient"
    assert set(known["combo-code"].numbers) == {*known["code"].numbers, *known["component-code"].numbers}


def test_entries_of_odd_values() -> None:
    """Money, ranges, timings, canonicals and partial values are indexed by what they have."""
    for kind, type_, value, part in (
        ("quantity", "Money", {"value": 3, "currency": "NGN"}, "numbers"),
        ("quantity", "Range", {"high": {"value": 3}}, "numbers"),
        ("date", "Timing", {"repeat": {"boundsPeriod": {"end": "2024"}}}, "dates"),
        ("reference", "canonical", "urn:q|1#x", "tokens"),
        ("token", "CodeableConcept", {"coding": [{"display": "x"}, {"code": "c"}]}, "tokens"),
    ):
        document = _entries(kind, type_, value)
        assert getattr(document, part), type_
    assert len(_entries("token", "Identifier", {"system": "urn:x"}).tokens) == 1
    assert _entries("quantity", "Quantity", {"unit": "kg"}).numbers == []
    assert composites.code_texts(True) == ["true"]
    assert composites.code_texts({"system": "s", "code": "c"}) == ["c", "s|c"]


def _entries(kind: str, type_: str, value: Any) -> Any:
    out = extract("Basic", {"resourceType": "Basic"})
    EMITTERS[kind][type_](value, 1, out)
    return out
