"""Paths compiled to places: get, put, drop, and the items of a list."""

from typing import Any

import pytest

from mappings.paths import DOCUMENT, Path, parse_path
from mappings.places import MISSING, Place, compile_list, compile_place

SD = "http://hl7.org/fhir/StructureDefinition/"


def place(path: str, structure: str = "Patient") -> Place:
    """Compile a path."""
    return compile_place(parse_path(path, structure))


@pytest.mark.parametrize(
    ("path", "structure", "value", "document"),
    [
        ("gender", "Patient", "female", {"gender": "female"}),
        ("name", "Patient", {"family": "A"}, {"name": [{"family": "A"}]}),
        ("name.given", "Patient", "A", {"name": [{"given": ["A"]}]}),
        ("maritalStatus.text", "Patient", "m", {"maritalStatus": {"text": "m"}}),
        ("identifier[use=old].value", "Patient", "1", {"identifier": [{"use": "old", "value": "1"}]}),
        ("identifier[use=old]", "Patient", {"value": "1"}, {"identifier": [{"value": "1", "use": "old"}]}),
        (
            "identifier[type=v2-0203|SS,use=old].value",
            "Patient",
            "1",
            {
                "identifier": [
                    {
                        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "SS"}]},
                        "use": "old",
                        "value": "1",
                    }
                ]
            },
        ),
        ("meta.profile", "Patient", "p", {"meta": {"profile": ["p"]}}),
        ("given[1]", "HumanName", "A", {"given": ["A"]}),
        ("coding[1].code", "CodeableConcept", "A", {"coding": [{"code": "A"}]}),
        ("deceased[x]", "Patient", {"deceasedBoolean": True}, {"deceasedBoolean": True}),
        ("_birthDate.extension[url=sd:x].valueCode", "Patient", "u", None),
        ("Observation[code=loinc|1].valueString", DOCUMENT, "v", None),
    ],
)
def test_put_get_drop(path: str, structure: str, value: Any, document: dict[str, Any] | None) -> None:
    """What was put is got; dropping it leaves nothing, husks neither."""
    at = place(path, structure)
    made: dict[str, Any] = {}
    assert at.get(made) is MISSING
    at.drop(made)
    at.put(made, value)
    assert document is None or made == document
    assert at.get(made) == value
    before = repr(made)
    at.put(made, at.get(made))
    assert repr(made) == before
    at.drop(made)
    assert made == {}


def test_drop_leaves_what_is_beside() -> None:
    """Other items, other keys and other extensions stay."""
    made: dict[str, Any] = {
        "identifier": [{"use": "old", "value": "1"}, {"value": "2"}],
        "name": [{"given": ["A", "B"]}],
    }
    place("identifier[use=old].value").drop(made)
    place("name.given").drop(made)
    assert made == {"identifier": [{"value": "2"}], "name": [{"given": ["B"]}]}
    concept: dict[str, Any] = {"coding": [{"code": "A"}, {"code": "B"}]}
    place("coding[1]", "CodeableConcept").drop(concept)
    assert concept == {"coding": [{"code": "B"}]}
    place("coding[2].code", "CodeableConcept").put(concept, "C")
    assert concept == {"coding": [{"code": "B"}, {"code": "C"}]}


def test_none_is_a_change() -> None:
    """A place whose change clears it is `None`, and a later value takes its place."""
    made: dict[str, Any] = {"gender": None, "name": None, "deceasedBoolean": None}
    assert place("gender").get(made) is None
    assert place("name").get(made) is None
    assert place("deceased[x]").get(made) is None
    place("name.family").put(made, "A")
    assert made["name"] == [{"family": "A"}]
    place("name").put(made, None)
    assert made["name"] is None
    made = {"identifier": [{"use": "old", "value": "1"}]}
    place("identifier[use=old]").put(made, None)
    assert made == {}


def test_one_variant_of_a_choice() -> None:
    """Setting one variant removes the others; an extension may be one of them."""
    url = f"{SD}other"
    path = parse_path("value[x]", "Observation")
    at = compile_place(path, (f"extension[{url}]",))
    made: dict[str, Any] = {"valueString": "a", "extension": [{"url": "urn:else"}]}
    at.put(made, {"extension": [{"url": url, "valueCode": "c"}]})
    assert made == {"extension": [{"url": "urn:else"}, {"url": url, "valueCode": "c"}]}
    assert at.get(made) == {"extension": [{"url": url, "valueCode": "c"}]}
    at.put(made, {"valueInteger": 1})
    assert made == {"extension": [{"url": "urn:else"}], "valueInteger": 1}
    at.drop(made)
    assert made == {"extension": [{"url": "urn:else"}]}


def claims(path: Path, *others: str) -> Any:
    """Compile a list beside other rows of its table."""
    return compile_list(path, [parse_path(other, path.structure).steps[:1] for other in others])


def test_items_of_a_list() -> None:
    """A selector claims its items, `*` alone what nobody else claims; an equal item is added once, keys are stamped."""
    home = claims(parse_path("telecom[use=home]*", "Patient"))
    rest = claims(parse_path("telecom*", "Patient"), "telecom[use=home]*")
    made: dict[str, Any] = {}
    for contact in ({"value": "1"}, {"value": "1"}, {"value": "2", "use": "work"}):
        home.add(made, dict(contact))
    rest.add(made, {"value": "3"})
    assert made["telecom"] == [{"value": "1", "use": "home"}, {"value": "2", "use": "work"}, {"value": "3"}]
    assert [item["value"] for item in home.all(made)] == ["1"]
    assert [item["value"] for item in rest.items(made)] == ["2", "3"]
    assert home.find({}) is None


def test_items_with_a_rest() -> None:
    """The rest of the path is read in each item and made in a new one."""
    path = "participant[type=v3-ParticipationType|ATND]*.individual.display"
    attending = compile_list(parse_path(path, "Encounter"))
    made: dict[str, Any] = {"participant": [{"individual": {"display": "X"}}]}
    attending.add(made, "A")
    attending.add(made, "B")
    assert attending.all(made) == ["A", "B"]
    assert len(made["participant"]) == 3
    deep = compile_list(parse_path("reaction.manifestation*.text", "AllergyIntolerance"))
    made = {}
    deep.add(made, "hives")
    assert made == {"reaction": [{"manifestation": [{"text": "hives"}]}]}
    assert deep.all({}) == []
