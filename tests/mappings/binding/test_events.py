"""The five event rules, each by example."""

from decimal import Decimal
from typing import Any

from mappings.binding import Edit, read_event, select_stages, write_event
from mappings.binding.events import Group, retract
from mappings.scope import Scope
from tests.mappings.binding.samples import (
    BINDING,
    LINKS,
    VISIT,
    condition,
    encounter,
    observation,
    symptom,
    weight,
)

LOINC, SCT = "http://loinc.org", "http://snomed.info/sct"


def write(group: Group, **data: str | None) -> list[Edit]:
    """Write data values into the records of one visit; nothing may be unfit."""
    scope = Scope()
    edits = write_event(VISIT, {("dataValues", key): value for key, value in data.items()}, group, LINKS, scope)
    assert scope.issues == []
    return edits


def read(group: Group) -> dict[str, Any]:
    """The data values that the records give."""
    return dict(read_event(VISIT, group, Scope()).data)


def test_reading_takes_fields_and_values() -> None:
    """Numbers keep their digits, codes become options, the sender's equals are understood."""
    result = observation(
        LOINC,
        "648-6",
        valueCodeableConcept={"coding": [{"system": "urn:x", "code": "?"}, {"system": SCT, "code": "260373001"}]},
        identifier=[{"system": "urn:lab", "value": "L-7"}],
    )
    group = {
        "Encounter": [encounter()],
        "Observation": [weight("72.50"), result, symptom("R05"), symptom("R50.9")],
        "Condition": [condition("A15.0")],
    }
    reading = read_event(VISIT, group, Scope())
    assert reading.fields == {"occurredAt": "2026-03-05", "status": "COMPLETED"}
    assert reading.data == {
        "WEIGHT": "72.50",
        "RESULT": "POSITIVE",
        "LAB_NO": "L-7",
        "SYMPTOMS": "COUGH,FEVER",
        "ICD": "A15.0",
    }


def test_rule_1_the_latest_live_record_counts() -> None:
    """Effective time decides, whatever the offset; a retracted record never counts."""
    early = weight("70", "a", effectiveDateTime="2026-03-05T09:00:00+00:00")
    late = weight("71", "b", effectiveDateTime="2026-03-05T10:30:00+01:00")
    wrong = weight("99", "c", effectiveDateTime="2026-03-06T10:00:00Z") | {"status": "entered-in-error"}
    assert read({"Observation": [late, early, wrong]}) == {"WEIGHT": "71"}
    assert read({"Observation": [wrong]}) == {"WEIGHT": None}
    assert read({"Observation": []}) == {}


def test_rule_2_an_edit_keeps_what_is_not_the_value() -> None:
    """Note, device and identifiers stay; interpretation and narrative go; final becomes amended."""
    before = weight("70", note=[{"text": "with shoes"}], interpretation=[{"text": "N"}], text={"status": "generated"})
    (edit,) = write({"Observation": [before]}, WEIGHT="70.5")
    assert edit.before is before
    assert edit.after == weight("70.5", note=[{"text": "with shoes"}]) | {"status": "amended"}
    assert before["status"] == "final"


def test_rule_2_another_variant_of_the_choice_goes() -> None:
    """A value that was text before is a quantity now, not both."""
    before = observation(LOINC, "29463-7", valueString="heavy")
    (edit,) = write({"Observation": [before]}, WEIGHT="90")
    assert "valueString" not in edit.after
    assert edit.after["valueQuantity"]["value"] == Decimal(90)


def test_rule_3_clearing_retracts_every_live_record_of_the_code() -> None:
    """Else the older one would come back as the value."""
    group = {"Observation": [weight("70", "a"), weight("71", "b"), weight("72", "c") | {"status": "entered-in-error"}]}
    edits = write(group, WEIGHT=None)
    assert [(edit.after["id"], edit.after["status"]) for edit in edits] == [
        ("a", "entered-in-error"),
        ("b", "entered-in-error"),
    ]


def test_rule_3_clearing_a_detail_removes_only_the_detail() -> None:
    """The laboratory number is not the result."""
    result = observation(LOINC, "648-6", valueString="x", identifier=[{"system": "urn:lab", "value": "L-7"}])
    (edit,) = write({"Observation": [result]}, LAB_NO=None)
    assert edit.after == observation(LOINC, "648-6", valueString="x")


def test_rule_3_a_cleared_condition_is_entered_in_error() -> None:
    """A condition says so in its verification status, and then has no clinical status."""
    site = condition(
        "R05",
        category=[{"coding": [{"system": "urn:tracker-hub:form", "code": "site"}]}],
        clinicalStatus={"coding": [{"code": "active"}]},
    )
    assert read({"Condition": [site]})["SITE"] == "COUGH"
    (edit,) = write({"Condition": [site]}, SITE=None)
    assert edit.after["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in edit.after
    assert read({"Condition": [edit.after]})["SITE"] is None


def test_rule_4_a_multi_text_has_one_record_per_option() -> None:
    """The removed option is retracted, the new one made, the kept one untouched."""
    edits = write({"Observation": [symptom("R05"), symptom("R50.9")]}, SYMPTOMS="FEVER,SWEATS")
    assert [(edit.before and edit.before["id"], edit.after["status"]) for edit in edits] == [
        ("R05", "entered-in-error"),
        (None, "final"),
    ]
    assert edits[1].after["valueCodeableConcept"]["coding"][0]["code"] == "R61.9"


def test_rule_5_deleting_retracts_what_was_made_here() -> None:
    """Records that others sent are left alone."""
    group = {"Observation": [weight("70", "ours"), weight("71", "theirs")], "Encounter": [encounter()]}
    assert [edit.after["id"] for edit in retract(group, ["ours"])] == ["ours"]


def test_a_new_value_makes_a_record_with_what_the_template_says() -> None:
    """Subject, encounter, time and status come from the template; two rows of one code share the record."""
    (edit,) = write({}, RESULT="POSITIVE", LAB_NO="L-8")
    assert edit.after == {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/1"},
        "encounter": {"reference": "Encounter/1"},
        "effectiveDateTime": "2026-03-05",
        "code": {"coding": [{"system": LOINC, "code": "648-6"}]},
        "valueCodeableConcept": {"coding": [{"system": SCT, "code": "10828004", "display": "Positive"}]},
        "identifier": [{"system": "urn:lab", "value": "L-8"}],
    }


def test_values_that_fit_nowhere_leave_an_issue_and_the_rest_goes_on() -> None:
    """A unit that is not the row's, an unknown option, a text for a number."""
    pounds = observation(LOINC, "29463-7", valueQuantity={"value": Decimal(150), "unit": "[lb_av]"})
    about = observation("urn:tracker-hub:form", "count", valueInteger=3)
    scope = Scope()
    assert read_event(VISIT, {"Observation": [pounds, about]}, scope).data == {"WEIGHT": None, "COUNT": "3"}
    assert [issue.code for issue in scope.issues] == ["unit"]
    scope = Scope()
    wanted = {("dataValues", "WEIGHT"): "heavy", ("dataValues", "RESULT"): "MAYBE", ("dataValues", "TAKES"): "perhaps"}
    assert write_event(VISIT, {**wanted, ("dataValues", "COUNT"): "4"}, {}, LINKS, scope)[0].after["valueInteger"] == 4
    assert [issue.code for issue in scope.issues] == ["bad-value", "unknown-code", "bad-value"]


def test_stages_are_chosen_by_the_records_alone() -> None:
    """Each stage whose test holds; else the one otherwise; retracted records choose nothing."""
    assert [stage.name for stage in select_stages(BINDING, {"Observation": [weight("70")]})] == ["visit"]
    assert [stage.name for stage in select_stages(BINDING, {"Encounter": [encounter()]})] == ["other"]
    retracted = weight("70") | {"status": "entered-in-error"}
    assert [stage.name for stage in select_stages(BINDING, {"Observation": [retracted]})] == ["other"]
