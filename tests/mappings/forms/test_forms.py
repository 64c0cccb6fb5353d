"""Forms: answers of every value type, and responses that keep what no question names."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from mappings.forms import Field, Form, read_response, stage_of, write_response
from mappings.forms.answers import answers_of, same, text_of
from mappings.forms.responses import write_status
from mappings.scope import Scope, Unfit
from tracker_core.metadata import Program, Stage

SYSTEM = "urn:tracker-hub:option-set:OptionSetAa"
CHOICE: Mapping[str, Any] = {"option_set": "OptionSetAa", "options": {"POS": "Positive", "NEG": "Negative"}}


def asked(value_type: str, **more: Any) -> Field:
    """A question of a value type."""
    return Field("Elementaaaa", "Question", value_type, **more)


@pytest.mark.parametrize(
    ("field", "text", "answer"),
    [
        (asked("NUMBER"), "72.50", {"valueDecimal": Decimal("72.50")}),
        (asked("INTEGER"), "7", {"valueInteger": 7}),
        (asked("BOOLEAN"), "false", {"valueBoolean": False}),
        (asked("TRUE_ONLY"), "true", {"valueBoolean": True}),
        (asked("DATE"), "2026-03-05", {"valueDate": "2026-03-05"}),
        (asked("DATETIME"), "2026-03-05T10:30:00.000", {"valueDateTime": "2026-03-05T10:30:00+00:00"}),
        (asked("TIME"), "10:30", {"valueTime": "10:30:00"}),
        (asked("TEXT"), "wheeze", {"valueString": "wheeze"}),
        (asked("LONG_TEXT"), "wheeze", {"valueString": "wheeze"}),
        (asked("URL"), "https://x.example", {"valueUri": "https://x.example"}),
        (asked("ORGANISATION_UNIT"), "ClinicAaaaa", {"valueReference": {"reference": "Organization/ClinicAaaaa"}}),
        (asked("TEXT", **CHOICE), "POS", {"valueCoding": {"system": SYSTEM, "code": "POS", "display": "Positive"}}),
    ],
)
def test_a_value_is_an_answer_and_back(field: Field, text: str, answer: dict[str, Any]) -> None:
    """Every value type has its kind of answer; digits are kept."""
    assert answers_of(field, text) == [answer]
    assert text_of(field, [answer]) == text


def test_several_options_are_several_answers() -> None:
    """In any order they say the same."""
    field = asked("MULTI_TEXT", **CHOICE)
    answers = answers_of(field, "POS,NEG")
    assert [one["valueCoding"]["code"] for one in answers] == ["POS", "NEG"]
    assert text_of(field, answers) == "POS,NEG"
    assert same(field, "POS,NEG", "NEG,POS")


def test_equal_values_in_other_words_are_the_same() -> None:
    """Numbers by value, moments as such, nothing as nothing."""
    assert same(asked("NUMBER"), "5.0", "5")
    assert same(asked("DATETIME"), "2026-03-05T10:00:00Z", "2026-03-05T10:00")
    assert same(asked("TIME"), "10:30", "10:30:00")
    assert same(asked("TEXT"), None, "")
    assert not same(asked("NUMBER"), "5", "x")
    assert not same(asked("TEXT"), "a", "b")


@pytest.mark.parametrize(
    ("field", "answers"),
    [
        (asked("NUMBER"), [{"valueString": "high"}]),
        (asked("NUMBER"), [{"valueDecimal": Decimal(1)}, {"valueDecimal": Decimal(2)}]),
        (asked("TEXT", **CHOICE), [{"valueCoding": {"system": "http://loinc.org", "code": "POS"}}]),
        (asked("DATETIME"), [{"valueDateTime": "2026-99-99T10:00:00Z"}]),
    ],
)
def test_answers_of_another_kind_do_not_fit(field: Field, answers: list[dict[str, Any]]) -> None:
    """They are told, not guessed at."""
    with pytest.raises(Unfit):
        text_of(field, answers)


@pytest.mark.parametrize(
    ("field", "text"),
    [(asked("TEXT", **CHOICE), "MAYBE"), (asked("INTEGER"), "1.5"), (asked("DATETIME"), "soon, at five o'clock")],
)
def test_a_text_that_is_no_value_does_not_fit(field: Field, text: str) -> None:
    """An option that the set does not have, a number that is none."""
    with pytest.raises(Unfit):
        answers_of(field, text)


@pytest.fixture
def form() -> Form:
    """A form of three questions, two of them in a section."""
    stage = Stage(1, "StageAaaaaa", None, "Visit", "ProgramAaaa", {}, *[False] * 4, 0, None, *[False] * 3, "NONE", 0)
    program: Any = Program.__new__(Program)
    fields = [
        Field("first", "First", "NUMBER", section="section"),
        Field("second", "Second", "TEXT", section="section"),
        Field("third", "Third", "TEXT"),
    ]
    return Form(stage, program, {one.link: one for one in fields}, [("section", "Section")])


def test_answers_stand_where_the_form_has_them(form: Form) -> None:
    """In their section and in order, whichever comes first; a completed response is amended."""
    made = write_response(form, {"third": "c", "second": "b"}, {"status": "completed"}, Scope())
    made = write_response(form, {"first": "1"}, made, Scope())
    assert [item["linkId"] for item in made["item"]] == ["section", "third"]
    assert [item["linkId"] for item in made["item"][0]["item"]] == ["first", "second"]
    assert read_response(form, made, Scope()).values == {"first": "1", "second": "b", "third": "c"}
    assert made["status"] == "amended"


def test_what_no_question_names_survives(form: Form) -> None:
    """Foreign items, extensions of answers, nested items; and an equal answer keeps its own way to say it."""
    before: dict[str, Any] = {
        "status": "in-progress",
        "extension": [{"url": "urn:x", "valueString": "kept"}],
        "item": [
            {"linkId": "foreign", "answer": [{"valueString": "kept"}]},
            {"linkId": "first", "answer": [{"valueDecimal": Decimal("5.0"), "extension": [{"url": "urn:y"}]}]},
            {"linkId": "third", "answer": [{"valueString": "c"}], "extension": [{"url": "urn:z"}]},
        ],
    }
    assert write_response(form, {"first": "5", "third": "c"}, before, Scope()) == before
    after = write_response(form, {"first": "6", "third": None}, before, Scope())
    assert after["item"][0] == before["item"][0]
    assert after["item"][1]["answer"] == [{"valueDecimal": Decimal(6), "extension": [{"url": "urn:y"}]}]
    assert after["item"][2] == {"linkId": "third", "extension": [{"url": "urn:z"}]}
    assert after["extension"] == before["extension"]


def test_the_last_answer_leaves_no_husk(form: Form) -> None:
    """Neither an empty item nor an empty group remains."""
    made = write_response(form, {"second": "b"}, {"status": "in-progress"}, Scope())
    assert write_response(form, {"second": None}, made, Scope()) == {"status": "in-progress"}


def test_what_does_not_fit_leaves_an_issue(form: Form) -> None:
    """Read, it is an error; written, a warning; the other answers go on."""
    scope = Scope()
    wrong, right = [{"valueString": "x"}], [{"valueString": "c"}]
    items = [{"linkId": "first", "answer": wrong}, {"linkId": "third", "answer": right}]
    assert read_response(form, {"item": items}, scope).values == {"second": None, "third": "c"}
    written = write_response(form, {"first": "x", "third": "d"}, {}, scope)
    assert [item["linkId"] for item in written["item"]] == ["third"]
    assert [issue.severity for issue in scope.issues] == ["error", "warning"]


@pytest.mark.parametrize(
    ("told", "status", "expected"),
    [
        ("amended", "COMPLETED", "amended"),
        ("in-progress", "COMPLETED", "completed"),
        ("completed", "ACTIVE", "in-progress"),
        ("completed", "SKIPPED", "stopped"),
        ("completed", "SCHEDULE", "completed"),
    ],
)
def test_a_response_says_the_status_of_its_event(told: str, status: str, expected: str) -> None:
    """Amended is completed, too."""
    response = {"status": told}
    write_status(response, status)
    assert response["status"] == expected


def test_the_stage_of_a_response_is_in_its_questionnaire() -> None:
    """By canonical, with or without version, or by a url of the Questionnaire."""
    assert stage_of("urn:tracker-hub:program-stage:StageAaaaaa|3") == "StageAaaaaa"
    assert stage_of("https://hub.example/fhir/Questionnaire/StageAaaaaa") == "StageAaaaaa"
    assert stage_of("http://other.example/form") == ""
