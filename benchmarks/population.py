"""The invented country that the seed fills: 1,000 facilities, a program with two stages, an event program, a link."""

from typing import Any

FACILITIES = 1_000
DISTRICTS = 40
ROOT, PERSON, PROGRAM, VISIT, RESULT = "OuSeed00000", "TtSeed00001", "PrSeed00001", "PsSeedVisit", "PsSeedResul"
SINGLE, SINGLE_STAGE, HOUSEHOLD, OUTCOMES = "PrSeed00002", "PsSeedSingl", "RtSeed00001", "OsSeed00001"
FIRST, LAST, BORN, SEX, NUMBER, PHONE = (f"TaSeed{n:05d}" for n in range(6))
GIVEN = tuple(f"{a}{b}" for a in ("Ama", "Be", "Chi", "Da", "Efu", "Fa", "Gi", "Ha") for b in ("ra", "no", "li", "ta"))
FAMILY = tuple(
    f"{a}{b}{c}" for a in ("Ko", "Mbe", "Nya", "Oke", "Zu") for b in ("ba", "ri", "mo") for c in ("", "nda", "lu", "s")
)
_ELEMENTS = ("NUMBER", "INTEGER", "BOOLEAN", "DATE", "TEXT", "NUMBER", "INTEGER", "TEXT", "BOOLEAN", "PERCENTAGE")
CODES = ("POSITIVE", "NEGATIVE", "UNKNOWN")


def facility(number: int) -> str:
    """Return the uid of a facility, 0 to `FACILITIES` - 1."""
    return f"OuSeedF{number:04d}"


def element(number: int) -> str:
    """Return the uid of a data element, 0 to 9; the tenth but last has options."""
    return f"DeSeed{number:05d}"


def configuration() -> dict[str, Any]:
    """Return the metadata as DHIS2 packages write it."""
    return {
        "organisationUnits": [{"id": ROOT, "name": "Seedland"}, *_units()],
        "optionSets": [
            {"id": OUTCOMES, "name": "Outcome", "valueType": "TEXT", "options": [{"id": _option(c)} for c in CODES]}
        ],
        "options": [{"id": _option(code), "code": code, "name": code.title()} for code in CODES],
        "dataElements": [
            {
                "id": element(n),
                "name": f"Seed {n}",
                "valueType": type,
                "domainType": "TRACKER",
                "aggregationType": "SUM",
            }
            | ({"optionSet": {"id": OUTCOMES}} if n == 7 else {})
            for n, type in enumerate(_ELEMENTS)
        ],
        "trackedEntityAttributes": [
            {"id": FIRST, "name": "Seed given name", "valueType": "TEXT"},
            {"id": LAST, "name": "Seed family name", "valueType": "TEXT"},
            {"id": BORN, "name": "Seed birth date", "valueType": "DATE"},
            {"id": SEX, "name": "Seed sex", "valueType": "TEXT"},
            {"id": NUMBER, "name": "Seed number", "valueType": "TEXT", "unique": True},
            {"id": PHONE, "name": "Seed phone", "valueType": "PHONE_NUMBER"},
        ],
        "trackedEntityTypes": [{"id": PERSON, "name": "Seed person", "trackedEntityTypeAttributes": _held()}],
        "programs": [_program(), _single()],
        "programStages": [_stage(VISIT, PROGRAM), _stage(RESULT, PROGRAM), _stage(SINGLE_STAGE, SINGLE)],
        "relationshipTypes": [
            {"id": HOUSEHOLD, "name": "Household", "bidirectional": True, "fromToName": "lives with"}
            | {side: {"relationshipEntity": "TRACKED_ENTITY_INSTANCE"} for side in ("fromConstraint", "toConstraint")}
        ],
    }


def _option(code: str) -> str:
    return f"Op{code:0<9}"[:11]


def _units() -> list[dict[str, Any]]:
    districts = [{"id": f"OuSeedD{n:04d}", "name": f"District {n}", "parent": {"id": ROOT}} for n in range(DISTRICTS)]
    facilities = [
        {"id": facility(n), "name": f"Facility {n}", "parent": {"id": f"OuSeedD{n % DISTRICTS:04d}"}}
        for n in range(FACILITIES)
    ]
    return districts + facilities


def _held() -> list[dict[str, Any]]:
    names = (FIRST, LAST, BORN, SEX, NUMBER, PHONE)
    return [{"trackedEntityAttribute": {"id": uid}, "mandatory": False, "searchable": True} for uid in names]


def _program() -> dict[str, Any]:
    return {
        "id": PROGRAM,
        "name": "Seed program",
        "programType": "WITH_REGISTRATION",
        "trackedEntityType": {"id": PERSON},
        "programStages": [{"id": VISIT}, {"id": RESULT}],
        "organisationUnits": [{"id": facility(n)} for n in range(FACILITIES)],
        "programTrackedEntityAttributes": _held(),
    }


def _single() -> dict[str, Any]:
    return {
        "id": SINGLE,
        "name": "Seed single events",
        "programType": "WITHOUT_REGISTRATION",
        "programStages": [{"id": SINGLE_STAGE}],
        "organisationUnits": [{"id": facility(n)} for n in range(FACILITIES)],
    }


def _stage(uid: str, program: str) -> dict[str, Any]:
    placed = [{"dataElement": {"id": element(n)}, "compulsory": False} for n in range(len(_ELEMENTS))]
    return {
        "id": uid,
        "name": f"Seed stage {uid[-5:]}",
        "program": {"id": program},
        "repeatable": True,
        "programStageDataElements": placed,
    }
