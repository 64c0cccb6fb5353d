"""Searches mean what FHIR R4 3.1.1 says they mean."""

import json
from typing import Any

import pytest

from tests.tracker_core.records.searching import found, put
from tracker_core import records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Malformed, Unsupported

LOINC = "http://loinc.org"


def ids(session: Session, query: str, type_: str = "Patient") -> str:
    """The ids that a search of patients finds, or of another type, in order; issues are not expected."""
    return found(session, type_, query)


def patient(id: str, **elements: Any) -> dict[str, Any]:
    """A Patient document."""
    return {"resourceType": "Patient", "id": id, **elements}


def observation(id: str, code: str = "a", **elements: Any) -> dict[str, Any]:
    """An Observation document."""
    coded = {"coding": [{"system": LOINC, "code": code}]}
    return {"resourceType": "Observation", "id": id, "status": "final", "code": coded, **elements}


@pytest.fixture
def people(session: Session, context: Context) -> None:
    """Four patients with names, identifiers and birth dates of different precision."""
    put(
        session,
        context,
        patient(
            "a",
            identifier=[{"system": "urn:nid", "value": "1"}],
            name=[{"family": "Müller", "given": ["Änne", "Rose"]}],
            birthDate="1987-06-15",
            gender="female",
            deceasedBoolean=False,
        ),
        patient(
            "b",
            identifier=[{"system": "urn:nid", "value": "2"}, {"value": "1"}],
            name=[{"family": "muller", "given": ["Rosa"]}],
            birthDate="1987",
            gender="male",
            deceasedDateTime="2020-01-01",
        ),
        patient("c", identifier=[{"system": "urn:old", "value": "1"}], birthDate="1987-06", telecom=[{"value": "+1"}]),
        patient("d", name=[{"text": "Dr. O'Neil, MD", "prefix": ["Dr."]}]),
    )


TOKENS = {
    "identifier=urn:nid|1": "a",
    "identifier=1": "a b c",
    "identifier=|1": "b",
    "identifier=urn:nid|": "a b",
    "identifier=urn:nid|1,urn:nid|2": "a b",
    "identifier=urn:nid|2&identifier=1": "b",
    "identifier:not=urn:nid|1,urn:nid|2": "c d",
    "gender=male": "b",
    "gender=http://hl7.org/fhir/administrative-gender|male": "b",
    "gender:not=male": "a c d",
    "gender:missing=true": "c d",
    "gender:missing=false": "a b",
    "birthdate:missing=true": "d",
    "deceased=true": "b",
    "deceased=false": "a c d",
    "telecom=+1": "c",
    "_id=a,d": "a d",
}


def test_tokens(session: Session, people: None) -> None:
    """Codes are matched with and without their system, alternatives by comma, conjunctions by repetition."""
    assert {query: ids(session, query) for query in TOKENS} == TOKENS


STRINGS = {
    "family=mul": "a b",
    "name=MÜLL": "a b",
    "family:exact=Müller": "a",
    "family:exact=muller": "b",
    "family:exact=Mull": "",
    "name:contains=OS": "a b",
    "given=ros": "a b",
    "given=rosa": "b",
    "given=rosa,änne": "a b",
    "name=dr. o'neil\\, md": "d",
    "name=neil": "",
}


def test_strings(session: Session, people: None) -> None:
    """Texts match by their beginning without case and accents, unless they are asked for exactly."""
    assert {query: ids(session, query) for query in STRINGS} == STRINGS


DATES = {
    "birthdate=1987": "a b c",
    "birthdate=1987-06": "a c",
    "birthdate=eq1987-06-15": "a",
    "birthdate=ne1987-06": "b",
    "birthdate=gt1987-06": "b",
    "birthdate=lt1987-06": "b",
    "birthdate=ge1987-06": "a b c",
    "birthdate=le1987-06": "a b c",
    "birthdate=sa1987-05": "a c",
    "birthdate=eb1987-07": "a c",
    "birthdate=ap1987-06-15": "a b c",
    "birthdate=1986,1987-06-15": "a",
    "birthdate=ge1987-06-01&birthdate=lt1987-06-15": "b c",
    "death-date=2020": "b",
}


def test_dates(session: Session, people: None) -> None:
    """A date stands for its whole range: equal means that the searched range contains the stored one."""
    assert {query: ids(session, query) for query in DATES} == DATES


@pytest.fixture
def measurements(session: Session, context: Context) -> None:
    """Observations of two patients, within an encounter, with values, periods and components."""

    def value(number: float, unit: str = "kg") -> dict[str, Any]:
        return {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}

    put(
        session,
        context,
        patient("p1", name=[{"family": "Abara"}], identifier=[{"system": "urn:nid", "value": "1"}]),
        patient("p2", name=[{"family": "Bello"}]),
        {"resourceType": "Organization", "id": "o1", "name": "Clinic"},
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p1"},
            "serviceProvider": {"reference": "Organization/o1"},
        },
        observation(
            "w1",
            "weight",
            subject={"reference": "Patient/p1"},
            encounter={"reference": "Encounter/e1"},
            effectiveDateTime="2024-03-01T08:00:00Z",
            valueQuantity=value(72.5),
        ),
        observation(
            "w2",
            "weight",
            subject={"reference": "Patient/p2"},
            effectivePeriod={"start": "2024-05-01"},
            valueQuantity=value(5),
        ),
        observation(
            "b1",
            "pressure",
            subject={"reference": "Patient/p1"},
            effectiveDateTime="2024-04-01",
            component=[
                {"code": {"coding": [{"system": LOINC, "code": "sys"}]}, "valueQuantity": value(120, "mmHg")},
                {"code": {"coding": [{"system": LOINC, "code": "dia"}]}, "valueQuantity": value(80, "mmHg")},
            ],
        ),
        observation(
            "r1",
            "result",
            subject={"identifier": {"system": "urn:nid", "value": "1"}},
            valueCodeableConcept={"coding": [{"system": "urn:c", "code": "pos"}]},
            focus=[{"reference": "http://else.where/fhir/Patient/p9"}, {"reference": "urn:uuid:1"}],
        ),
    )


OBSERVATIONS = {
    "patient=p1": "b1 w1",
    "patient=Patient/p1": "b1 w1",
    "subject=Patient/p2,Patient/p1": "b1 w1 w2",
    "subject:Patient=p2": "w2",
    "subject=http://here/fhir/Patient/p2": "w2",
    "patient=Device/p1": "",
    "patient=nobody": "",
    "subject:identifier=urn:nid|1": "r1",
    "subject:missing=true": "",
    "encounter=e1": "w1",
    "focus=urn:uuid:1": "r1",
    "patient=p1&code=http://loinc.org|weight": "w1",
    "combo-code=sys": "b1",
    "combo-code=weight": "w1 w2",
    "value-quantity=72.5": "w1",
    "value-quantity=72": "",
    "value-quantity=73": "w1",
    "value-quantity=5": "w2",
    "value-quantity=5.0": "w2",
    "value-quantity=4.6": "",
    "value-quantity=gt5": "w1",
    "value-quantity=ge5": "w1 w2",
    "value-quantity=le5|http://unitsofmeasure.org|kg": "w2",
    "value-quantity=5||kg": "w2",
    "value-quantity=5||lb": "",
    "value-quantity=0.5e1": "w2",
    "value-quantity=ap70": "w1",
    "component-value-quantity=gt100": "b1",
    "combo-value-quantity=gt70": "b1 w1",
    "code-value-quantity=http://loinc.org|weight$gt10": "w1",
    "code-value-quantity=weight$lt10": "w2",
    "component-code-value-quantity=sys$gt100": "b1",
    "component-code-value-quantity=dia$gt100": "",
    "code-value-concept=http://loinc.org|result$urn:c|pos": "r1",
    "code-value-concept=result$pos": "r1",
    "date=2024": "b1 w1",
    "date=sa2024-04-15": "w2",
    "date=gt2030": "w2",
    "date=2024-03-01T08:00:00Z": "w1",
    "date=2024-03-01T09:00:00+01:00": "w1",
    "date=2024-03-01T09:00:00 01:00": "w1",
    "patient.family=aba": "b1 w1",
    "subject:Patient.identifier=urn:nid|1": "b1 w1",
    "encounter.service-provider.name=clin": "w1",
    "subject.name=zzz": "",
    "code=weight&_sort=-date": "w2 w1",
    "code=http://loinc.org|weight&_sort=-date": "w2 w1",
    "_sort=date": "w1 b1 w2 r1",
    "_sort=-date": "w2 b1 w1 r1",
    "_sort=-_id": "w2 w1 r1 b1",
    "_sort=value-quantity": "w2 w1 b1 r1",
}


def test_observations(session: Session, measurements: None) -> None:
    """References, quantities, composites, chains and orders."""
    assert {query: ids(session, query, "Observation") for query in OBSERVATIONS} == OBSERVATIONS


def test_has(session: Session, measurements: None) -> None:
    """`_has` finds what others of a kind refer to."""
    assert ids(session, "_has:Observation:patient:code=pressure") == "p1"
    assert ids(session, "_has:Observation:patient:value-quantity=lt10") == "p2"
    assert ids(session, "_has:Observation:patient:code=none") == ""


def test_includes(session: Session, measurements: None) -> None:
    """Included records come once, apart from matches, live ones only, from any parameter by wildcard."""

    def included(type_: str, *pairs: tuple[str, str]) -> str:
        return " ".join(sorted(one.id for one in records.search(session, type_, pairs).includes))

    assert included("Observation", ("_include", "Observation:patient"), ("code", "weight")) == "p1 p2"
    assert included("Observation", ("_include", "Observation:subject:Patient"), ("_id", "b1")) == "p1"
    assert included("Observation", ("_include", "Observation:subject:Device"), ("_id", "b1")) == ""
    assert included("Observation", ("_include", "*"), ("_id", "w1")) == "e1 p1"
    assert included("Patient", ("_revinclude", "Observation:patient"), ("_id", "p1")) == "b1 w1"
    odd = [("_include", "Patient:nothing"), ("_revinclude", "x"), ("_include:sometimes", "Observation:patient")]
    page = records.search(session, "Observation", [*odd, ("_id", "w1")])
    assert [issue.where for issue in page.issues] == ["_include", "_revinclude", "_include:sometimes"]


def test_pages_find_each_once(session: Session, context: Context, measurements: None) -> None:
    """Following the cursor finds every record once in each order, also while others are written; then it ends."""
    for order in ("_id", "-_id", "_lastUpdated", "-_lastUpdated", "date", "-date", "value-quantity", "-value-quantity"):
        pairs, seen = [("_sort", order), ("_count", "1")], []
        page = records.search(session, "Observation", pairs)
        while True:
            seen += [one.id for one in page.matches]
            if not page.next:
                break
            put(session, context, observation(f"z{len(seen)}", status="amended"))
            page = records.search(session, "Observation", [*pairs, ("_cursor", page.next)])
        assert sorted(set(seen) & {"w1", "w2", "b1", "r1"}) == ["b1", "r1", "w1", "w2"]
        assert len(seen) == len(set(seen)), order


def test_totals_and_counts(session: Session, people: None) -> None:
    """Totals come when asked for; a count of none gives the total alone."""
    assert records.search(session, "Patient", []).total is None
    assert records.search(session, "Patient", [("_total", "accurate"), ("_count", "1")]).total == 4
    alone = records.search(session, "Patient", [("_summary", "count"), ("gender", "male")])
    assert (alone.total, alone.matches) == (1, [])
    assert records.search(session, "Patient", [("_count", "0")]).total == 4


def test_what_is_not_understood(session: Session, people: None) -> None:
    """Unknown and empty parameters are said and passed over."""
    pairs = [("nonsense", "1"), ("gender", ""), ("organization.nonsense", "1"), ("_has:X:y:z", "1"), ("_id", "a")]
    page = records.search(session, "Patient", [*pairs, ("_sort", "gender,nothing,organization.name")])
    assert [one.id for one in page.matches] == ["a"]
    assert [issue.where for issue in page.issues] == [
        "nonsense",
        "gender",
        "organization.nonsense",
        "_has:X:y:z",
        "_sort",
        "_sort",
    ]


WRONG = [
    ("birthdate", "2024-02-30"),
    ("birthdate", "xx2024"),
    ("_lastUpdated", "now"),
    ("_count", "-1"),
    ("_total", "some"),
    ("_summary", "some"),
    ("gender:missing", "maybe"),
    ("gender:fuzzy", "male"),
    ("_cursor", "!"),
    ("_cursor", "W10"),
    ("_cursor", "W1sxXSwieCJd"),
    ("_count", "9" * 5000),
    ("name", "a\0"),
    ("_lastUpdated", "apx"),
]


def test_wrong_values(session: Session, people: None) -> None:
    """A value that cannot be read is refused, never guessed."""
    for pair in WRONG:
        with pytest.raises(Malformed):
            records.search(session, "Patient", [pair])


def test_extreme_values(session: Session, people: None) -> None:
    """Values at the edge of what can be written find nothing, or are refused, but break nothing."""
    for query in ("_lastUpdated=lt0001-01-01", "_lastUpdated=ap0001", "birthdate=gt9999-12-31", "name=\U0001f600"):
        assert ids(session, query) == ""
    for value in ("1e999999999", "1" * 50, "infinity", "1e-9999"):
        with pytest.raises(Malformed):
            records.search(session, "Observation", [("value-quantity", value)])
    damaged = "WyJhIiwieCJd"  # a text where the order has a time
    with pytest.raises(Malformed):
        records.search(session, "Patient", [("_sort", "_lastUpdated"), ("_cursor", damaged)])


def test_a_cursor_of_another_order(session: Session, people: None) -> None:
    """A cursor that does not fit the order of the search is refused."""
    with pytest.raises(Malformed):
        records.search(session, "Patient", [("_sort", "birthdate"), ("_cursor", "WyJhIiwieCJd")])


def test_wrong_observation_values(session: Session) -> None:
    """Numbers, quantities and composites that cannot be read are refused; what is not indexed is not offered."""
    for key, value in (
        ("value-quantity", "five"),
        ("value-quantity", "5|kg"),
        ("value-quantity", "nan"),
        ("code-value-quantity", "a"),
        ("code-value-quantity", "a$b"),
        ("code-value-concept", "a"),
    ):
        with pytest.raises(Malformed):
            records.search(session, "Observation", [(key, value)])
    with pytest.raises(Unsupported):
        records.search(session, "Observation", [("_query", "a")])
    with pytest.raises(Malformed):
        records.search(session, "RiskAssessment", [("probability", "x")])


def test_numbers(session: Session, context: Context) -> None:
    """A number parameter has no unit."""
    risk = {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/x"}}
    put(session, context, {**risk, "id": "r", "prediction": [{"probabilityDecimal": 0.4}]})
    assert ids(session, "probability=0.4", "RiskAssessment") == "r"
    assert ids(session, "probability=gt0.5", "RiskAssessment") == ""


def test_last_updated_has_milliseconds(session: Session, context: Context, people: None) -> None:
    """What is emitted is what is compared: `gt` of a record's own time does not find it, `ge` and `eq` do."""
    stamp = json.loads(records.search(session, "Patient", [("_id", "a")]).matches[0].doc)["meta"]["lastUpdated"]
    assert ids(session, f"_lastUpdated=gt{stamp}") == ""
    assert ids(session, f"_lastUpdated=ge{stamp}") == "a b c d"
    assert ids(session, f"_lastUpdated={stamp}") == "a b c d"
    assert ids(session, f"_lastUpdated=lt{stamp}") == ""
    assert ids(session, "_lastUpdated=le9999-12-31") == "a b c d"
    assert ids(session, "_lastUpdated=ap2000-01-01") == ""


def test_updates_and_tags_are_reindexed(session: Session, context: Context, people: None) -> None:
    """After an update only what the record now says finds it."""
    put(session, context, patient("a", name=[{"family": "Okoye"}], meta={"tag": [{"code": "t"}], "profile": ["urn:p"]}))
    assert ids(session, "family=mul") == "b"
    assert ids(session, "family=oko") == "a"
    assert ids(session, "birthdate=1987-06-15") == ""
    assert ids(session, "identifier=urn:nid|1") == ""
    assert ids(session, "_tag=t&_profile=urn:p") == "a"
