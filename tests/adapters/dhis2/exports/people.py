"""Sixteen invented persons and five water points, and the metadata that makes every filter meaningful."""

import random
from typing import Any

from tests.adapters.dhis2.conftest import Client

GIVEN, VILLAGE, AGE = "sB1IHYu2xQT", "TeVillage00", "TeAge000000"
TEMPERATURE, RESULT, REMARKS = "DeTemp00000", "DeResult000", "DeNote00000"
PERSON, MALARIA, BIRTH, WATER = "MCPQUTHX1Ze", "PrMalaria00", "PrBirth0000", "PrWater0000"
VISIT, FOLLOW, WATER_STAGE = "PsVisit0000", "PsFollow000", "PsWater0000"
# Each org unit with its parent; the clinics are those that data is captured at.
PARENTS = {
    "OuCountry00": "",
    "OuNorth0000": "OuCountry00",
    "OuSouth0000": "OuCountry00",
    "OuClinicA00": "OuNorth0000",
    "OuClinicB00": "OuNorth0000",
    "OuClinicC00": "OuSouth0000",
}
CLINICS = ("OuClinicA00", "OuClinicB00", "OuClinicC00")
NAMES = ("Ada", "ada", "Ben", "Ana, Lu", "B:o", "C/o", "100%", "under_score", "Émile", "Oslo")
TEXTS = ("fever", "Fever and cough", "none", "50% better", "a:b,c/d")


def payload(seed: int = 11) -> dict[str, Any]:
    """Return the nested payload; the same seed makes the same persons."""
    chance = random.Random(seed)
    return {
        "trackedEntities": [_person(chance, number) for number in range(16)],
        "events": [_water(chance, number) for number in range(5)],
    }


def _day(chance: random.Random) -> str:
    return f"2024-0{chance.randint(1, 4)}-{chance.randint(1, 28):02d}"


def _person(chance: random.Random, number: int) -> dict[str, Any]:
    unit = chance.choice(CLINICS)
    programs = (MALARIA, BIRTH)[: chance.choice((0, 1, 1, 1, 2))]
    person: dict[str, Any] = {
        "trackedEntity": f"TePerson{number:03d}",
        "trackedEntityType": PERSON,
        "orgUnit": unit,
        "inactive": chance.random() < 0.3,
        "potentialDuplicate": chance.random() < 0.3,
        "attributes": [{"attribute": GIVEN, "value": chance.choice(NAMES)}],
        "enrollments": [
            _enrollment(chance, f"En{program[2:4]}{number:07d}", program, chance.choice((unit, *CLINICS)))
            for program in programs
        ],
    }
    if chance.random() < 0.7:
        person["createdAtClient"] = f"{_day(chance)}T10:00:00.000"
    return person


def _enrollment(chance: random.Random, uid: str, program: str, unit: str) -> dict[str, Any]:
    optional = [(VILLAGE, chance.choice(("Oak", "Elm", "oak hill"))), (AGE, str(chance.choice((5, 9, 10, 30, 100))))]
    day = _day(chance)
    return {
        "enrollment": uid,
        "program": program,
        "orgUnit": unit,
        "enrolledAt": day,
        "occurredAt": day,
        "status": chance.choice(("ACTIVE", "COMPLETED", "CANCELLED")),
        "followUp": chance.random() < 0.4,
        "attributes": [
            {"attribute": attribute, "value": value}
            for attribute, value in optional
            if program == MALARIA and chance.random() < 0.7
        ],
        "events": [_visit(chance, f"Ev{uid[2:4]}{n}{uid[5:]}", unit) for n in range(chance.randint(0, 3))]
        if program == MALARIA
        else [],
    }


def _visit(chance: random.Random, uid: str, unit: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "event": uid,
        "programStage": VISIT,
        "orgUnit": chance.choice((unit, *CLINICS)),
        "status": chance.choice(("ACTIVE", "ACTIVE", "COMPLETED", "SCHEDULE", "SKIPPED")),
    }
    if event["status"] in ("SCHEDULE", "SKIPPED"):
        event["scheduledAt"] = chance.choice((_day(chance), "2099-05-05"))
        return event
    event |= {
        "occurredAt": _day(chance),
        "dataValues": [{"dataElement": RESULT, "value": chance.choice(("POS", "NEG"))}],
    }
    if chance.random() < 0.7:
        event["dataValues"].append({"dataElement": TEMPERATURE, "value": chance.choice(("36.60", "37", "38.5", "9"))})
    if chance.random() < 0.5:
        event["dataValues"].append({"dataElement": REMARKS, "value": chance.choice(TEXTS)})
    if chance.random() < 0.4:
        event["assignedUser"] = {"username": chance.choice(("tester", "nurse"))}
    return event


def _water(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "event": f"EvWater{number:04d}",
        "program": WATER,
        "programStage": WATER_STAGE,
        "orgUnit": chance.choice(CLINICS),
        "status": chance.choice(("ACTIVE", "COMPLETED")),
        "occurredAt": _day(chance),
        "dataValues": [{"dataElement": REMARKS, "value": chance.choice(TEXTS)}],
    }


def prepare(client: Client, **program: Any) -> None:
    """Let stages assign users and programs be searched by every attribute; `program` are properties of malaria."""
    change(client, "programStages", VISIT, enableUserAssignment=True, validationStrategy="ON_COMPLETE")
    links = client.get(f"/api/programs/{MALARIA}", params={"fields": ":owner"}).json()["programTrackedEntityAttributes"]
    searchable = [{**link, "searchable": True} for link in links]
    change(
        client,
        "programs",
        MALARIA,
        programTrackedEntityAttributes=searchable,
        minAttributesRequiredToSearch=0,
        **program,
    )
    units = [{"id": uid} for uid in CLINICS]
    change(client, "programs", BIRTH, organisationUnits=units, minAttributesRequiredToSearch=0)
    change(client, "trackedEntityTypes", PERSON, minAttributesRequiredToSearch=0)


def change(client: Client, type: str, uid: str, **properties: Any) -> None:
    """Change properties of one metadata object."""
    doc = client.get(f"/api/{type}/{uid}", params={"fields": ":owner"}).json()
    answer = client.post("/api/metadata", json={type: [{**doc, **properties}]})
    assert answer.status_code == 200, answer.text
