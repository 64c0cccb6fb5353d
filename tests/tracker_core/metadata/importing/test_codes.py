"""Every code of DHIS2 for metadata: who gives it, with a payload that earns it, or why nobody does."""

import re
from pathlib import Path
from typing import Any

from tracker_core import aggregates, metadata
from tracker_core.changes import AggregateChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata, Options
from tracker_core.metadata.importing import checks
from tracker_core.metadata.importing.codes import ELSEWHERE, MESSAGES, UNCHECKED

Payload = dict[str, Any]
PROGRAM, STAGE, ELEMENT = {"id": "PrMalaria00"}, {"id": "PsVisit0000"}, {"id": "DeTemp00000"}
NOWHERE = {"id": "Nowhere0001"}


def one(collection: str, **properties: Any) -> Payload:
    """Return a payload of one object that lacks nothing but what `properties` spoil."""
    doc = {
        "id": "ObOneNew001",
        "name": "One of its kind",
        "shortName": "One",
        **LEAST.get(collection, {}),
        **properties,
    }
    return {collection: [{name: value for name, value in doc.items() if value is not ...}]}


def action(type: str, **properties: Any) -> Payload:
    """Return a rule with one action."""
    rule = {"id": "RuNew000001", "name": "Rule", "program": PROGRAM}
    doc = {"id": "RaNew000001", "programRule": {"id": "RuNew000001"}, "programRuleActionType": type, **properties}
    return {"programRules": [rule], "programRuleActions": [doc]}


def tagged(value_type: str, value: str, **attribute: Any) -> Payload:
    """Return a data element with a value of a custom attribute."""
    described = {"id": "AtTag000001", "name": "Tag", "valueType": value_type, "dataElementAttribute": True, **attribute}
    values = [{"attribute": {"id": "AtTag000001"}, "value": value}]
    return {"attributes": [described], **one("dataElements", attributeValues=values)}


def listed(**criteria: Any) -> Payload:
    """Return a working list with criteria."""
    return one("eventFilters", program="PrMalaria00", eventQueryCriteria=criteria)


LEAST: dict[str, Payload] = {
    "dataElements": {"valueType": "TEXT"},
    "programRules": {"program": PROGRAM},
    "programRuleVariables": {"program": PROGRAM, "programRuleVariableSourceType": "CALCULATED_VALUE"},
    "trackedEntityAttributes": {"valueType": "TEXT"},
    "visualizations": {"type": "COLUMN"},
    "sqlViews": {"sqlQuery": "select 1"},
}
TWICE = [{"property": "NAME", "locale": "fr", "value": v} for v in "ab"]

CASES: list[tuple[str, Payload]] = [
    ("E1106", one("optionSets", translations=TWICE)),
    ("E3010", one("optionSets", sharing={"public": "everything"})),
    ("E3011", one("optionSets", sharing={"public": "rwrw----"})),
    ("E4000", one("programs")),
    ("E4001", one("optionSets", name="x" * 231)),
    ("E4002", one("dataElements", formName="x")),
    ("E4003", one("organisationUnits", openingDate="2020-01-01", email="nobody")),
    ("E4004", one("externalMapLayers", mapLayerPosition="OVERLAY", mapService="XYZ", url="somewhere")),
    ("E4006", one("legendSets", legends=[{"name": "Low", "color": "red"}])),
    ("E4008", one("organisationUnitLevels", level=0)),
    ("E4011", tagged("TEXT", "", mandatory=True)),
    ("E4014", one("legendSets", legends=[{"id": "none", "name": "Low"}])),
    ("E4019", one("trackedEntityAttributes", generated=True)),
    ("E4021", one("trackedEntityAttributes", generated=True, pattern='"FIXED"')),
    ("E4027", one("dataElements", valueType="SOUND")),
    ("E4028", one("options", code="POS", optionSet={"id": "OsResult000"})),
    ("E4033", action("SHOWERROR", programRule=...)),
    ("E4034", action("SENDMESSAGE", templateUid="Nowhere0001")),
    ("E4035", action("SENDMESSAGE")),
    ("E4036", action("HIDESECTION")),
    ("E4037", action("HIDESECTION", programStageSection=NOWHERE)),
    ("E4038", action("HIDEPROGRAMSTAGE")),
    ("E4039", action("CREATEEVENT", programStage=NOWHERE)),
    ("E4040", action("HIDEOPTION", dataElement=ELEMENT)),
    ("E4041", action("HIDEOPTION", dataElement=ELEMENT, option=NOWHERE)),
    ("E4042", action("SHOWOPTIONGROUP", dataElement=ELEMENT)),
    ("E4043", action("HIDEOPTIONGROUP", dataElement=ELEMENT, optionGroup=NOWHERE)),
    ("E4044", action("HIDEFIELD")),
    ("E4045", action("HIDEFIELD", dataElement=NOWHERE)),
    ("E4046", action("SETMANDATORYFIELD", trackedEntityAttribute=NOWHERE)),
    ("E4050", action("ASSIGN", data="1")),
    ("E4052", one("programRuleVariables", name="this and that")),
    ("E4053", one("programStages")),
    ("E4061", one("dashboards", dashboardItems=[{"visualization": NOWHERE}])),
    ("E4062", listed(occurredDate={"type": "ABSOLUTE"})),
    ("E4063", listed(assignedUserMode="PROVIDED")),
    ("E4064", listed(ouMode="SELECTED")),
    ("E4065", listed(dataFilters=[{"eq": "1"}])),
    ("E4066", listed(dataFilters=[{"dataItem": "Nowhere0001"}])),
    ("E4067", listed(attributeValueFilters=[{"eq": "1"}])),
    ("E4068", listed(attributeValueFilters=[{"attribute": "Nowhere0001"}])),
    ("E4070", one("dashboards", layout={"columns": [{}] * 61})),
    ("E4089", one("programRuleVariables", programRuleVariableSourceType="TEI_ATTRIBUTE")),
    (
        "E4091",
        one("programRuleVariables", programRuleVariableSourceType="DATAELEMENT_NEWEST_EVENT_PROGRAM_STAGE"),
    ),
    ("E4300", one("sqlViews", sqlQuery=" ")),
    ("E4301", one("sqlViews", sqlQuery="delete from x")),
    ("E4302", one("sqlViews", sqlQuery="select 1; select 2")),
    ("E4310", one("sqlViews", sqlQuery="select password from user_account")),
    ("E4311", one("sqlViews", sqlQuery="with x as (delete from y returning 1) select 1")),
    ("E5001", {"optionSets": ["text"]}),
    ("E5002", one("dataElements", optionSet=NOWHERE)),
    ("E5003", one("dataElements", name="Temperature", shortName="T")),
    ("E5004", {"optionSets": one("optionSets")["optionSets"] * 2}),
    ("E6001", one("programStages", program=PROGRAM, nextScheduleDate=ELEMENT)),
    ("E6004", tagged("GEOJSON", "no json")),
    ("E6005", tagged("GEOJSON", '{"type": "Circle"}')),
    ("E6006", tagged("INTEGER", "1.5")),
    ("E6007", tagged("INTEGER_POSITIVE", "0")),
    ("E6008", tagged("NUMBER", "many")),
    ("E6009", tagged("INTEGER_ZERO_OR_POSITIVE", "-1")),
    ("E6010", tagged("PERCENTAGE", "101")),
    ("E6011", tagged("UNIT_INTERVAL", "2")),
    ("E6012", tagged("TEXT", "x", dataElementAttribute=False, programAttribute=True)),
    ("E6013", tagged("INTEGER_NEGATIVE", "1")),
    ("E6014", tagged("DATE", "soon")),
    ("E6015", tagged("DATETIME", "soon")),
    ("E6016", tagged("BOOLEAN", "yes")),
    ("E6017", tagged("TRUE_ONLY", "false")),
    ("E6018", tagged("EMAIL", "nobody")),
    ("E6019", tagged("ORGANISATION_UNIT", "Nowhere0001")),
    ("E6020", tagged("USERNAME", "a b")),
    ("E6021", tagged("PHONE_NUMBER", "none")),
    ("E6022", one("programs", programType="WITHOUT_REGISTRATION", relatedProgram={"id": "ObOneNew001"})),
    ("E6023", {"fileResources": [{"name": "x"}]}),
]
# Given by tests of their own: what a user may not do, what a strategy forbids, what uses an object, and where more
# than one payload is needed. Users and org units are checked by their own stores.
ELSEWHERE_TESTED = "E3000 E3001 E3002 E3008 E3009 E5000 E5008 E4030 E1121 E4009 E4051 E4057".split()


def test_each_fault_has_its_code(session: Session, context: Context, metadata_here: Metadata) -> None:
    """Each payload is refused with its code, in the words of DHIS2, and nothing of it is stored."""
    for code, payload in CASES:
        report = metadata.import_objects(session, context, payload)
        assert report.rejected, code
        assert code in {issue.code for issue in report.issues}, (code, report.issues)
    assert metadata.load(session).version == metadata_here.version


def test_every_code_has_a_check_or_a_reason() -> None:
    """No code is in two tables, every message is given by a check that names it, and every check is tried here."""
    tables = (MESSAGES, ELSEWHERE, UNCHECKED)
    assert sum(map(len, tables)) == len({code for table in tables for code in table})
    named = " ".join(codes for codes, _ in (*checks.IDENTITY, *checks.VALIDATION)) + " " + checks.BESIDE
    assert set(named.split()) == set(MESSAGES)
    assert {code for code, _ in CASES} | set(ELSEWHERE_TESTED) == set(MESSAGES)


def test_the_tables_know_every_code_of_the_reference(corpora: Path) -> None:
    """Those of the section on metadata validation codes."""
    text = (corpora.parent / "reference" / "dhis2-web-api.md").read_text("utf-8")
    section = text.partition("### 12.3")[2].partition("### 12.4")[0]
    assert set(re.findall(r"^\| (E\d{4}) ", section, re.MULTILINE)) == {*MESSAGES, *ELSEWHERE, *UNCHECKED}


def test_nothing_of_a_stored_name_may_come_again(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A second rule (E4057) or variable (E4051) of a program under one name."""
    del metadata_here
    stored = {**one("programRules"), **one("programRuleVariables")}
    assert metadata.import_objects(session, context, stored).issues == []
    again = {**one("programRules", id="ObTwoNew001"), **one("programRuleVariables", id="ObTwoNew001")}
    found = metadata.import_objects(session, context, again).issues
    assert {issue.code for issue in found} == {"E4057", "E4051"}


def test_unique_values_of_attributes(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A value that another object has, in the payload or stored, is E4009; an object may keep its own."""
    del metadata_here
    payload = tagged("TEXT", "same", unique=True)
    twin = {**payload["dataElements"][0], "id": "ObTwoNew001", "name": "Two of its kind", "shortName": "Two"}
    twins = {**payload, "dataElements": [*payload["dataElements"], twin]}
    assert {issue.code for issue in metadata.import_objects(session, context, twins).issues} == {"E4009"}
    assert metadata.import_objects(session, context, payload).issues == []
    assert metadata.import_objects(session, context, payload).issues == []
    found = metadata.import_objects(session, context, {"dataElements": [twin]}).issues
    assert {issue.code for issue in found} == {"E4009"}


def test_value_types_stay_where_values_are(session: Session, context: Context, metadata_here: Metadata) -> None:
    """Another value type for a data element with values is E1121; for one without any it is fine."""
    given = AggregateChange("DeParasites", "202401", "OuClinicA00", "5")
    assert aggregates.apply_values(session, context, [given])[1] == []
    for uid, expected in (("DeParasites", {"E1121"}), ("DeWeight000", set())):
        stored = metadata_here.objects["dataElements"][uid].doc
        payload = {"dataElements": [{**stored, "valueType": "TEXT"}]}
        assert {issue.code for issue in metadata.import_objects(session, context, payload).issues} == expected


def test_strategies(session: Session, context: Context, metadata_here: Metadata) -> None:
    """CREATE refuses what is there (E5000), UPDATE what is not (E5001)."""
    del metadata_here
    for strategy, doc, code in (("CREATE", "DeTemp00000", "E5000"), ("UPDATE", "DeOther0001", "E5001")):
        payload = one("dataElements", id=doc)
        options = Options(strategy=strategy)  # type: ignore[arg-type] # a loop widens the literals
        report = metadata.import_objects(session, context, payload, options)
        assert code in {issue.code for issue in report.issues}
