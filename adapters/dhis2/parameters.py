"""The parameters of a tracker import (Web API 2.42, "Tracker import", "Parameters")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from tracker_core.changes import Schemes, Strategy, Validation
from tracker_core.errors import Malformed
from tracker_core.uids import is_uid

T = TypeVar("T")

_STRATEGIES: dict[str, Strategy] = {
    "CREATE_AND_UPDATE": "create_and_update",
    "CREATE": "create",
    "UPDATE": "update",
    "DELETE": "delete",
}
_VALIDATIONS: dict[str, Validation] = {"FULL": "full", "FAIL_FAST": "fail_fast", "SKIP": "skip"}
_VALID_SCHEMES = "[UID, CODE, NAME, ATTRIBUTE:attributeUid]"
_FLAGS = {"true": True, "false": False}
# parameter -> which references it is about; `idScheme` holds for those without one of their own
_SCHEMES = {
    "dataElementIdScheme": "data_element",
    "orgUnitIdScheme": "org_unit",
    "programIdScheme": "program",
    "programStageIdScheme": "stage",
    "categoryOptionComboIdScheme": "option_combo",
    "categoryOptionIdScheme": "option",
}
# Read, and refused when they are no boolean: side effects and rules come after.
_IGNORED = ("skipSideEffects", "skipRuleEngine")


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """How to import: `report` is ERRORS, WARNINGS or FULL; `background` asks for a job instead of the report.

    `header` says whether the first row of a CSV names its columns, `patterns` whether generated values must match.
    """

    strategy: Strategy
    validation: Validation
    atomic: bool
    commit: bool
    report: str
    background: bool
    schemes: Schemes
    header: bool
    patterns: bool


def read_parameters(given: Mapping[str, str]) -> ImportParameters:
    """Read query parameters; unknown ones are ignored. Raises `Malformed` for a value that none of the choices is."""
    choice(given, "flushMode", {"AUTO": None, "OBJECT": None})
    for name in _IGNORED:
        flag(given, name, default=False)
    return ImportParameters(
        strategy=choice(given, "importStrategy", _STRATEGIES),
        validation=choice(given, "validationMode", _VALIDATIONS),
        atomic=choice(given, "atomicMode", {"ALL": True, "OBJECT": False}),
        commit=choice(given, "importMode", {"COMMIT": True, "VALIDATE": False}),
        report=choice(given, "reportMode", {"ERRORS": "ERRORS", "WARNINGS": "WARNINGS", "FULL": "FULL"}),
        background=flag(given, "async", default=True),
        schemes=_schemes(given),
        header=flag(given, "skipFirst", default=True),
        patterns=not flag(given, "skipPatternValidation", default=False),
    )


def _schemes(given: Mapping[str, str]) -> Schemes:
    general = _scheme(given, "idScheme", "UID")
    return Schemes(other=general, **{field: _scheme(given, name, general) for name, field in _SCHEMES.items()})


def _scheme(given: Mapping[str, str], name: str, default: str) -> str:
    text = given.get(name, "").strip()
    kind, _, attribute = text.partition(":")
    if kind.upper() == "ATTRIBUTE" and is_uid(attribute):
        return f"ATTRIBUTE:{attribute}"
    if text.upper() in ("UID", "CODE", "NAME"):
        return text.upper()
    if text:
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. Valid values are: {_VALID_SCHEMES}")
    return default


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
