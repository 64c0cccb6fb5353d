"""The month's case reports, and an independent count of what they must say."""

from collections import Counter
from datetime import date

from hub.demo.people import Day, Visit
from hub.demo.writing import program_of

AGES = {"P0Y--P5Y": "0-4", "P5Y--P15Y": "5-14", "P15Y--P9999Y": "15+"}
SEXES = {"F": "F", "M": "M"}
GROUPS = {
    "DG_MALARIA": ("B50-B54",),
    "DG_TB": ("A15-A19",),
    "DG_RESPIRATORY": ("J00-J99",),
    "DG_OTHER": ("A09", "E10-E14", "I10-I15", "L00-L99", "R50", "S00-S99", "Z30-Z39"),
}
_AXES = {
    "age": {"category": "DG_AGE", "options": {code: f"AGE_{label}" for code, label in AGES.items()}},
    "sex": {"category": "DG_SEX", "options": {code: f"SEX_{label}" for code, label in SEXES.items()}},
}

# Cases by ICD-10 group, age and sex: persons once per group, facility and month.
DIAGNOSES = {
    "code": "DG_MONTH",
    "name": "Monthly diagnoses",
    "dataSet": "DG_MONTH",
    "periodType": "Monthly",
    "source": {"kind": "diagnoses", "count": "persons", "date": "visit", "place": "visit"},
    "groups": [{"dataElement": element, "codes": list(codes)} for element, codes in GROUPS.items()],
    **_AXES,
}

# Malaria cases of every source, the health post's own captures included: counted in the program.
MALARIA = {
    "code": "MAL_MONTH",
    "name": "Monthly malaria cases",
    "dataSet": "MAL_MONTH",
    "periodType": "Monthly",
    "source": {
        "kind": "enrollments",
        "count": "persons",
        "date": "enrolledAt",
        "place": "enrollment",
        "program": "MALARIA_CASE",
    },
    "groups": [{"dataElement": "MAL_CASES"}],
}

Cell = tuple[str, str, str]


def age_label(born: date, day: date) -> str:
    """Return the age group of somebody born on `born`, on `day`."""
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    if years < 5:
        return "0-4"
    return "5-14" if years < 15 else "15+"


def element_of(visit: Visit) -> str:
    """Return the data element that a visit counts for, by our own reading of its code."""
    program = program_of(visit)
    if program:
        return {"malaria": "DG_MALARIA", "tb": "DG_TB"}[program]
    return "DG_RESPIRATORY" if visit.diagnoses[0].startswith("J") else "DG_OTHER"


def expected_diagnoses(day: Day) -> Counter[Cell]:
    """Count (data element, facility, disaggregation) straight from the invented visits, past every part of the hub."""
    counted: Counter[Cell] = Counter()
    seen = set()
    for system in ("fhir", "hl7v2", "emr"):
        for visit in day.visits[system]:
            element = element_of(visit)
            once = (element, visit.facility.code, visit.person.number)
            if once not in seen:
                seen.add(once)
                sliced = f"{age_label(visit.person.born, visit.start.date())}/{visit.person.sex}"
                counted[element, visit.facility.code, sliced] += 1
    return counted


def expected_cases(day: Day, program: str) -> int:
    """Count the persons with a diagnosis of `program` in any system."""
    visits = [visit for visits in day.visits.values() for visit in visits]
    return len({visit.person.number for visit in visits if program_of(visit) == program})
