"""HL7's own examples of R4, each validated against R4's definitions."""

import tarfile
from collections import defaultdict
from pathlib import Path

import pytest

from tracker_core.profiles import Library, World, validate
from tracker_core.records import documents

# What HL7's own examples get wrong, by file: the kinds of errors in each
WRONG = {
    "ActivityDefinition-blood-tubes-supply.json": {"txt-1", "txt-2"},
    "ActivityDefinition-heart-valve-replacement.json": {"txt-1", "txt-2"},
    "Basic-referral.json": {"the extension http://example.org/do-not-use/fhir-extensions/"},
    "Bundle-dataelements.json": {"bdl-7"},
    "DeviceMetric-example.json": {"it refers to DeviceDefinition; allowed is Device"},
    "DeviceUseStatement-example.json": {"it refers to Procedure; allowed is Condition or DiagnosticRe"},
    "EventDefinition-example.json": {"txt-1", "txt-2"},
    "ImplementationGuide-fhir.json": {"name is missing", "status is missing"},
    "MedicationRequest-medrx0301.json": {"it refers to Practitioner; allowed is Organization"},
    "Observation-clinical-gender.json": {"it refers to Encounter; allowed is CareTeam or Organization "},
    "Questionnaire-qs1.json": {"linkId is missing"},
    "Questionnaire-zika-virus-exposure-assessment.json": {"txt-1", "txt-2"},
    "ig-r4.json": {"name is missing", "status is missing"},
}
# Extensions that R4 itself uses where their definitions don't let them stand
MISPLACED = (
    "structuredefinition-fhir-type", "structuredefinition-normative-version", "structuredefinition-standards-status",
    "regex", "translation",
)  # fmt: skip
DEFINITIONS = ("SearchParameter-", "StructureDefinition-", "ValueSet-", "CodeSystem-", "ConceptMap-", "Operation")


@pytest.mark.slow
def test_official_examples_are_valid(r4_examples: Path) -> None:
    """Every example is valid, but for those that are named here with what is wrong in them."""
    world = World(Library())
    found: dict[str, set[str]] = defaultdict(set)
    with tarfile.open(r4_examples) as archive:
        for member in archive:
            name = Path(member.name).name
            opened = archive.extractfile(member)
            if not name.endswith(".json") or name.startswith((*DEFINITIONS, "package", ".")) or opened is None:
                continue
            for one in validate(world, [documents.decode(opened.read())])[0]:
                if one.severity == "error" and not (
                    one.code == "extension" and one.text.split()[0].endswith(MISPLACED)
                ):
                    found[name].add(one.text.split(":")[0] if one.code == "invariant" else one.text[:60])
    assert dict(found) == WRONG
