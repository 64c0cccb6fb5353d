"""Every modifier of FHIR R4 3.1.1.4.4 means what it says, on every kind of parameter that has it."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.tracker_core.records.searching import coded, found, put
from tracker_core import records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Malformed, Unsupported

UCUM = "http://unitsofmeasure.org"


@pytest.fixture
def chart(session: Session, context: Context) -> None:
    """Codes with displays, typed identifiers, uris that go on from one another, places, a hierarchy of places."""

    def place(id: str, latitude: float, longitude: float, part_of: str = "") -> dict[str, Any]:
        above = {"partOf": {"reference": f"Location/{part_of}"}} if part_of else {}
        return {
            "resourceType": "Location",
            "id": id,
            "position": {"latitude": latitude, "longitude": longitude},
            **above,
        }

    put(
        session,
        context,
        {
            "resourceType": "Patient",
            "id": "p",
            "identifier": [
                {"system": "urn:mrn", "value": "7", "type": {"coding": [{"system": "urn:kinds", "code": "MR"}]}},
                {"value": "8", "type": {"text": "Drivers licence"}},
            ],
            "telecom": [{"system": "phone", "value": "0700"}],
        },
        coded("o1", "a", "Headache, severe"),
        coded("o2", "b", "Fever", text="HOT to the touch"),
        coded("o3", "c", ""),
        place("hospital", 6.5, 3.4),
        place("ward", 6.51, 3.41, "hospital"),
        place("bed", 6.52, 3.42, "ward"),
        place("far", 9.05, 7.49),
        *(
            {"resourceType": "ValueSet", "id": f"v{n}", "url": url, "status": "draft"}
            for n, url in enumerate(("http://a.b/fhir", "http://a.b/fhir/vs", "http://a.b/fhir/vs/x", "http://a.b/fhirx"))
        ),
        {"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "AMB"},
         "location": [{"location": {"reference": "Location/bed"}}]},
    )  # fmt: skip


CASES = {
    "Observation": {
        "code:text=head": "o1",
        "code:text=fEv": "o2",
        "code:text=hot": "o2",
        "code:text=severe": "",
        "code:not=a": "o2 o3",
        "code:not=a,b": "o3",
        "value-string:missing=true": "o1 o2 o3",
    },
    "Patient": {
        "identifier:of-type=urn:kinds|MR|7": "p",
        "identifier:of-type=urn:kinds|DL|7": "",
        "identifier:text=driver": "p",
        "telecom=phone|0700": "p",
        "phone=0700": "p",
        "_id:not=q": "p",
        "_id:missing=false": "p",
        "_id:missing=true": "",
    },
    "ValueSet": {
        "url=http://a.b/fhir/vs": "v1",
        "url:below=http://a.b/fhir": "v0 v1 v2",
        "url:below=http://a.b/fhir/": "v1 v2",
        "url:above=http://a.b/fhir/vs/x": "v0 v1 v2",
        "url:above=http://a.b/fhir/vs/x/y": "v0 v1 v2",
        "url:below=urn:oid:1": "",
    },
    "Location": {
        "near=6.5|3.4|2|km": "hospital ward",
        "near=6.5|3.4|2000|m": "hospital ward",
        "near=6.5|3.4": "bed hospital ward",
        "near=6.5|3.4|1000": "bed far hospital ward",
        "near=9|7.5|10,6.5|3.4|0.1": "far hospital",
        "near:missing=true": "",
        "partof:below=hospital": "bed ward",
        "partof:above=bed": "bed ward",
    },
    "Encounter": {"location:below=hospital": "e", "location:below=far": "", "location:above=bed": "e"},
}


@pytest.mark.parametrize("type_", CASES)
def test_modifiers(session: Session, chart: None, type_: str) -> None:
    """Texts of codes, negations, typed identifiers, paths of uris, hierarchies of places, and nearness."""
    assert {query: found(session, type_, query) for query in CASES[type_]} == CASES[type_]


def test_codes_are_resolved_by_who_knows_them(session: Session, chart: None) -> None:
    """`:in`, `:not-in`, `:above` and `:below` ask for the codes that are meant; codes nobody knows are refused."""

    def codes(modifier: str, value: str) -> Sequence[tuple[str, str]] | None:
        return {"urn:vs": [("urn:c", "a"), ("urn:c", "b")], "urn:c|a": [("urn:c", "a"), ("urn:c", "c")]}.get(value)

    def ids(query: str) -> str:
        pair = tuple(query.split("=", 1))
        return " ".join(one.id for one in records.search(session, "Observation", [pair], codes=codes).matches)  # type: ignore[list-item]

    assert ids("code:in=urn:vs") == "o1 o2"
    assert ids("code:not-in=urn:vs") == "o3"
    assert ids("code:below=urn:c|a") == "o1 o3"
    for query in ("code:in=urn:other", "code:above=urn:c|zzz"):
        with pytest.raises(Malformed):
            ids(query)


def test_modifiers_that_do_not_fit(session: Session, chart: None) -> None:
    """A modifier that a parameter does not have is refused, as are values that are not of its form."""
    for type_, key, value in (
        ("Patient", "identifier:of-type", "urn:kinds|MR"),
        ("Location", "near", "here"),
        ("Location", "near", "6|3|5|kg"),
        ("Location", "near", "99|3"),
        ("Patient", "name:below", "a"),
        ("Patient", "birthdate:exact", "2020"),
        ("Observation", "code-value-quantity", "a$5|kg"),
    ):
        with pytest.raises(Malformed):
            records.search(session, type_, [(key, value)])
    for key, value in (("_id:text", "a"), ("code-value-quantity:missing", "true")):
        with pytest.raises(Unsupported):
            records.search(session, "Observation", [(key, value)])


@pytest.fixture
def measures(session: Session, context: Context) -> None:
    """The same mass in grams and milligrams, temperatures, a currency, a unit without a system, a bare number."""

    def measured(id: str, value: float, unit: str, system: str = UCUM, code: str = "") -> dict[str, Any]:
        quantity = {"value": value, "unit": unit, "system": system, "code": code or unit}
        return coded(id, "mass", "", valueQuantity={k: v for k, v in quantity.items() if v and (system or k != "code")})

    put(
        session,
        context,
        measured("mg", 5400, "mg"),
        measured("g", 5.4, "g"),
        measured("cel", 37, "Cel"),
        measured("far", 98.6, "degrees F", code="[degF]"),
        measured("box", 3, "boxes", system=""),
        measured("own", 3, "boxes", system="urn:own", code="bx"),
        coded("bare", "mass", "", valueQuantity={"value": 3}),
    )


QUANTITIES = {
    f"5.4|{UCUM}|g": "g mg",
    f"5400|{UCUM}|mg": "g mg",
    f"4|{UCUM}|g": "",
    f"0.0054|{UCUM}|kg": "g mg",
    f"gt5|{UCUM}|g": "g mg",
    f"gt5.4|{UCUM}|g": "",
    f"ge5.4|{UCUM}|g": "g mg",
    f"lt1|{UCUM}|mol": "",
    f"37.0|{UCUM}|Cel": "cel far",
    f"98.6|{UCUM}|[degF]": "cel far",
    f"310.15|{UCUM}|K": "cel far",
    "5.4||g": "g",
    "98.6||degrees F": "far",
    "3||boxes": "box own",
    "3|urn:own|bx": "own",
    "3|urn:own|": "own",
    "3": "bare box own",
    "gt90": "far mg",
}


def test_quantities_in_any_unit(session: Session, measures: None) -> None:
    """A UCUM unit finds what measures the same in another one; without a system the unit is a text."""
    assert {v: found(session, "Observation", f"value-quantity={v}") for v in QUANTITIES} == QUANTITIES


def test_coded_quantities_in_any_unit(session: Session, measures: None) -> None:
    """In a composite the unit counts as it does alone."""
    expected = {
        f"mass$5.4|{UCUM}|g": "g mg",
        f"urn:c|mass$lt1|{UCUM}|kg": "g mg",
        "mass$3||boxes": "box own",
        "x$3": "",
    }
    assert {v: found(session, "Observation", f"code-value-quantity={v}") for v in expected} == expected


def test_long_texts_are_found_throughout(session: Session, context: Context) -> None:
    """`:contains` finds what stands behind the 600 characters that an entry holds; the beginning is found as ever."""
    text = "Start " + "x" * 700 + " middle " + "y" * 700 + " end"
    put(session, context, {"resourceType": "ValueSet", "id": "v", "status": "draft", "description": text})
    for query in ("description=start", "description:contains=MIDDLE", "description:contains=end"):
        assert found(session, "ValueSet", query) == "v", query
    assert found(session, "ValueSet", "description=middle") == ""
