"""The district of the client contracts: two facilities, one tracker program, one event program, one rule.

Two stages, one generated and one that repeats; four attributes, one unique and generated; three data elements, one with
options; a relationship type between persons and one from a person to an event.
"""

from typing import Any

ROOT, ONE, TWO = "ouDistrict0", "ouFacility1", "ouFacility2"
TYPE, PROGRAM, EVENTS = "tetPersonaa", "progImmuniz", "progEventsA"
BIRTH, VACCINE, EVENT_STAGE = "stageBirth1", "stageVaccin", "stageEvents"
UNIQUE, FIRST, LAST, PHOTO = "teaUniqueId", "teaFirstNam", "teaLastName", "teaPhotogrp"
WEIGHT, VACCINE_GIVEN, FORM = "deWeightKgs", "deVaccineAa", "deConsentFm"
OPTIONS = "osVaccinesA"
SIBLING, REFERRAL = "rtSiblingAa", "rtReferralA"
OPEN_TO_ALL = {"public": "rwrw----", "external": False, "users": {}, "userGroups": {}}


def _named(uid: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": uid, "name": name, "shortName": name[:50], **more}


def _defined(uid: str, name: str, **more: Any) -> dict[str, Any]:
    """Return an object that everybody may read, of a type whose sharing knows no data."""
    return _named(uid, name, sharing={**OPEN_TO_ALL, "public": "r-------"}, **more)


def _shared(uid: str, name: str, **more: Any) -> dict[str, Any]:
    return _named(uid, name, sharing=dict(OPEN_TO_ALL), **more)


def _units() -> list[dict[str, Any]]:
    opened = {"openingDate": "2000-01-01"}
    below = {**opened, "parent": {"id": ROOT}}
    return [
        _named(ROOT, "River District", code="RIVER", **opened),
        _named(ONE, "Facility A", code="FAC_A", **below),
        _named(TWO, "Facility B", code="FAC_B", **below),
    ]


def _attributes() -> list[dict[str, Any]]:
    made = {"unique": True, "generated": True, "pattern": "RANDOM(######)"}
    return [
        _defined(UNIQUE, "Unique id", code="UNIQUE_ID", valueType="TEXT", **made),
        _defined(FIRST, "First name of person", code="FIRST_NAME_P", valueType="TEXT"),
        _defined(LAST, "Last name of person", code="LAST_NAME_P", valueType="TEXT"),
        _defined(PHOTO, "Photograph", code="PHOTO", valueType="IMAGE"),
    ]


def _elements() -> list[dict[str, Any]]:
    tracked = {"domainType": "TRACKER", "aggregationType": "NONE", "categoryCombo": {"id": "bjDvmb4bfuf"}}
    return [
        _defined(WEIGHT, "Weight in kg", code="WEIGHT_KG", valueType="NUMBER", **tracked),
        _defined(VACCINE_GIVEN, "Vaccine", code="VACCINE", valueType="TEXT", optionSet={"id": OPTIONS}, **tracked),
        _defined(FORM, "Consent form", code="CONSENT", valueType="FILE_RESOURCE", **tracked),
    ]


def _options() -> dict[str, list[dict[str, Any]]]:
    options = [("opBcgAaaaaa", "BCG"), ("opOpvAaaaaa", "OPV")]
    return {
        "options": [
            {"id": uid, "code": code, "name": code, "sortOrder": n, "optionSet": {"id": OPTIONS}}
            for n, (uid, code) in enumerate(options, 1)
        ],
        "optionSets": [
            _defined(
                OPTIONS,
                "Vaccines",
                code="VACCINES",
                valueType="TEXT",
                version=1,
                options=[{"id": o} for o, _ in options],
            )
        ],
    }


def _stage(uid: str, name: str, program: str, elements: list[str], **more: Any) -> dict[str, Any]:
    held = [
        {"id": f"{uid[5:9]}{element[2:9]}", "dataElement": {"id": element}, "displayInReports": True, "sortOrder": n}
        for n, element in enumerate(elements, 1)
    ]
    return _shared(uid, name, program={"id": program}, programStageDataElements=held, featureType="NONE", **more)


def _stages() -> list[dict[str, Any]]:
    every = [WEIGHT, VACCINE_GIVEN, FORM]
    return [
        _stage(BIRTH, "Birth", PROGRAM, every, sortOrder=1, autoGenerateEvent=True, enableUserAssignment=True),
        _stage(
            VACCINE, "Vaccination", PROGRAM, every, sortOrder=2, repeatable=True, autoGenerateEvent=False,
            standardInterval=28, minDaysFromStart=42,
        ),
        _stage(EVENT_STAGE, "Outreach visit", EVENTS, [WEIGHT], sortOrder=1, repeatable=True),
    ]  # fmt: skip


def _programs() -> list[dict[str, Any]]:
    here = {"organisationUnits": [{"id": ONE}, {"id": TWO}], "categoryCombo": {"id": "bjDvmb4bfuf"}, "version": 1}
    held = [
        {
            "id": f"ptea{uid[3:10]}",
            "trackedEntityAttribute": {"id": uid},
            "displayInList": True,
            "searchable": uid != PHOTO,
            "sortOrder": n,
        }
        for n, uid in enumerate((UNIQUE, FIRST, LAST, PHOTO), 1)
    ]
    tracker = _shared(
        PROGRAM, "Immunization", programType="WITH_REGISTRATION", trackedEntityType={"id": TYPE}, accessLevel="OPEN",
        programStages=[{"id": BIRTH}, {"id": VACCINE}], programTrackedEntityAttributes=held, featureType="NONE",
        minAttributesRequiredToSearch=1, maxTeiCountToReturn=0, **here,
    )  # fmt: skip
    events = _shared(
        EVENTS, "Outreach", programType="WITHOUT_REGISTRATION", programStages=[{"id": EVENT_STAGE}],
        accessLevel="OPEN", **here,
    )  # fmt: skip
    return [tracker, events]


def _type() -> dict[str, Any]:
    held = [
        {
            "id": f"teta{uid[3:10]}",
            "trackedEntityAttribute": {"id": uid},
            "displayInList": True,
            "searchable": uid != PHOTO,
        }
        for uid in (UNIQUE, FIRST, LAST, PHOTO)
    ]
    return _shared(TYPE, "Child", trackedEntityTypeAttributes=held, minAttributesRequiredToSearch=1, featureType="NONE")


def _relationship_types() -> list[dict[str, Any]]:
    person = {"relationshipEntity": "TRACKED_ENTITY_INSTANCE", "trackedEntityType": {"id": TYPE}}
    event = {"relationshipEntity": "PROGRAM_STAGE_INSTANCE", "programStage": {"id": VACCINE}}
    return [
        _shared(
            SIBLING, "Sibling", bidirectional=True, fromToName="sibling of", toFromName="sibling of",
            fromConstraint=person, toConstraint=person,
        ),
        _shared(
            REFERRAL, "Referred to", bidirectional=False, fromToName="referred to", fromConstraint=person,
            toConstraint=event,
        ),
    ]  # fmt: skip


def _rules() -> dict[str, list[dict[str, Any]]]:
    action = {
        "id": "praHeavyBaa",
        "programRule": {"id": "prHeavyBaby"},
        "programRuleActionType": "SHOWWARNING",
        "content": "Is this weight right?",
        "data": "'kg'",
        "dataElement": {"id": WEIGHT},
    }
    return {
        "programRules": [
            {
                "id": "prHeavyBaby", "name": "Heavy baby", "program": {"id": PROGRAM}, "priority": 1,
                "condition": "#{weight} > 6", "programRuleActions": [{"id": "praHeavyBaa"}],
            }
        ],
        "programRuleActions": [action],
        "programRuleVariables": [
            {
                "id": "prvWeightAa", "name": "weight", "program": {"id": PROGRAM}, "dataElement": {"id": WEIGHT},
                "programRuleVariableSourceType": "DATAELEMENT_CURRENT_EVENT",
            }
        ],
    }  # fmt: skip


def district() -> dict[str, Any]:
    """Return the metadata payload, fresh for each caller."""
    return {
        "organisationUnits": _units(),
        **_options(),
        "trackedEntityAttributes": _attributes(),
        "dataElements": _elements(),
        "trackedEntityTypes": [_type()],
        "programs": _programs(),
        "programStages": _stages(),
        "relationshipTypes": _relationship_types(),
        **_rules(),
    }
