"""HL7's terminology ecosystem tests (general mode): requests and answers recorded there, asked of the operations."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from terminology.expanding import expand
from terminology.library import Library
from terminology.problems import Problem
from terminology.requests import read_request
from terminology.validating import validate_code, validate_many
from tests.contracts.terminology.ecosystem import differences, load, tidy

FOLDER = Path("../shared/corpora/terminology/tx-tests")
# Where the suite contradicts itself, or asks for a spelling that says nothing more.
KNOWN = {
    "language-xform-en-multi-de-hard": "expects the header with another blank, and designations in no order",
    "notSelectable-prop-true-true-param-false": "expects no location, which other issues of the suite must have",
    "validate-regex-bad": "expects no location, which other issues of the suite must have",
    "validate-regex-bad-2": "expects no location, which other issues of the suite must have",
}


def cases() -> list[Any]:
    """Return every test of the suites that is about an operation; one that only says so where the folder is absent."""
    control = FOLDER / "test-cases.json"
    if not control.is_file():
        return [pytest.param({}, {}, id="absent", marks=pytest.mark.skip(reason=f"no {FOLDER}"))]
    return [
        pytest.param(suite, test, id=test["name"], marks=marks(test["name"]))
        for suite in load(control)["suites"]
        for test in suite["tests"]
        if "request" in test
    ]


def marks(name: str) -> list[pytest.MarkDecorator]:
    """Return the marks of a test that is known to differ."""
    return [pytest.mark.xfail(reason=KNOWN[name], strict=True)] if name in KNOWN else []


@pytest.mark.parametrize(("suite", "case"), cases())
def test_answers_as_recorded(suite: dict[str, Any], case: dict[str, Any]) -> None:
    """The answer has the recorded status, and the recorded content by the suite's rules."""
    brought = [{"name": "tx-resource", "resource": load(FOLDER / name)} for name in suite.get("setup", [])]
    parameters = [*load(FOLDER / case["request"])["parameter"], *brought]
    status, answer = asked(case["operation"], parameters, case.get("Accept-Language", ""))
    assert str(status)[0] == case.get("http-code", "2xx")[0]
    assert differences(load(FOLDER / case["response"]), tidy(answer)) == []


def asked(operation: str, parameters: list[dict[str, Any]], language: str) -> tuple[int, Any]:
    """Return the status and the answer of an operation, as JSON gives it back."""
    request = read_request(parameters)
    try:
        if operation == "expand":
            answer = expand(Library(), request, datetime.now(UTC), language)
        else:
            validate = {"validate-code": validate_code, "batch-validate": validate_many}[operation]
            answer = {"resourceType": "Parameters", "parameter": validate(Library(), request, language)}
    except Problem as problem:
        outcome = {"resourceType": "OperationOutcome", "issue": [problem.issue.document()]}
        return problem.status, json.loads(json.dumps(outcome))
    return 200, json.loads(json.dumps(answer))
