"""Records and a binding that the tests of event rules share."""

from decimal import Decimal
from typing import Any

from mappings.binding import parse_binding

TEXT = """binding sample
program SAMPLE
valueset visits  loinc  29463-7
valueset cases   icd-10 A15-A19
case Condition.code in cases enrol
concepts result sct
  POSITIVE 10828004 "Positive" 260373001
  NEGATIVE 260385009
concepts symptom icd-10
  COUGH R05
  FEVER R50.9
  SWEATS R61.9
concepts status fhir:encounter-status
  COMPLETED finished
  ACTIVE in-progress arrived
  none unknown
concepts sex options
  FEMALE female
  MALE male
  none other unknown
person
attributes.GIVEN <-> name given
attributes.FAMILY <-> name.family
attributes.SEX <-> gender code:sex
attributes.BORN <-> birthDate date
attributes.PHONE <-> telecom[system=phone].value
stage visit Observation.code in visits
occurredAt <-> Encounter.period.start date
status <-> Encounter.status code:status
dataValues.WEIGHT <-> Observation[code=loinc|29463-7].valueQuantity quantity:kg
dataValues.RESULT <-> Observation[code=loinc|648-6].valueCodeableConcept concept:result
dataValues.LAB_NO <-> Observation[code=loinc|648-6].identifier[system=urn:lab].value
dataValues.SYMPTOMS <-> Observation[code=loinc|75325-1]*.valueCodeableConcept concept:symptom
dataValues.TAKES <-> Observation[code=hub:form|takes].valueBoolean yes
dataValues.COUNT <-> Observation[code=hub:form|count].valueInteger integer
dataValues.NOTE <-> Observation[code=hub:form|note].valueString
dataValues.SITE <-> Condition[category=hub:form|site].code concept:symptom
dataValues.ICD -> Condition.code icd10
new Encounter status=finished class=v3-ActCode|AMB subject=@person
new Observation status=final subject=@person encounter=@Encounter effectiveDateTime=@occurredAt
new Condition subject=@person encounter=@Encounter
stage other otherwise
"""
BINDING = parse_binding(TEXT, "sample.map")
VISIT = BINDING.stages["visit"]
LINKS = {
    "person": {"reference": "Patient/1"},
    "Encounter": {"reference": "Encounter/1"},
    "occurredAt": "2026-03-05",
}


def encounter(**more: Any) -> dict[str, Any]:
    """A finished encounter."""
    return {
        "resourceType": "Encounter",
        "id": "1",
        "status": "finished",
        "period": {"start": "2026-03-05T08:00:00+02:00"},
        **more,
    }


def observation(system: str, code: str, id: str = "", **more: Any) -> dict[str, Any]:
    """A final observation."""
    return {
        "resourceType": "Observation",
        "id": id or code,
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        **more,
    }


def weight(value: str, id: str = "w", **more: Any) -> dict[str, Any]:
    """A weight in kilograms."""
    quantity = {"value": Decimal(value), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    return observation("http://loinc.org", "29463-7", id, valueQuantity=quantity, **more)


def symptom(code: str, id: str = "") -> dict[str, Any]:
    """One symptom, coded in ICD-10."""
    coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": code}
    return observation("http://loinc.org", "75325-1", id or code, valueCodeableConcept={"coding": [coding]})


def condition(code: str, **more: Any) -> dict[str, Any]:
    """A diagnosis, coded in ICD-10."""
    coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": code}
    return {"resourceType": "Condition", "id": f"c-{code}", "code": {"coding": [coding]}, **more}
