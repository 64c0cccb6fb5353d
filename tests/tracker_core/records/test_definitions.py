"""The reduced R4 definitions say what the specification says."""

import pytest

from tracker_core.records import definitions


@pytest.mark.parametrize(
    ("type_", "path", "many"),
    [
        ("Patient", "name", True),
        ("Patient", "name.given", True),
        ("Patient", "name.family", False),
        ("Patient", "contact.name.given", True),
        ("Patient", "birthDate", False),
        ("Observation", "component.referenceRange", True),
        ("Observation", "value[x]", False),
        ("Observation", "valueQuantity.value", False),
        ("Questionnaire", "item.item.item.linkId", False),
        ("HumanName", "given", True),
        ("Extension", "valueAddress.line", True),
    ],
)
def test_cardinality(type_: str, path: str, many: bool) -> None:
    """Elements exist, through choices, inner structures and content references, and are lists where R4 repeats them."""
    assert definitions.has(type_, path)
    assert definitions.is_list(type_, path) is many


@pytest.mark.parametrize("path", ["names", "name.givn", "valueQuantity", "contact.name.given.x"])
def test_unknown_elements(path: str) -> None:
    """A path that R4 does not have is not an element, and not a list."""
    assert not definitions.has("Patient", path)
    assert not definitions.is_list("Patient", path)


def test_required_codes_and_targets() -> None:
    """Required bindings carry their codes, references their targets, mandatory elements their mark."""
    gender = definitions.resolve("Patient", "gender")
    assert gender is not None
    assert gender.codes == {"male", "female", "other", "unknown"}
    subject = definitions.resolve("Encounter", "subject")
    assert subject is not None
    assert subject.targets == ("Group", "Patient")
    assert definitions.elements("Observation")["status"].required
    assert definitions.choices("MedicationRequest")["medication"] == (
        True,
        ("medicationCodeableConcept", "medicationReference"),
    )


def test_types_and_parameters() -> None:
    """Every concrete type has its own number, and so has every parameter of every type."""
    types = definitions.resource_types()
    assert len(types) == len(set(types.values())) == 146
    assert definitions.type_names()[types["Patient"]] == "Patient"
    numbers = [p.number for t in types for p in definitions.parameters(t).values()]
    assert len(numbers) == len(set(numbers))
    assert max(numbers) < 2**15, "index rows keep the number in a smallint"
    composite = definitions.parameters("Observation")["code-value-quantity"]
    assert composite.components == (("code", "code"), ("value-quantity", "value.as(Quantity)"))
    assert definitions.patient_parameters("Observation") == ("subject", "performer")


def test_elements_have_their_order_and_marks() -> None:
    """XML needs the order of elements and which are attributes; summaries need to know what they show."""
    names = list(definitions.elements("Patient"))
    assert names.index("identifier") < names.index("name") < names.index("deceasedBoolean") < names.index("link")
    assert definitions.elements("Extension")["url"].attribute
    assert not definitions.elements("Patient")["id"].attribute
    assert definitions.elements("Patient")["birthDate"].summary
    assert definitions.elements("Observation")["valueQuantity"].summary
    assert not definitions.elements("Patient")["photo"].summary
