"""The parameters of a tracker import (Web API 2.42, "Tracker import", "Parameters")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from tracker_core.changes import Strategy, Validation
from tracker_core.errors import Malformed

T = TypeVar("T")

_STRATEGIES: dict[str, Strategy] = {
    "CREATE_AND_UPDATE": "create_and_update",
    "CREATE": "create",
    "UPDATE": "update",
    "DELETE": "delete",
}
_VALIDATIONS: dict[str, Validation] = {"FULL": "full", "FAIL_FAST": "fail_fast", "SKIP": "skip"}
_FLAGS = {"true": True, "false": False}
# Parameters whose only offered value is the default, and those that are read and have no effect here.
_SCHEMES = (
    "idScheme",
    "dataElementIdScheme",
    "orgUnitIdScheme",
    "programIdScheme",
    "programStageIdScheme",
    "categoryOptionComboIdScheme",
    "categoryOptionIdScheme",
)


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """How to import: `report` is ERRORS, WARNINGS or FULL; `background` asks for a job instead of the report."""

    strategy: Strategy
    validation: Validation
    atomic: bool
    commit: bool
    report: str
    background: bool


def read_parameters(given: Mapping[str, str]) -> ImportParameters:
    """Read query parameters; unknown ones are ignored. Raises `Malformed` for a value that none of the choices is."""
    choice(given, "flushMode", {"AUTO": None, "OBJECT": None})
    for name in _SCHEMES:
        choice(given, name, {"UID": None})
    return ImportParameters(
        strategy=choice(given, "importStrategy", _STRATEGIES),
        validation=choice(given, "validationMode", _VALIDATIONS),
        atomic=choice(given, "atomicMode", {"ALL": True, "OBJECT": False}),
        commit=choice(given, "importMode", {"COMMIT": True, "VALIDATE": False}),
        report=choice(given, "reportMode", {"ERRORS": "ERRORS", "WARNINGS": "WARNINGS", "FULL": "FULL"}),
        background=flag(given, "async", default=True),
    )


def choice(given: Mapping[str, str], name: str, choices: Mapping[str, T]) -> T:
    """Return what parameter `name` chooses, in any case of letters; the first choice when it is absent."""
    text = given.get(name, "").strip().upper() or next(iter(choices))
    if text not in choices:
        raise Malformed(f"Value '{given[name]}' is not valid for parameter {name}. Valid values are: {list(choices)}")
    return choices[text]


def flag(given: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a boolean parameter."""
    text = given.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _FLAGS:
        raise Malformed(f"Value '{given[name]}' is not valid for parameter {name}. It must be true or false")
    return _FLAGS[text]


def positive(given: Mapping[str, str], name: str, default: int) -> int:
    """Return a parameter that is a whole number from 1."""
    text = given.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**9:
        raise Malformed(f"{name} must be greater than or equal to 1")
    return int(text)
