"""Visits of the demo's invented persons as a folder in Synthea's CSV layout, and as one of OMOP's."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hub.demo import people, writing
from hub.demo.people import Visit

VITALS = (("8310-5", "Body temperature", "Cel"), ("29463-7", "Body Weight", "kg"))
LABS = {"malaria": "70569-9", "sputum": "648-6"}


def write_synthea(folder: Path, visits: Iterable[Visit]) -> None:
    """Write the files that say what these visits are."""
    made = list(visits)
    persons = {visit.person.number: visit for visit in made}
    _write(folder / "organizations.csv", [{"Id": f.code, "NAME": f.name} for f in people.FACILITIES])
    _write(folder / "patients.csv", [_patient(visit) for visit in persons.values()])
    _write(folder / "encounters.csv", [_encounter(visit) for visit in made])
    _write(folder / "conditions.csv", [row for visit in made for row in _conditions(visit)])
    _write(folder / "observations.csv", [row for visit in made for row in _observations(visit)])
    _write(folder / "payers.csv", [{"Id": "1", "NAME": "Nobody"}])


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]) if rows else ["Id"])
        out.writeheader()
        out.writerows(rows)


def _key(visit: Visit) -> str:
    return f"p{visit.person.number}"


def _patient(visit: Visit) -> dict[str, str]:
    person = visit.person
    return {
        "Id": _key(visit),
        "BIRTHDATE": person.born.isoformat(),
        "SSN": person.national_id,
        "FIRST": person.given,
        "LAST": person.family,
        "GENDER": person.sex,
        "PHONE": person.phone,
    }


def _encounter(visit: Visit) -> dict[str, str]:
    return {
        "Id": visit.id,
        "START": visit.start.isoformat(),
        "STOP": visit.start.isoformat(),
        "PATIENT": _key(visit),
        "ORGANIZATION": visit.facility.code,
        "ENCOUNTERCLASS": "ambulatory",
        "CODE": "185349003",
        "DESCRIPTION": "Encounter for check up",
    }


def _conditions(visit: Visit) -> list[dict[str, str]]:
    about = {"START": visit.start.date().isoformat(), "STOP": "", "PATIENT": _key(visit), "ENCOUNTER": visit.id}
    return [{**about, "SYSTEM": writing.ICD10, "CODE": code, "DESCRIPTION": code} for code in visit.diagnoses]


def _observations(visit: Visit) -> list[dict[str, str]]:
    about = {"DATE": visit.start.isoformat(), "PATIENT": _key(visit), "ENCOUNTER": visit.id}
    values = (visit.temperature, visit.weight)
    rows = [
        {**about, "CODE": code, "DESCRIPTION": name, "VALUE": str(value), "UNITS": unit, "TYPE": "numeric"}
        for (code, name, unit), value in zip(VITALS, values, strict=True)
    ]
    for test, result in (("malaria", visit.malaria_test), ("sputum", visit.sputum_test)):
        if result:
            told = {"VALUE": f"{result.title()} (qualifier value)", "UNITS": "", "TYPE": "text"}
            rows.append({**about, "CODE": LABS[test], "DESCRIPTION": test, **told})
    return rows
