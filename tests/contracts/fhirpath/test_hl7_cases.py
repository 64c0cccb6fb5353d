"""HL7's FHIRPath cases: how far the paths of a patch go, and how far the library goes that tests use as an oracle.

The hub compiles the paths of search parameters and evaluates those of patches itself; neither is whole FHIRPath. What
it does not understand it refuses: it never gives a wrong place.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.fhir import xml
from adapters.fhir.patching import places
from tracker_core import fhirpath
from tracker_core.fhirpath.moments import Moment
from tracker_core.records import documents

# `Observation.valueQuantity` is no FHIRPath, and many write it: patches take it.
LENIENT = {"testPolymorphismB", "testPolymorphicsB"}
Evaluate = Callable[[dict[str, Any], str], list[str]]


class Refused(Exception):
    """The expression is not understood, or has no value."""


def run(folder: Path, evaluate: Evaluate) -> tuple[Counter[str], list[str]]:
    """Evaluate every case; return how many passed, were refused or failed, and the failed ones with what came out."""
    inputs = cache(lambda name: _input(folder / "input" / name))
    counts: Counter[str] = Counter()
    failed = []
    for case in etree.parse(os.fspath(folder / "tests-fhir-r4.xml")).getroot().iter("test"):
        expression = case.find("expression")
        assert expression is not None
        wanted = [_plain(output.text) for output in case.findall("output")]
        try:
            got = evaluate(inputs(case.get("inputfile", "")), str(expression.text))
        except Refused as refused:
            counts["passed" if expression.get("invalid") else "refused"] += 1
            counts[f"not understood: {str(refused)[:40]}"] += 0 if expression.get("invalid") else 1
            continue
        if case.get("predicate") == "true":
            got = ["true" if got and got != ["false"] else "false"]
        right = got == wanted and not expression.get("invalid")
        counts["passed" if right else "failed"] += 1
        if not right:
            failed.append(f"{case.get('name')}: {expression.text} gave {got}, not {wanted}")
    return counts, failed


def _input(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"resourceType": "Basic"}
    raw = path.read_bytes()
    found: dict[str, Any] = documents.decode(xml.read(raw) if path.suffix == ".xml" else raw)
    return found


def _plain(text: str | None) -> str:
    return (text or "").removeprefix("@").removeprefix("T")


def tell(who: str, counts: Counter[str], failed: list[str]) -> None:
    """Print the rates, and every failure."""
    total = sum(counts[key] for key in ("passed", "refused", "failed"))
    sys.stdout.write(f"FHIRPath, {who}: {counts['passed']} of {total} cases of HL7 pass, {counts['refused']} refused,")
    sys.stdout.write(f" {counts['failed']} failed\n" + "".join(f"  {line}\n" for line in failed))
    for reason, number in counts.most_common():
        if reason.startswith("not understood"):
            sys.stdout.write(f"  {number} {reason}\n")


def by_places(document: dict[str, Any], expression: str) -> list[str]:
    """Evaluate as a patch does."""
    try:
        found = places.find(document, expression)
    except places.Mismatch as mismatch:
        raise Refused(str(mismatch)) from mismatch
    return [str(one.value).lower() if isinstance(one.value, bool) else str(one.value) for one in found]


def test_paths_of_patches_are_right_or_refused(corpora: Path) -> None:
    """The small language of patches gives no wrong answer to any case that it takes."""
    counts, failed = run(corpora / "fhir/fhirpath", by_places)
    tell("paths of patches", counts, failed)
    assert {line.partition(":")[0] for line in failed} == LENIENT
    assert counts["passed"] >= 60


# Cases that ask for errors where a path leads nowhere; a sum of a tenth of a second; bounds rounded towards zero, which
# other cases round away from it.
OTHERWISE = {
    "testSimpleFail", "testSimpleWithWrongContext", "testPolymorphismAsB", "testDollarOrderNotAllowed",
    "testPolymorphismB", "testPolymorphicsB", "testFHIRPathAsFunction21", "testPlusDate19", "LowBoundaryDecimal15",
    "HighBoundaryDecimal15", "HighBoundaryDecimal16",
}  # fmt: skip


def by_engine(document: dict[str, Any], expression: str) -> list[str]:
    """Evaluate as validation does."""
    try:
        found = fhirpath.compiled(expression).on(document)
    except (fhirpath.Misread, fhirpath.Failed) as error:
        raise Refused(str(error)) from error
    return [_shown(fhirpath.plain(one)) for one in found]


def _shown(value: Any) -> str:
    if isinstance(value, Moment):
        return value.text
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_engine_of_validation_is_right_or_refuses(corpora: Path) -> None:
    """The whole language passes 98 cases of 100; what it does not know it refuses."""
    counts, failed = run(corpora / "fhir/fhirpath", by_engine)
    tell("validation", counts, failed)
    assert {line.partition(":")[0] for line in failed} == OTHERWISE
    assert counts["passed"] >= 921


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_oracle(corpora: Path) -> None:
    """The library that search parameters are checked against passes most cases."""
    fhirpathpy = pytest.importorskip("fhirpathpy")
    from fhirpathpy.models import models

    def evaluate(document: dict[str, Any], expression: str) -> list[str]:
        try:
            found = fhirpathpy.evaluate(document, expression, {}, models["r4"])
        except Exception as error:  # the library has no error of its own
            raise Refused(f"{type(error).__name__}: {error}") from error
        return [str(one).lower() if isinstance(one, bool) else _plain(str(one)) for one in found]

    counts, failed = run(corpora / "fhir/fhirpath", evaluate)
    tell("fhirpathpy", counts, failed)
    assert counts["passed"] > 700
