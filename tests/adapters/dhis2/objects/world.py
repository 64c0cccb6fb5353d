"""A small invented set of metadata, as a snapshot without a database, and views of it."""

from datetime import date
from typing import Any

from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import View
from tracker_core.access import Actor
from tracker_core.metadata import Metadata, Object, OrgUnit
from tracker_core.metadata.snapshot import compile_places, compile_snapshot

UNITS = [
    OrgUnit(901, "OuCountry00", "C", "Country", "/OuCountry00", 1, date(2000, 1, 1), None),
    OrgUnit(902, "OuNorth0000", "N", "North", "/OuCountry00/OuNorth0000", 2, date(2000, 1, 1), None),
    OrgUnit(903, "OuSouth0000", None, "South", "/OuCountry00/OuSouth0000", 2, date(2000, 1, 1), None),
]

DOCS: dict[str, list[dict[str, Any]]] = {
    "optionSets": [
        {
            "id": "OsColour001",
            "name": "Colour",
            "version": 3,
            "options": [{"id": "OpRed000001"}, {"id": "OpBlue00001"}],
        },
    ],
    "options": [
        {"id": "OpRed000001", "name": "Red", "code": "R", "sortOrder": 1, "optionSet": {"id": "OsColour001"}},
        {"id": "OpBlue00001", "name": "Blue", "code": "B", "sortOrder": 2, "optionSet": {"id": "OsColour001"}},
    ],
    "dataElements": [
        {
            "id": "DeColour001",
            "name": "Colour of eyes",
            "shortName": "Eyes",
            "valueType": "TEXT",
            "optionSet": {"id": "OsColour001"},
            "futureProperty": {"kept": True},
            "attributeValues": [{"attribute": {"id": "AtRegister1"}, "value": "R-17"}],
            "translations": [
                {"property": "NAME", "locale": "fr", "value": "Couleur des yeux"},
                {"property": "FORM_NAME", "locale": "pt", "value": "Cor"},
            ],
        },
        {
            "id": "DeWeight001",
            "name": "Weight",
            "shortName": "Weight",
            "formName": "Weight in kg",
            "valueType": "NUMBER",
        },
    ],
    "dataElementGroups": [{"id": "DgBody00001", "name": "Body", "dataElements": [{"id": "DeColour001"}]}],
    "categoryCombos": [{"id": "CcDefault01", "name": "default"}, {"id": "CcSex000001", "name": "Sex"}],
    "trackedEntityAttributes": [
        {"id": "TaName00001", "name": "Given name", "shortName": "Given", "valueType": "TEXT"},
    ],
    "programs": [
        {
            "id": "PrEyes00001",
            "name": "Eye care",
            "shortName": "Eyes",
            "programType": "WITH_REGISTRATION",
            "version": 7,
            "created": "2024-03-02T10:00:00.000",
            "style": {"color": "#ff0000", "icon": "eye"},
            "categoryCombo": {"id": "CcDefault01"},
            "programStages": [{"id": "PsFirst0001"}, {"id": "PsSecond001"}],
            "organisationUnits": [{"id": "OuNorth0000"}],
            "programTrackedEntityAttributes": [
                {"id": "PaName00001", "mandatory": True, "trackedEntityAttribute": {"id": "TaName00001"}},
            ],
            "lastUpdatedBy": {"id": "UsAda000001", "username": "ada", "name": "Ada L", "secret": 1},
        },
        {"id": "PrEvents001", "name": "events", "programType": "WITHOUT_REGISTRATION", "version": 1},
    ],
    "programStages": [
        {
            "id": "PsFirst0001",
            "name": "First visit",
            "program": {"id": "PrEyes00001"},
            "sortOrder": 1,
            "programStageDataElements": [
                {"id": "PdColour001", "compulsory": True, "dataElement": {"id": "DeColour001"}},
                {"id": "PdWeight001", "compulsory": False, "dataElement": {"id": "DeWeight001"}},
            ],
        },
        {
            "id": "PsSecond001",
            "name": "Second visit",
            "program": {"id": "PrEyes00001"},
            "dataEntryForm": {"id": "DfForm00001"},
        },
    ],
    "programRuleActions": [{"id": "PcWarn00001", "content": "Look out", "programRuleActionType": "SHOWWARNING"}],
    "userRoles": [{"id": "UrClerk0001", "name": "Clerk", "authorities": ["F_A", "F_B"]}],
}


def snapshot(docs: dict[str, list[dict[str, Any]]] = DOCS) -> Metadata:
    """The snapshot of `docs` and of three org units."""
    made: dict[str, dict[str, Object]] = {}
    pk = 0
    for collection, listed in docs.items():
        for doc in listed:
            pk += 1
            found = Object(pk, collection, doc["id"], doc.get("code"), doc.get("name", ""), doc)
            made.setdefault(collection, {})[doc["id"]] = found
    return compile_snapshot(1, made, compile_places(1, UNITS))


KNOWN = snapshot()


def somebody(*authorities: str, uid: str = "UsTester001") -> Actor:
    """An actor with these authorities."""
    return Actor(uid, "tester", frozenset(authorities), frozenset(), frozenset(), (), (), ())


def view(locale: str = "", *, actor: Actor | None = None, skip_defaults: bool = False) -> View:
    """A view of the invented metadata, of somebody who may do everything unless said otherwise."""
    asked = somebody("ALL") if actor is None else actor
    return View(KNOWN, asked, locale=locale, base="http://hub.example/api", skip_defaults=skip_defaults)


def shown(collection: str, uid: str, fields: str, seen: View | None = None) -> Any:
    """What `fields` shows of an object."""
    through = seen or view()
    doc = through.find(collection, uid)
    assert doc is not None
    return selection(collection, fields)(through, doc)
