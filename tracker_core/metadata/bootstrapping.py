"""What every hub needs before the first message: the category model's defaults, the person type, and a root org unit.

The uids are those that DHIS2 instances and the published metadata packages share, so that a package imported later
finds its own objects here.
"""

from typing import Any

from tracker_core import history
from tracker_core.database import Session
from tracker_core.issues import Report
from tracker_core.metadata.importing import import_objects

PERSON = "MCPQUTHX1Ze"
GIVEN_NAME = "sB1IHYu2xQT"
FAMILY_NAME = "ENRjVGxVL6l"
SEX = "oindugucx72"
BIRTH_DATE = "NI0QRzJvQ0k"
NATIONAL_ID = "Ewi7FUfcHAD"
PHONE = "fctSQp5nAYl"
ADDRESS = "A6Hb0Kvg4vb"
DEFAULT_OPTION = "xYerKDKCefk"
DEFAULT_CATEGORY = "GLevLNI9wkl"
DEFAULT_COMBO = "bjDvmb4bfuf"
DEFAULT_OPTION_COMBO = "HllvX50cXC0"
SEX_OPTIONS = "WDUwjiW2rGH"


def bootstrap(session: Session) -> Report:
    """Create what is missing: the four `default` objects, tracked entity type Person with its attributes, one root.

    Objects that are already here are left as they are, and the root org unit (code `ROOT`) is created only when there
    is none at all; so calling it at every start is safe.
    """
    context = history.open_change_set(session, actor="system")
    here = {(t, uid) for t, uid in session.execute("select type, uid from metadata_object").fetchall()}
    payload: dict[str, Any] = {
        type: [doc for doc in docs if (type, doc["id"]) not in here] for type, docs in {**DEFAULTS, **PERSONS}.items()
    }
    if session.execute("select from org_unit limit 1").fetchone() is None:
        payload["organisationUnits"] = [{"code": "ROOT", "name": "Country", "shortName": "Country"}]
    return import_objects(session, context, payload)


def _attribute(uid: str, code: str, name: str, value_type: str, **more: Any) -> dict[str, Any]:
    return {"id": uid, "code": code, "name": name, "shortName": name, "valueType": value_type, **more}


DEFAULTS: dict[str, list[dict[str, Any]]] = {
    "categoryOptions": [{"id": DEFAULT_OPTION, "code": "default", "name": "default", "shortName": "default"}],
    "categories": [
        {
            "id": DEFAULT_CATEGORY,
            "code": "default",
            "name": "default",
            "dataDimensionType": "DISAGGREGATION",
            "categoryOptions": [{"id": DEFAULT_OPTION}],
        }
    ],
    "categoryCombos": [
        {
            "id": DEFAULT_COMBO,
            "code": "default",
            "name": "default",
            "dataDimensionType": "DISAGGREGATION",
            "categories": [{"id": DEFAULT_CATEGORY}],
        }
    ],
    "categoryOptionCombos": [
        {
            "id": DEFAULT_OPTION_COMBO,
            "code": "default",
            "name": "default",
            "categoryCombo": {"id": DEFAULT_COMBO},
            "categoryOptions": [{"id": DEFAULT_OPTION}],
        }
    ],
}

PERSONS: dict[str, list[dict[str, Any]]] = {
    "optionSets": [
        {
            "id": SEX_OPTIONS,
            "code": "SEX",
            "name": "Sex",
            "valueType": "TEXT",
            "options": [{"id": "FKKrOBBFgs1"}, {"id": "Ii4IxCLWEFn"}],
        }
    ],
    "options": [
        {
            "id": "FKKrOBBFgs1",
            "code": "FEMALE",
            "name": "Female",
            "sortOrder": 1,
            "optionSet": {"id": SEX_OPTIONS},
        },
        {"id": "Ii4IxCLWEFn", "code": "MALE", "name": "Male", "sortOrder": 2, "optionSet": {"id": SEX_OPTIONS}},
    ],
    "trackedEntityAttributes": [
        _attribute(GIVEN_NAME, "GIVEN_NAME", "Given name", "TEXT"),
        _attribute(FAMILY_NAME, "FAMILY_NAME", "Family name", "TEXT"),
        _attribute(SEX, "PATINFO_SEX", "Sex", "TEXT", optionSet={"id": SEX_OPTIONS}),
        _attribute(BIRTH_DATE, "PATINFO_DOB", "Date of birth", "DATE"),
        _attribute(NATIONAL_ID, "NATIONAL_ID", "National ID", "TEXT", unique=True),
        _attribute(PHONE, "PHONE_LOCAL", "Phone number", "PHONE_NUMBER"),
        _attribute(ADDRESS, "ADDRESS", "Address", "LONG_TEXT"),
    ],
    "trackedEntityTypes": [
        {
            "id": PERSON,
            "name": "Person",
            "shortName": "Person",
            "featureType": "NONE",
            "trackedEntityTypeAttributes": [
                {
                    "trackedEntityType": {"id": PERSON},
                    "trackedEntityAttribute": {"id": uid},
                    "displayInList": True,
                    "searchable": True,
                    "mandatory": False,
                    "sortOrder": order,
                }
                for order, uid in enumerate(
                    (GIVEN_NAME, FAMILY_NAME, SEX, BIRTH_DATE, NATIONAL_ID, PHONE, ADDRESS), start=1
                )
            ],
        }
    ],
}
