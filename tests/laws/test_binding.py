"""Laws of a binding over generated events: quiet write, keep, put-get per row."""

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mappings.binding import read_event, read_person, write_event, write_person
from mappings.scope import Scope
from tests.mappings.binding.samples import BINDING, LINKS, VISIT, condition, encounter, observation, symptom, weight

LOINC, SCT = "http://loinc.org", "http://snomed.info/sct"
numbers = st.decimals(min_value=0, max_value=200, places=2).map(str)
statuses = st.sampled_from(["final", "amended", "preliminary", "entered-in-error", "cancelled"])
extras = st.fixed_dictionaries(
    {},
    optional={
        "note": st.just([{"text": "as told"}]),
        "device": st.just({"display": "scale"}),
        "extension": st.just([{"url": "urn:x", "valueString": "kept"}]),
        "effectiveDateTime": st.sampled_from(["2026-03-05", "2026-03-05T08:00:00Z", "2026-03-06T08:00:00+03:00"]),
    },
)


def with_status(record: dict[str, Any], status: str, more: dict[str, Any]) -> dict[str, Any]:
    """The record in that status, with more elements."""
    return {**record, "status": status, **more}


results = st.sampled_from(["10828004", "260373001", "260385009", "999"]).map(
    lambda code: observation(
        LOINC,
        "648-6",
        valueCodeableConcept={"coding": [{"system": SCT, "code": code}], "text": "told"},
        identifier=[{"system": "urn:lab", "value": "L-1"}, {"system": "urn:else", "value": "E"}],
    )
)
records = st.builds(
    with_status,
    numbers.map(weight) | results | st.sampled_from(["R05", "R50.9", "R61.9", "Z00"]).map(symptom),
    statuses,
    extras,
)
groups = st.builds(
    lambda made, place, site: {
        "Encounter": [encounter(location=[{"display": place}])],
        "Observation": [{**record, "id": str(n)} for n, record in enumerate(made)],
        "Condition": site,
    },
    st.lists(records, max_size=6),
    st.text(max_size=3),
    st.lists(st.just(condition("A15.0")), max_size=1),
)
values: dict[tuple[str, str], st.SearchStrategy[str | None]] = {
    ("", "occurredAt"): st.dates().map(lambda day: day.isoformat()),
    ("", "status"): st.sampled_from(["COMPLETED", "ACTIVE"]),
    ("dataValues", "WEIGHT"): st.none() | numbers,
    ("dataValues", "RESULT"): st.none() | st.sampled_from(["POSITIVE", "NEGATIVE"]),
    ("dataValues", "SYMPTOMS"): st.none()
    | st.lists(st.sampled_from(["COUGH", "FEVER", "SWEATS"]), min_size=1, unique=True).map(",".join),
    ("dataValues", "TAKES"): st.none() | st.sampled_from(["true", "false"]),
    ("dataValues", "COUNT"): st.none() | st.integers().map(str),
    ("dataValues", "NOTE"): st.none() | st.text(min_size=1),
    ("dataValues", "SITE"): st.none() | st.sampled_from(["COUGH", "FEVER"]),
}
edits = st.fixed_dictionaries({}, optional=values)


def applied(group: dict[str, list[Any]], made: list[Any]) -> dict[str, list[Any]]:
    """The records after the edits."""
    after = {type: list(records) for type, records in group.items()}
    for edit in made:
        if edit.before is None:
            after.setdefault(edit.type, []).append(edit.after)
        else:
            after[edit.type] = [edit.after if one is edit.before else one for one in after[edit.type]]
    return after


def as_read(reading: Any, key: tuple[str, str]) -> Any:
    """What a reading says of one value; a multi-text as a set."""
    found = reading.data.get(key[1]) if key[0] else reading.fields.get(key[1])
    return set(found.split(",")) if found and key[1] == "SYMPTOMS" else found


@given(groups)
def test_quiet_write(group: dict[str, list[Any]]) -> None:
    """What was read, written back, changes no record."""
    reading = read_event(VISIT, group, Scope())
    wanted: dict[tuple[str, str], str | None] = {("dataValues", key): value for key, value in reading.data.items()}
    wanted |= {("", key): value for key, value in reading.fields.items()}
    assert write_event(VISIT, wanted, group, LINKS, Scope()) == []


@given(groups, edits)
def test_put_get(group: dict[str, list[Any]], wanted: dict[tuple[str, str], str | None]) -> None:
    """After a write, every value named in it reads as it says; writing it again does nothing; values not named stay."""
    before = read_event(VISIT, group, Scope())
    after = applied(group, write_event(VISIT, wanted, group, LINKS, Scope()))
    reading = read_event(VISIT, after, Scope())
    for key, value in wanted.items():
        expected = set(value.split(",")) if value and key[1] == "SYMPTOMS" else value
        assert as_read(reading, key) == expected
    assert write_event(VISIT, wanted, after, LINKS, Scope()) == []
    linked = {"RESULT": ["LAB_NO"], "SITE": ["ICD"]}
    named = {key[1] for key in wanted} | {other for key in wanted for other in linked.get(key[1], [])}
    for name in before.data.keys() - named:
        assert reading.data[name] == before.data[name]


@given(groups, edits)
def test_keep(group: dict[str, list[Any]], wanted: dict[tuple[str, str], str | None]) -> None:
    """An edit leaves the caller's records alone and keeps every element that no row names."""
    original = deepcopy(group)
    for edit in write_event(VISIT, wanted, group, LINKS, Scope()):
        if edit.before is not None:
            for name in ("note", "device", "extension", "id", "effectiveDateTime", "location", "category"):
                assert edit.after.get(name) == edit.before.get(name)
            others = [i for i in edit.before.get("identifier", []) if i["system"] == "urn:else"]
            assert all(one in edit.after["identifier"] for one in others)
    assert group == original


persons = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "name": st.lists(
            st.fixed_dictionaries({"family": st.text(min_size=1)}, optional={"use": st.just("official")}),
            min_size=1,
            max_size=2,
        ),
        "gender": st.sampled_from(["male", "female", "other"]),
        "birthDate": st.sampled_from(["1990", "1990-04", "1990-04-17"]),
        "telecom": st.just([{"system": "phone", "value": "1"}, {"system": "email", "value": "e"}]),
        "photo": st.just([{"title": "p"}]),
    },
)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "GIVEN": st.sampled_from(["Ann", "Ann Mary"]),
        "FAMILY": st.text(min_size=1),
        "SEX": st.sampled_from(["MALE", "FEMALE"]) | st.none(),
        "BORN": st.dates().map(lambda day: day.isoformat()) | st.none(),
        "PHONE": st.text(min_size=1) | st.none(),
    },
)


@given(persons, attributes)
def test_a_person_reads_as_written(patient: dict[str, Any], wanted: dict[str, str | None]) -> None:
    """Quiet write, keep and put-get for the attributes of a person."""
    read = read_person(BINDING.person, [patient], Scope())
    assert write_person(BINDING.person, read, patient, Scope()) is None
    after = write_person(BINDING.person, wanted, patient, Scope()) or patient
    again = read_person(BINDING.person, [after], Scope())
    for name, value in wanted.items():
        assert again.get(name) == value
    assert after.get("photo") == patient.get("photo")
    assert write_person(BINDING.person, wanted, after, Scope()) is None
