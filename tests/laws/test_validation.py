"""Laws of validation: what is required is missed, whatever is sent is judged, and nothing is wrong twice."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.fhir.minimal import minimal
from tracker_core.profiles import Library, World, validate
from tracker_core.records.definitions import elements, resource_types

WORLD = World(Library())
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ada",
    "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>'},
    "extension": [{"url": "urn:a:b", "valueString": "x"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Ward"}],
    "name": [{"family": "Obi", "given": ["Ada"], "_given": [{"id": "g"}], "period": {"start": "2020"}}],
    "birthDate": "1990-05-04",
    "managingOrganization": {"reference": "#o"},
    "multipleBirthInteger": 2,
}
DOCUMENT = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"fullUrl": "urn:uuid:1", "resource": PATIENT}],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["#o", "2020-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document but its root."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here for key, inner in pairs for here in [(*at, key), *places(inner, (*at, key))]]


def changed(document: dict[str, Any], at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with another value at a place."""
    made = copy.deepcopy(document)
    inner: Any = made
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return made


@pytest.mark.parametrize("type_", sorted(resource_types()))
def test_what_is_required_is_missed(type_: str) -> None:
    """Of every type, each required element that is taken away is told, by name, where it should be."""
    whole = minimal(type_)
    assert not [one for one in validate(WORLD, [whole])[0] if one.code == "required" and one.where == type_]
    for name in [one.name for one in elements(type_).values() if one.required]:
        without = {key: value for key, value in whole.items() if key != name}
        told = [one.text for one in validate(WORLD, [without])[0] if one.code == "required" and one.where == type_]
        assert told == [f"{name} is missing"]


@given(st.sampled_from(places(DOCUMENT)), JSON)
def test_whatever_is_sent_is_judged(at: tuple[Any, ...], value: Any) -> None:
    """Any JSON at any place is a report and never a failure; and the same is not told twice."""
    (found,) = validate(WORLD, [changed(DOCUMENT, at, value)])
    keys = [(one.where, one.code, one.text) for one in found]
    assert len(keys) == len(set(keys))


@given(st.sampled_from(["name", "birthDate", "contained", "managingOrganization", "extension"]))
def test_an_element_that_does_not_exist_is_told_anywhere(name: str) -> None:
    """An unknown element is an error in every object."""
    for at in places(PATIENT):
        inner: Any = PATIENT
        for key in at:
            inner = inner[key]
        if at[0] == name and isinstance(inner, dict):
            found = validate(WORLD, [changed(PATIENT, (*at, "colour"), "red")])[0]
            assert any(one.code == "structure" and "colour" in one.text for one in found)
