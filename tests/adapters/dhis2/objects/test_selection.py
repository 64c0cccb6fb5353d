"""`fields` over metadata objects: references lead on, presets spread, computed properties answer."""

from typing import Any

import pytest

from adapters.dhis2.objects.selection import selection
from tests.adapters.dhis2.objects.world import shown, somebody, view
from tracker_core.errors import Conflict

PROGRAM, STAGE, COLOUR = ("programs", "PrEyes00001"), ("programStages", "PsFirst0001"), ("dataElements", "DeColour001")


@pytest.mark.parametrize(
    ("of", "fields", "expected"),
    [
        (PROGRAM, "id,name,nothing", {"id": "PrEyes00001", "name": "Eye care"}),
        (PROGRAM, "programStages", {"programStages": [{"id": "PsFirst0001"}, {"id": "PsSecond001"}]}),
        (PROGRAM, "programStages[id],programStages[name]", {
            "programStages": [
                {"id": "PsFirst0001", "name": "First visit"},
                {"id": "PsSecond001", "name": "Second visit"},
            ]
        }),
        (STAGE, "programStageDataElements[dataElement[name,optionSet[version,options[code, displayName]]]]", {
            "programStageDataElements": [
                {"dataElement": {"name": "Colour of eyes", "optionSet": {"version": 3, "options": [
                    {"code": "R", "displayName": "Red"}, {"code": "B", "displayName": "Blue"}]}}},
                {"dataElement": {"name": "Weight"}},
            ]
        }),
        (STAGE, "program[programStages[program[name]]]", {
            "program": {"programStages": [{"program": {"name": "Eye care"}}, {"program": {"name": "Eye care"}}]}
        }),
        (PROGRAM, "programStages::size,style[color]", {"programStages": 2, "style": {"color": "#ff0000"}}),
        (PROGRAM, "programStages~isNotEmpty,programSections~isEmpty,programSections", {
            "programStages": True, "programSections": []
        }),
        (PROGRAM, "programStages~pluck", {"programStages": ["PsFirst0001", "PsSecond001"]}),
        (PROGRAM, "programStages~pluck(name)|rename(visits)", {"visits": ["First visit", "Second visit"]}),
        (PROGRAM, "programStages::keyBy(name)::rename(by)", {"by": {
            "First visit": {"id": "PsFirst0001", "name": "First visit"},
            "Second visit": {"id": "PsSecond001", "name": "Second visit"},
        }}),
        (PROGRAM, "programStages[id]~paging(2;1)", {"programStages": [{"id": "PsSecond001"}]}),
        (PROGRAM, "displayName~rename(name),displayName", {"name": "Eye care", "displayName": "Eye care"}),
        (PROGRAM, "registration,withoutRegistration", {"registration": True, "withoutRegistration": False}),
        (PROGRAM, "lastUpdatedBy", {"lastUpdatedBy": {"id": "UsAda000001", "username": "ada", "name": "Ada L"}}),
        (PROGRAM, "lastUpdatedBy[username]", {"lastUpdatedBy": {"username": "ada"}}),
        (PROGRAM, "href,favorite,favorites", {
            "href": "http://hub.example/api/programs/PrEyes00001", "favorite": False, "favorites": []
        }),
        (PROGRAM, "programTrackedEntityAttributes[displayName,valueType,mandatory]", {
            "programTrackedEntityAttributes": [{"displayName": "Given name", "valueType": "TEXT", "mandatory": True}]
        }),
        (PROGRAM, "access[data[read,write]]", {"access": {"data": {"write": True, "read": True}}}),
        (PROGRAM, "organisationUnits[name,path,level,parent,parent[name]]", {
            "organisationUnits": [
                {"name": "North", "path": "/OuCountry00/OuNorth0000", "level": 2, "parent": {"name": "Country"}}
            ]
        }),
        (STAGE, "formType,programStageSections", {"formType": "DEFAULT", "programStageSections": []}),
        (("programStages", "PsSecond001"), "formType", {"formType": "CUSTOM"}),
        (COLOUR, "optionSetValue,dataElementGroups[name]", {
            "optionSetValue": True, "dataElementGroups": [{"name": "Body"}]
        }),
        (COLOUR, "AtRegister1,AtNothing01", {"AtRegister1": "R-17"}),
        (COLOUR, ":identifiable", {"id": "DeColour001", "name": "Colour of eyes"}),
        (COLOUR, ":nameable,!name", {"id": "DeColour001", "shortName": "Eyes"}),
        (("dataElements", "DeWeight001"), "displayFormName,displayShortName", {
            "displayFormName": "Weight in kg", "displayShortName": "Weight"
        }),
        (COLOUR, "displayFormName", {"displayFormName": "Colour of eyes"}),
        (("programRuleActions", "PcWarn00001"), "displayContent", {"displayContent": "Look out"}),
        (("categoryCombos", "CcDefault01"), "isDefault", {"isDefault": True}),
        (("organisationUnits", "OuCountry00"), "children::size,leaf,ancestors", {
            "children": 2, "leaf": False, "ancestors": []
        }),
        (("organisationUnits", "OuNorth0000"), "ancestors[displayName],programs[name],leaf", {
            "ancestors": [{"displayName": "Country"}], "programs": [{"name": "Eye care"}], "leaf": True
        }),
        (("programStageDataElements", "PdColour001"), "compulsory,programStage[name]", {
            "compulsory": True, "programStage": {"name": "First visit"}
        }),
    ],
)  # fmt: skip
def test_selection(of: tuple[str, str], fields: str, expected: dict[str, Any]) -> None:
    """Each form of the language, through references, parts, lists and computed properties."""
    assert shown(*of, fields) == expected


def test_everything_is_what_is_described_and_what_only_the_document_knows() -> None:
    """`*` shows stored, unknown and computed properties, references as ids; `href` only when asked for."""
    whole = shown(*COLOUR, "*")
    assert whole["futureProperty"] == {"kept": True}
    assert whole["optionSet"] == {"id": "OsColour001"}
    assert whole["displayName"] == "Colour of eyes"
    assert whole["legendSets"] == []
    assert whole["access"]["write"] is True
    assert "href" not in whole
    assert whole == shown(*COLOUR, ":all")
    less = shown(*COLOUR, ":all,!futureProperty,optionSet[name],!access")
    assert less["optionSet"] == {"name": "Colour"}
    assert whole.keys() - less.keys() == {"futureProperty", "access"}


def test_owned_properties_are_those_that_the_document_holds() -> None:
    """`:owner` shows what may be sent back: nothing computed, no list that was not there."""
    doc = view().find(*COLOUR)
    assert shown(*COLOUR, ":owner") == shown(*COLOUR, ":persisted") == doc


def test_simple_properties_are_no_objects_and_no_lists() -> None:
    """`:simple` leaves out references, parts and lists, known or not."""
    simple = shown(*PROGRAM, ":simple")
    assert simple["version"] == 7
    assert not any(isinstance(value, dict | list) for value in simple.values())


def test_names_are_shown_in_the_language_of_the_caller() -> None:
    """A translation of the language, of its base language, else the property itself."""
    french, brazilian = view("fr"), view("pt_BR")
    assert shown(*COLOUR, "displayName,name", french) == {"displayName": "Couleur des yeux", "name": "Colour of eyes"}
    assert shown(*COLOUR, "displayFormName", french) == {"displayFormName": "Couleur des yeux"}
    assert shown(*COLOUR, "displayFormName", brazilian) == {"displayFormName": "Cor"}


def test_default_objects_are_left_out_when_asked() -> None:
    """`defaults=EXCLUDE` drops references to the default category combo, with and without brackets."""
    seen = view(skip_defaults=True)
    assert shown(*PROGRAM, "id,categoryCombo", seen) == {"id": "PrEyes00001"}
    assert shown(*PROGRAM, "categoryCombo[name]", seen) == {}
    assert shown(*PROGRAM, "categoryCombo[name]") == {"categoryCombo": {"name": "default"}}


def test_access_is_that_of_the_caller() -> None:
    """Without the authority to change programs, `access` says so."""
    seen = view(actor=somebody("F_PROGRAM_PUBLIC_ADD"))
    assert shown(*PROGRAM, "access[update,delete,externalize]", seen) == {
        "access": {"externalize": False, "update": True, "delete": False}
    }
    assert shown(*PROGRAM, "access[write]", view(actor=somebody())) == {"access": {"write": False}}


def test_nesting_has_an_end() -> None:
    """Brackets within brackets without end are a syntax error, not a crash."""
    with pytest.raises(Conflict, match="E7651"):
        selection("programs", "program[" * 5000)
