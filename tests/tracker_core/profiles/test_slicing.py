"""Slices by each kind of discriminator and each rule."""

from typing import Any

import pytest

from tests.tracker_core.profiles.structures import BASE, at, errors, library, profile, sliced
from tracker_core.profiles import World

MRN = {"system": "urn:mrn", "value": "12"}


def patient(**parts: Any) -> dict[str, Any]:
    """A patient."""
    return {"resourceType": "Patient", **parts}


def observation(**parts: Any) -> dict[str, Any]:
    """An observation."""
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **parts}


def by_system(rules: str = "open", ordered: bool = False, least: int = 1) -> dict[str, Any]:
    """Identifiers sliced by the value of their system."""
    return profile(
        "systems",
        "Patient",
        at("Patient.identifier", slicing=sliced("value", "system", rules, ordered=ordered), min=1),
        at("Patient.identifier:mrn", min=least, max="1"),
        at("Patient.identifier:mrn.system", min=1, fixedUri="urn:mrn"),
        at("Patient.identifier:mrn.value", min=1, maxLength=4),
        at("Patient.identifier:card"),
        at("Patient.identifier:card.system", min=1, fixedUri="urn:card"),
    )


def test_by_value() -> None:
    """A slice is known by a fixed value below it, has its own cardinality and rules."""
    rule = by_system()
    assert errors(patient(identifier=[MRN]), rule) == []
    assert errors(patient(identifier=[MRN, {"system": "urn:other"}]), rule) == []
    assert errors(patient(), rule) == [("required", "Patient")]
    assert errors(patient(identifier=[{"system": "urn:x"}]), rule) == [("required", "Patient.identifier")]
    assert errors(patient(identifier=[MRN, MRN]), rule) == [("structure", "Patient.identifier")]
    long = MRN | {"value": "12345"}
    assert errors(patient(identifier=[long]), rule) == [("too-long", "Patient.identifier[0].value")]
    assert errors(patient(identifier=[{"system": "urn:mrn"}]), rule) == [("required", "Patient.identifier[0]")]


def test_rules_of_slicing() -> None:
    """Closed lets nothing else in, openAtEnd nothing else before, ordered keeps the order of the slices."""
    other, card = {"system": "urn:other"}, {"system": "urn:card"}
    assert errors(patient(identifier=[MRN, other]), by_system("closed")) == [("structure", "Patient.identifier[1]")]
    assert errors(patient(identifier=[MRN, other]), by_system("openAtEnd")) == []
    assert errors(patient(identifier=[other, MRN]), by_system("openAtEnd")) == [("structure", "Patient.identifier[0]")]
    assert errors(patient(identifier=[card, MRN]), by_system(ordered=True)) == [("structure", "Patient.identifier")]
    assert errors(patient(identifier=[MRN, other, card]), by_system(ordered=True)) == []


@pytest.mark.parametrize("kind", ["value", "pattern"])
def test_by_pattern(kind: str) -> None:
    """A pattern of the whole is matched by what has all of it; more may be there."""
    vital = {"coding": [{"system": "urn:categories", "code": "vital"}]}
    rule = profile(
        "vitals",
        "Observation",
        at("Observation.category", slicing=sliced(kind, "$this")),
        at("Observation.category:vital", min=1, max="1", patternCodeableConcept=vital),
    )
    more = {"coding": [{"code": "other"}, vital["coding"][0] | {"display": "Vital sign"}], "text": "vital"}
    assert errors(observation(category=[{"text": "x"}, more]), rule) == []
    assert errors(observation(category=[{"coding": [{"code": "vital"}]}]), rule) == [
        ("required", "Observation.category")
    ]


def test_by_a_pattern_above_the_path() -> None:
    """Components are told apart by a code that is a pattern of the concept."""
    rule = profile(
        "pressures",
        "Observation",
        at("Observation.component", slicing=sliced("value", "code.coding.code")),
        at("Observation.component:low", min=1),
        at("Observation.component:low.code", patternCodeableConcept={"coding": [{"code": "8462-4"}]}),
        at("Observation.component:low.value[x]", min=1),
    )
    low = {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueInteger": 80}
    assert errors(observation(component=[low]), rule) == []
    assert errors(observation(component=[{"code": low["code"]}]), rule) == [("required", "Observation.component[0]")]


def test_by_a_required_binding() -> None:
    """A slice may be known by the value set that its codes come from."""
    rule = profile(
        "bound",
        "Observation",
        at("Observation.category", slicing=sliced("value", "$this")),
        at("Observation.category:ours", min=1, binding={"strength": "required", "valueSet": "urn:vs"}),
    )
    world = World(library(rule), lambda vs, held: "in" if vs == "urn:vs" and held[0][1] == "a" else "out")
    assert ("required", "Observation.category") not in errors(
        observation(category=[{"coding": [{"system": "urn:x", "code": "a"}]}]), rule, world=world
    )
    assert ("required", "Observation.category") in errors(
        observation(category=[{"coding": [{"system": "urn:x", "code": "b"}]}]), rule, world=world
    )


def test_by_type() -> None:
    """A choice is divided by its types; the short path of one type means the slice."""
    rule = profile(
        "typed",
        "Observation",
        at("Observation.value[x]", slicing=sliced("type", "$this", "closed")),
        at("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}], max="1"),
        at("Observation.value[x]:valueQuantity.code", min=1),
        at("Observation.value[x]:valueString", type=[{"code": "string"}], maxLength=3),
    )
    assert errors(observation(valueQuantity={"value": 1, "code": "kg", "system": "urn:u"}), rule) == []
    assert errors(observation(valueQuantity={"value": 1}), rule) == [("required", "Observation.value.ofType(Quantity)")]
    assert errors(observation(valueString="long"), rule) == [("too-long", "Observation.value.ofType(string)")]
    assert errors(observation(valueInteger=1), rule) == [("structure", "Observation.value.ofType(integer)")]
    short = profile(
        "short", "Observation", at("Observation.valueQuantity", min=1), at("Observation.valueQuantity.code", min=1)
    )
    assert errors(observation(valueQuantity={"value": 1}), short) == [
        ("required", "Observation.value.ofType(Quantity)")
    ]
    assert errors(observation(valueString="x"), short) == [
        ("structure", "Observation.value.ofType(string)"),
        ("required", "Observation.value"),
    ]


def test_by_existence() -> None:
    """What has an element is one slice, what has none another."""
    rule = profile(
        "existing",
        "Patient",
        at("Patient.name", slicing=sliced("exists", "period")),
        at("Patient.name:old", max="1"),
        at("Patient.name:old.period", min=1),
        at("Patient.name:now", min=1),
        at("Patient.name:now.period", max="0"),
    )
    old = {"family": "X", "period": {"end": "2000"}}
    assert errors(patient(name=[old, {"family": "Y"}]), rule) == []
    assert errors(patient(name=[old]), rule) == [("required", "Patient.name")]
    assert errors(patient(name=[old, old, {"family": "Y"}]), rule) == [("structure", "Patient.name")]


def test_by_profile_of_what_is_referred_to() -> None:
    """References are divided by the profile that their targets conform to."""
    final = profile("final", "Observation", at("Observation.status", fixedCode="final"))
    rule = profile(
        "members",
        "Observation",
        at("Observation.hasMember", slicing=sliced("profile", "resolve()")),
        at("Observation.hasMember:final", min=1, type=[{"code": "Reference", "targetProfile": [final["url"]]}]),
    )
    inner = observation(id="a")
    whole = observation(contained=[inner], hasMember=[{"reference": "#a"}])
    assert errors(whole, rule, final) == []
    assert errors(whole | {"contained": [inner | {"status": "preliminary"}]}, rule, final) == [
        ("required", "Observation.hasMember")
    ]


def test_by_type_of_what_is_referred_to() -> None:
    """References are divided by the type of their targets."""
    rule = profile(
        "performers",
        "Observation",
        at("Observation.performer", slicing=sliced("type", "resolve()")),
        at("Observation.performer:org", min=1, type=[{"code": "Reference", "targetProfile": [BASE + "Organization"]}]),
    )
    ward = {"resourceType": "Organization", "id": "o", "name": "Ward"}
    assert errors(observation(contained=[ward], performer=[{"reference": "#o"}]), rule) == []
    nurse = {"resourceType": "Practitioner", "id": "o"}
    assert errors(observation(contained=[nurse], performer=[{"reference": "#o"}]), rule) == [
        ("required", "Observation.performer")
    ]


def extension(name: str = "tribe") -> dict[str, Any]:
    """An extension that holds a text."""
    made = profile(
        name,
        "Extension",
        at("Extension.url", fixedUri=f"urn:profile:{name}"),
        at("Extension.value[x]", min=1, type=[{"code": "string"}]),
    )
    return made | {"kind": "complex-type", "context": [{"type": "element", "expression": "Patient"}]}


def test_extensions_by_their_profile() -> None:
    """An extension is a slice by its url; its definition is gone into, and its place looked at."""
    rule = profile(
        "tribes",
        "Patient",
        at("Patient.extension", slicing=sliced("value", "url")),
        at("Patient.extension:tribe", min=1, max="1", type=[{"code": "Extension", "profile": ["urn:profile:tribe"]}]),
    )
    tribe = {"url": "urn:profile:tribe", "valueString": "x"}
    assert errors(patient(extension=[tribe]), rule, extension()) == []
    assert errors(patient(), rule, extension()) == [("required", "Patient.extension")]
    assert errors(patient(extension=[{"url": "urn:x:y", "valueString": "x"}]), rule, extension()) == [
        ("required", "Patient.extension")
    ]
    wrong = errors(patient(extension=[tribe | {"valueString": ""}]), rule, extension())
    assert wrong == [("value", "Patient.extension[0].value.ofType(string)")]
    elsewhere = patient(extension=[tribe], name=[{"family": "x", "extension": [tribe]}])
    assert errors(elsewhere, rule, extension()) == [("extension", "Patient.name[0].extension[0]")]


def test_slices_of_slices() -> None:
    """A slice that is sliced again."""
    rule = profile(
        "twice",
        "Patient",
        at("Patient.telecom", slicing=sliced("value", "system")),
        at("Patient.telecom:phone", slicing=sliced("value", "use")),
        at("Patient.telecom:phone.system", min=1, fixedCode="phone"),
        at("Patient.telecom:phone/work", min=1),
        at("Patient.telecom:phone/work.use", min=1, fixedCode="work"),
    )
    work = {"system": "phone", "use": "work", "value": "1"}
    assert errors(patient(telecom=[work]), rule) == []
    assert errors(patient(telecom=[work | {"use": "home"}]), rule) == [("required", "Patient.telecom")]


@pytest.mark.parametrize(
    ("kind", "expression", "right"),
    [
        ("element", "Patient", True),
        ("element", "DomainResource", True),
        ("element", "Element", True),
        ("element", "Observation", False),
        ("element", "Patient.name", False),
        ("fhirpath", "Patient", True),
        ("fhirpath", "Patient.name", False),
        ("fhirpath", "name.nothing(", True),
        ("extension", "urn:outer", False),
    ],
)
def test_contexts_of_extensions(kind: str, expression: str, right: bool) -> None:
    """An extension says where it may stand: by path, type, FHIRPath, or within another extension."""
    defined = extension() | {"context": [{"type": kind, "expression": expression}]}
    rule = profile("plain", "Patient")
    found = errors(patient(extension=[{"url": "urn:profile:tribe", "valueString": "x"}]), rule, defined)
    assert found == ([] if right else [("extension", "Patient.extension[0]")])


def test_an_extension_within_an_extension() -> None:
    """One that may stand in another one only."""
    defined = extension() | {"context": [{"type": "extension", "expression": "urn:x:outer"}]}
    outer = {"url": "urn:x:outer", "extension": [{"url": "urn:profile:tribe", "valueString": "x"}]}
    assert errors(patient(extension=[outer]), profile("plain", "Patient"), defined) == []


def test_the_url_of_something_else_is_no_extension() -> None:
    """An extension's url names the definition of an extension."""
    used = {"url": "http://hl7.org/fhir/StructureDefinition/Patient", "valueString": "x"}
    assert errors(patient(extension=[used]), profile("plain", "Patient")) == [("extension", "Patient.extension[0]")]


def test_what_is_found_by_no_discriminator_of_a_slice() -> None:
    """A discriminator that leads nowhere, or that a slice says nothing of, matches nothing."""
    rule = profile(
        "nowhere",
        "Patient",
        at("Patient.identifier", slicing=sliced("value", "system.toInteger()")),
        at("Patient.identifier:x", max="1"),
        at("Patient.contact", slicing=sliced("exists", "name")),
        at("Patient.contact:y", max="1"),
    )
    assert errors(patient(identifier=[MRN, MRN], contact=[{"name": {"text": "x"}}] * 2), rule) == []
