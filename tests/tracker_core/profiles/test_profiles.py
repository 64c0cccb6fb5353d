"""Profiles by snapshot and by differential: values, bounds, targets, and profiles of profiles."""

from decimal import Decimal
from typing import Any

import pytest

from tests.tracker_core.profiles.structures import BASE, at, errors, library, profile
from tracker_core.profiles import World, validate
from tracker_core.profiles.trees import grow, identified

OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


@pytest.mark.parametrize(
    ("element", "right", "wrong"),
    [
        (at("Observation.status", fixedCode="final"), {}, {"status": "amended"}),
        (at("Observation.code", patternCodeableConcept={"text": "x"}), {}, {"code": {"text": "y"}}),
        (at("Observation.subject", min=1), {"subject": {"display": "z"}}, {}),
        (at("Observation.note", max="0"), {}, {"note": [{"text": "z"}]}),
        (at("Observation.note", max="1"), {"note": [{"text": "z"}]}, {"note": [{"text": "z"}, {"text": "y"}]}),
        (at("Observation.note.text", maxLength=2), {"note": [{"text": "zz"}]}, {"note": [{"text": "zzz"}]}),
        (at("Observation.value[x]", type=[{"code": "string"}]), {"valueString": "z"}, {"valueBoolean": True}),
        (at("Observation.valueInteger", minValueInteger=3), {"valueInteger": 3}, {"valueInteger": 2}),
        (at("Observation.valueInteger", maxValueInteger=3), {"valueInteger": 3}, {"valueInteger": 4}),
        (
            at("Observation.valueQuantity", maxValueQuantity={"value": 1, "code": "kg"}),
            {"valueQuantity": {"value": Decimal("999.5"), "code": "g", "system": "urn:u"}},
            {"valueQuantity": {"value": Decimal("1000.5"), "code": "g", "system": "urn:u"}},
        ),
        (
            at("Observation.effectiveDateTime", minValueDateTime="2020-01-01"),
            {"effectiveDateTime": "2020-01-02"},
            {"effectiveDateTime": "2019-12-31"},
        ),
        (
            at("Observation.subject", type=[{"code": "Reference", "targetProfile": [BASE + "Group"]}]),
            {"subject": {"reference": "Group/1"}},
            {"subject": {"reference": "Patient/1"}},
        ),
        (
            at(
                "Observation.subject",
                type=[{"code": "Reference", "targetProfile": [BASE + "Patient"], "aggregation": ["contained"]}],
            ),
            {"contained": [{"resourceType": "Patient", "id": "p"}], "subject": {"reference": "#p"}},
            {"subject": {"reference": "Patient/1"}},
        ),
        (
            at(
                "Observation",
                constraint=[{"key": "own-1", "severity": "error", "human": "x", "expression": "note.exists()"}],
            ),
            {"note": [{"text": "x"}]},
            {},
        ),
    ],
)
def test_what_a_profile_says_of_an_element(element: dict[str, Any], right: Any, wrong: Any) -> None:
    """Each kind of rule lets the right document through, and the wrong one not."""
    rule = profile("one", "Observation", element)
    assert errors(OBSERVATION | right, rule) == []
    assert len(errors(OBSERVATION | wrong, rule)) == 1


def test_a_profile_of_a_profile_asks_for_both() -> None:
    """A differential lies over the tree of its base."""
    base = profile("base", "Observation", at("Observation.subject", min=1))
    own = profile("own", "Observation", at("Observation.note", min=1), base=base["url"])
    found = errors(OBSERVATION, own, base)
    assert found == [("required", "Observation"), ("required", "Observation")]
    assert errors(OBSERVATION | {"subject": {"display": "x"}, "note": [{"text": "x"}]}, own, base) == []


def test_a_snapshot_counts_as_it_is() -> None:
    """With a snapshot, base and differential are not asked; ids may be missing."""
    elements = [
        {"path": "Patient", "min": 0, "max": "*"},
        {"path": "Patient.name", "min": 1, "max": "*", "type": [{"code": "HumanName"}]},
        {"path": "Patient.identifier", "min": 0, "max": "*", "type": [{"code": "Identifier"}],
         "slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}},
        {"path": "Patient.identifier", "sliceName": "mrn", "min": 1, "max": "1", "type": [{"code": "Identifier"}]},
        {"path": "Patient.identifier.system", "min": 1, "max": "1", "type": [{"code": "uri"}], "fixedUri": "urn:mrn"},
    ]  # fmt: skip
    whole = profile("whole", "Patient", base="urn:not-known") | {"snapshot": {"element": elements}}
    mrn = {"system": "urn:mrn"}
    assert errors({"resourceType": "Patient", "name": [{"family": "x"}], "identifier": [mrn]}, whole) == []
    assert errors({"resourceType": "Patient", "identifier": [mrn, mrn]}, whole) == [
        ("required", "Patient"),
        ("structure", "Patient.identifier"),
    ]


def test_ids_are_made_where_publishers_left_them_out() -> None:
    """An element without an id belongs to the slice that was opened last above it."""
    elements = [{"path": "P.a"}, {"path": "P.a", "sliceName": "x"}, {"path": "P.a.b"}, {"path": "P.c"}]
    assert [id for id, _ in identified(elements)] == ["P.a", "P.a:x", "P.a:x.b", "P.c"]


def test_a_profile_without_its_base_is_not_known() -> None:
    """Nothing is validated against what cannot be grown."""
    orphan = profile("orphan", "Patient", base="urn:gone")
    assert grow(orphan, lambda _url: None) is None
    assert errors({"resourceType": "Patient"}, orphan) == [("not-found", "Patient")]


def test_targets_are_validated_where_they_can_be_read() -> None:
    """A reference to what does not conform to the target profile is told at the reference."""
    named = profile("named", "Patient", at("Patient.name", min=1))
    rule = profile(
        "about", "Observation",
        at("Observation.subject", type=[{"code": "Reference", "targetProfile": [named["url"]]}]),
    )  # fmt: skip
    patients = {
        "Patient/1": {"resourceType": "Patient"},
        "Patient/2": {"resourceType": "Patient", "name": [{"text": "x"}]},
    }
    world = World(library(rule, named), fetch=patients.get, stored=True)
    assert errors(OBSERVATION | {"subject": {"reference": "Patient/1"}}, rule, world=world) == [
        ("value", "Observation.subject")
    ]
    assert errors(OBSERVATION | {"subject": {"reference": "Patient/2"}}, rule, world=world) == []


def test_types_with_profiles() -> None:
    """A data type of a profile is validated by it."""
    short = profile("short", "HumanName", at("HumanName.family", min=1, maxLength=3)) | {"kind": "complex-type"}
    rule = profile("people", "Patient", at("Patient.name", type=[{"code": "HumanName", "profile": [short["url"]]}]))
    assert errors({"resourceType": "Patient", "name": [{"family": "Obi"}]}, rule, short) == []
    assert errors({"resourceType": "Patient", "name": [{"family": "Okoro"}]}, rule, short) == [
        ("too-long", "Patient.name[0].family")
    ]


def test_a_profile_about_another_type() -> None:
    """A profile says what it is about."""
    rule = profile("about-patients", "Patient")
    assert errors(OBSERVATION, rule) == [("structure", "Observation")]


def test_invariants_that_cannot_be_read_or_evaluated() -> None:
    """They are told when a profile is loaded, or warned of where they fail; the rest is validated."""
    rule = profile(
        "odd",
        "Patient",
        at(
            "Patient",
            constraint=[
                {"key": "x-1", "severity": "error", "human": "x", "expression": "name.magic()"},
                {"key": "x-2", "severity": "error", "human": "x", "expression": "name.given.toInteger() > 1"},
                {"key": "x-3", "severity": "warning", "human": "x", "expression": "birthDate.exists()"},
            ],
        ),
    )
    held = library(rule)
    known = held.profile(rule["url"])
    assert known is not None
    assert known.rule.unread[0].startswith("x-1")
    document = {"resourceType": "Patient", "name": [{"given": ["a", "b"]}]}
    found = validate(World(held), [document], [rule["url"]])[0]
    told = {one.text[:3]: one.severity for one in found if one.code == "invariant" and one.text[0] == "x"}
    assert told == {"x-2": "warning", "x-3": "warning"}


def test_invariants_may_ask_for_profiles_and_value_sets() -> None:
    """`conformsTo` and `memberOf` are answered by the library and by terminology; what is not known leaves it open."""
    named = profile("named", "Patient", at("Patient.name", min=1))
    keys = {
        "a-1": f"conformsTo('{named['url']}')",
        "a-2": "gender.memberOf('urn:vs')",
        "a-3": "conformsTo('urn:unknown')",
        "a-4": "gender.memberOf('urn:unknown')",
    }
    constraints = [{"key": k, "severity": "error", "human": "x", "expression": x} for k, x in keys.items()]
    rule = profile("asks", "Patient", at("Patient", constraint=constraints))

    def codes(value_set: str, held: Any) -> Any:
        return "unknown" if value_set != "urn:vs" else "in" if held[0][1] == "male" else "out"

    world = World(library(rule, named), codes)

    def broken(document: dict[str, Any]) -> set[str]:
        found = validate(world, [document], [rule["url"]])[0]
        return {one.text[:3] for one in found if one.severity == "error"}

    assert broken({"resourceType": "Patient", "name": [{"text": "x"}], "gender": "male"}) == set()
    assert broken({"resourceType": "Patient", "gender": "female"}) == {"a-1", "a-2"}
