"""Program rules as enableWhen: what can be said, and what is left to the program."""

from typing import Any

import pytest

from mappings.forms import Field
from mappings.forms.rules import Unsaid, enabled_when, parse_condition

QUESTIONS = {
    "YES_NO": Field("yes", "Sure?", "BOOLEAN"),
    "RESULT": Field("result", "Result", "TEXT", option_set="Set", options={"POS": "Positive", "NEG": "Negative"}),
    "AGE": Field("age", "Age", "INTEGER"),
    "NOTE": Field("note", "Note", "TEXT"),
}
POSITIVE = {"system": "urn:tracker-hub:option-set:Set", "code": "POS", "display": "Positive"}


def said(*conditions: str) -> list[tuple[str, str, Any]]:
    """Question, operator and answer of each test."""
    tests = enabled_when(conditions, QUESTIONS).get("enableWhen", [])
    return [
        (test["question"], test["operator"], next(v for k, v in test.items() if k.startswith("answer")))
        for test in tests
    ]


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ("#{YES_NO} != true", [("yes", "=", True)]),
        ("#{YES_NO} == 0", [("yes", "!=", False)]),
        ("!#{YES_NO}", [("yes", "=", True)]),
        ("#{RESULT} != 'POS'", [("result", "=", POSITIVE)]),
        ("!d2:hasValue('RESULT')", [("result", "exists", True)]),
        ("d2:hasValue(#{RESULT})", [("result", "exists", False)]),
        ("d2:hasValue( 'RESULT' ) == false", [("result", "exists", True)]),
        ("d2:hasValue('RESULT') != false", [("result", "exists", False)]),
        ("#{AGE} < 15", [("age", ">=", 15)]),
        ("not (#{AGE} >= 15)", [("age", ">=", 15)]),
        ("!d2:hasValue('RESULT') || #{RESULT} != 'POS'", [("result", "=", POSITIVE)]),
        ("#{YES_NO} != true OR #{AGE} > 5", [("yes", "=", True), ("age", "<=", 5)]),
        ("#{YES_NO} == true and #{AGE} > 5", [("yes", "!=", True), ("age", "<=", 5)]),
        (
            "d2:hasValue('RESULT') == false || (d2:hasValue('RESULT') && #{RESULT} == 'POS')",
            [("result", "exists", True), ("result", "!=", POSITIVE)],
        ),
    ],
)
def test_what_hides_is_said_by_its_opposite(hidden: str, expected: list[tuple[str, str, Any]]) -> None:
    """A question is enabled while no rule hides it."""
    assert said(hidden) == expected


def test_several_rules_must_all_let_a_question_be_seen() -> None:
    """Any of the alternatives of one rule is enough."""
    assert enabled_when(["#{YES_NO} != true", "#{AGE} > 5"], QUESTIONS)["enableBehavior"] == "all"
    assert enabled_when(["#{YES_NO} == true && #{AGE} > 5"], QUESTIONS)["enableBehavior"] == "any"
    assert "enableBehavior" not in enabled_when(["#{AGE} > 5"], QUESTIONS)


@pytest.mark.parametrize(
    "hidden",
    [
        "d2:count('RESULT') >= 1",
        "#{ELSEWHERE} == true",
        "#{RESULT} == 'MAYBE'",
        "#{RESULT} > 'POS'",
        "#{NOTE} < 'b'",
        "(#{YES_NO} == true && #{AGE} > 5) || (#{YES_NO} == true && #{AGE} < 2)",
        "(#{AGE} > 5",
        "#{AGE} > ",
        "#{AGE} > 5 5",
        "d2:hasValue('AGE') == 5",
        "true",
        "",
    ],
)
def test_what_cannot_be_said_is_left_out(hidden: str) -> None:
    """Rather no condition than another one."""
    assert enabled_when([hidden], QUESTIONS) == {}


def test_a_condition_that_is_no_test_is_refused() -> None:
    """By name, for those who read rules otherwise."""
    with pytest.raises(Unsaid, match="count"):
        parse_condition("d2:count('RESULT') >= 1")
