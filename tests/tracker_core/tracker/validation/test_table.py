"""Every rule of the table: a change that breaks it is refused with its code, and nothing else is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tracker_core import files, metadata, tracker, users
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker.validation import table
from tracker_core.tracker.validation.messages import MESSAGES, UNRAISED

NAME, SEX, NATIONAL_ID = "sB1IHYu2xQT", "oindugucx72", "Ewi7FUfcHAD"
DEFAULT = metadata.DEFAULT_OPTION_COMBO
FILE = "FiHeld00001"
POINT = {"type": "Point", "coordinates": [36.8, -1.3]}
Apply = Callable[[ChangeSet], tracker.Applied]
Case = tuple[str, ChangeSet]

ENTITY = EntityChange("TeNew000001", "MCPQUTHX1Ze", "OuClinicA00", {NAME: "New"})
ENROLLMENT = EnrollmentChange("EnNew000001", "TeFree00001", "PrMalaria00", "OuClinicA00", "2024-03-01")
EVENT = EventChange(
    "EvNew000001", "EnHeld00001", "PrMalaria00", "PsVisit0000", "OuClinicA00", fields={"occurredAt": "2024-03-02"}
)
LINK = RelationshipChange(
    "ReNew000001", "RtParent000", ("trackedEntity", "TeFree00001"), ("trackedEntity", "TeHeld00001")
)
WATER = EventChange("EvWater0001", program="PrWater0000", org_unit="OuClinicA00", fields={"occurredAt": "2024-01-01"})


def entity(**changed: Any) -> ChangeSet:
    """A new entity, but for what is named."""
    return ChangeSet(entities=[replace(ENTITY, **changed)])


def enrollment(**changed: Any) -> ChangeSet:
    """A new enrollment, but for what is named."""
    return ChangeSet(enrollments=[replace(ENROLLMENT, **changed)])


def event(**changed: Any) -> ChangeSet:
    """A new event, but for what is named; `fields` are added to the usual ones."""
    fields = EVENT.fields | changed.pop("fields", {})
    return ChangeSet(events=[replace(EVENT, fields=fields, **changed)])


def link(**changed: Any) -> ChangeSet:
    """A new relationship, but for what is named."""
    return ChangeSet(relationships=[replace(LINK, **changed)])


def funded(**fields: Any) -> ChangeSet:
    """An event of an event program with a category combo of its own."""
    happened = {"occurredAt": "2024-01-01"} | fields
    return ChangeSet(
        events=[EventChange("EvFunded001", program="PrFunded000", org_unit="OuClinicA00", fields=happened)]
    )


def under(changes: ChangeSet, strategy: str) -> ChangeSet:
    """The same changes under another strategy."""
    return replace(changes, strategy=strategy)  # type: ignore[arg-type]


def entity_cases() -> Iterator[Case]:
    """What may be wrong with tracked entities."""
    yield "E1002", under(entity(uid="TeHeld00001"), "create")
    yield "E1063", under(entity(), "update")
    yield "E1114", entity(uid="TeGone00001")
    yield "E1121", entity(org_unit="")
    yield "E1121", entity(type="")
    yield "E1005", entity(type="Nowhere0001")
    yield "E1049", entity(org_unit="Nowhere0001")
    yield "E1126", entity(uid="TeHeld00001", type="TtHouse0000", attributes={})
    yield "E1075", entity(attributes={"": "x"})
    yield "E1006", entity(attributes={"Nowhere0001": "x"})
    yield "E1077", entity(attributes={NAME: "x" * 1201})
    yield "E1112", entity(attributes={"TeSecret000": "x"})
    yield "E1007", entity(attributes={"NI0QRzJvQ0k": "1990"})
    yield "E1125", entity(attributes={SEX: "X"})
    yield "E1007", entity(attributes={"TeScan00000": "FiMissing00"})
    yield "E1009", entity(attributes={"TeScan00000": FILE})
    yield "E1064", entity(attributes={NATIONAL_ID: "held"})
    yield "E1090", entity(type="TtHouse0000", attributes={})
    yield "E1076", entity(type="TtHouse0000", uid="TeHouse0001", attributes={"TeVillage00": None})
    yield "E1074", entity(fields={"geometry": POINT})
    yield "E1012", entity(type="TtPlace0000", attributes={}, fields={"geometry": {"type": "Polygon"}})
    yield "invalid-date", entity(fields={"createdAtClient": "soon"})


def enrollment_cases() -> Iterator[Case]:
    """What may be wrong with enrollments."""
    born = {"occurredAt": "2024-01-01", "status": "COMPLETED"}
    yield "E1080", under(enrollment(uid="EnHeld00001", entity="TeHeld00001"), "create")
    yield "E1081", under(enrollment(), "update")
    yield "E1113", enrollment(uid="EnGone00001", entity="TeHeld00001", fields={"status": "CANCELLED"})
    yield "E1122", enrollment(org_unit="")
    yield "E1122", enrollment(fields={"status": "PAUSED"})
    yield "E1068", enrollment(entity="Nowhere0001")
    yield "E1068", enrollment(entity="TeGone00001")
    yield "E1069", enrollment(program="Nowhere0001")
    yield "E1070", enrollment(org_unit="Nowhere0001")
    yield "E1127", enrollment(uid="EnHeld00001", entity="TeFree00001")
    yield "E1014", enrollment(program="PrWater0000")
    yield "E1022", enrollment(entity="TeHouse0001", attributes={NAME: "House"})
    yield "E1041", enrollment(org_unit="OuNorth0000")
    yield "E1025", enrollment(enrolled_at="")
    yield "E1020", enrollment(enrolled_at="2999-01-01")
    yield "E1021", enrollment(fields={"occurredAt": "2999-01-01"})
    yield "E1023", enrollment(program="PrBirth0000")
    yield "E1052", enrollment(fields={"completedAt": "2024-03-05"})
    yield "E1015", enrollment(entity="TeHeld00001")
    yield "E1016", enrollment(program="PrBirth0000", entity="TeHeld00001", fields=born)
    yield "E1006", enrollment(attributes={"Nowhere0001": "x"})
    yield "E1019", enrollment(attributes={"TeOther0000": "x"})
    yield "E1007", enrollment(attributes={"TeAge000000": "0"})
    yield "E1064", enrollment(attributes={NATIONAL_ID: "Held"})
    yield "E1018", enrollment(entity="TeNameless1")
    yield "E1076", enrollment(attributes={NAME: None})
    yield "E1074", enrollment(fields={"geometry": POINT})
    yield "E1012", enrollment(program="PrMapped000", fields={"geometry": {"type": "Polygon"}})
    yield "invalid-date", enrollment(enrolled_at="soon")


def event_cases() -> Iterator[Case]:
    """What may be wrong with events."""
    planned = {"status": "SCHEDULE", "scheduledAt": "2024-05-01", "occurredAt": None}
    mapped = {"program": "PrMapped000", "enrollment": "EnMapped001", "stage": "PsMapped000"}
    yield "E1030", under(event(uid="EvHeld00001"), "create")
    yield "E1032", under(event(), "update")
    yield "E1082", event(uid="EvGone00001")
    yield "E1123", event(org_unit="")
    yield "E1123", event(fields={"status": "LATE"})
    yield "E1010", event(program="Nowhere0001")
    yield "E1011", event(org_unit="Nowhere0001")
    yield "E1013", event(stage="Nowhere0001")
    yield "E1033", event(enrollment="")
    yield "E1081", event(enrollment="Nowhere0001")
    yield "E1089", event(stage="PsBirth0000", program="PrMalaria00")
    yield "E1029", event(org_unit="OuNorth0000")
    yield "E1128", event(uid="EvFollow001", stage="PsVisit0000")
    yield "E1031", event(fields={"occurredAt": None})
    yield "E1050", event(fields=planned | {"scheduledAt": None})
    yield "E1051", event(fields={"completedAt": "2024-03-05"})
    yield "E1316", event(uid="EvHeld00001", fields=planned)
    yield "E1039", event(stage="PsFollow000")
    yield "E1315", event(fields=planned, data={"DeTemp00000": "37"})
    yield "E1326", event(uid="EvBlocked01", fields={"status": "COMPLETED"}, **mapped)
    yield (
        "E1118",
        event(fields={"assignedUser": "x"}, **mapped),
    )
    yield "E1115", event(fields={"attributeOptionCombo": "Nowhere0001"})
    yield "E1116", event(fields={"attributeCategoryOptions": ["Nowhere0001"], "attributeOptionCombo": DEFAULT})
    yield "E1055", funded()
    yield "E1055", funded(attributeOptionCombo=DEFAULT)
    yield "E1117", funded(attributeCategoryOptions=["CoGlobal000", "CoLocal0000"])
    yield "E1117", funded(attributeOptionCombo="CcGlobal000", attributeCategoryOptions=["CoLocal0000"])
    yield "E1054", event(fields={"attributeOptionCombo": "CcGlobal000"})
    yield "E1056", funded(attributeOptionCombo="CcGlobal000", occurredAt="2019-12-31")
    yield "E1057", funded(attributeCategoryOptions=["CoGlobal000"], occurredAt="2030-01-01")
    yield "E1304", event(data={"Nowhere0001": "1"})
    yield (
        "E1305",
        event(data={"DeTemp00000": "1"}, **mapped),
    )
    yield "E1302", event(data={"DeTemp00000": "hot"})
    yield "E1125", event(data={"DeResult000": "MAYBE"})
    yield "E1009", event(**mapped, data={"DeScan00000": FILE})
    yield "E1303", event(fields={"status": "COMPLETED"})
    yield "E1076", event(fields={"status": "COMPLETED"}, data={"DeResult000": None})
    yield "E1074", event(fields={"geometry": POINT})
    yield "E1012", event(fields={"geometry": {"type": "Point", "coordinates": []}}, **mapped)
    yield "E1079", event(program="PrMapped000", stage="PsMapped000")


def relationship_cases() -> Iterator[Case]:
    """What may be wrong with relationships."""
    person = ("trackedEntity", "TeFree00001")
    yield "E4015", under(link(uid="ReHeld00001"), "create")
    yield "E4016", under(link(), "update")
    yield "E4017", link(uid="ReGone00001")

    yield "E1124", link(type="")
    yield "E1124", link(source=("", ""))
    yield "E4006", link(type="Nowhere0001")
    yield "E4001", link(source=("", "several"))
    yield "E4012", link(target=("trackedEntity", "Nowhere0001"))
    yield "E4012", link(target=("trackedEntity", "TeGone00001"))
    yield "E4010", link(source=("enrollment", "EnHeld00001"))
    yield "E4014", link(target=("trackedEntity", "TeHouse0001"))
    yield "E4000", link(target=person)
    yield "E4018", link(source=("trackedEntity", "TeHeld00001"), target=person)
    yield (
        "E4018",
        link(type="RtSibling00", source=person, target=("trackedEntity", "TeHeld00001")),
    )


MORE: dict[str, Any] = {
    "trackedEntityTypes": [{"id": "TtPlace0000", "name": "Place", "featureType": "POINT"}],
    "trackedEntityAttributes": [
        {"id": "TeOther0000", "name": "Other", "valueType": "TEXT"},
        {"id": "TeSecret000", "name": "Secret", "valueType": "TEXT", "confidential": True},
        {"id": "TeScan00000", "name": "Scan", "valueType": "FILE_RESOURCE"},
    ],
    "dataElements": [{"id": "DeScan00000", "name": "Scan", "valueType": "FILE_RESOURCE", "domainType": "TRACKER"}],
    "categoryOptions": [
        {"id": "CoGlobal000", "name": "Global", "startDate": "2020-01-01", "endDate": "2029-12-31T00:00:00.000"},
        {"id": "CoLocal0000", "name": "Local"},
    ],
    "categories": [
        {"id": "CaFunder000", "name": "Funder", "categoryOptions": [{"id": "CoGlobal000"}, {"id": "CoLocal0000"}]}
    ],
    "categoryCombos": [{"id": "CbFunder000", "name": "Funder", "categories": [{"id": "CaFunder000"}]}],
    "categoryOptionCombos": [
        {
            "id": f"Cc{name:0<9}",
            "name": name,
            "categoryCombo": {"id": "CbFunder000"},
            "categoryOptions": [{"id": f"Co{name:0<9}"}],
        }
        for name in ("Global", "Local")
    ],
    "programs": [
        {
            "id": "PrMapped000",
            "name": "Mapped",
            "programType": "WITH_REGISTRATION",
            "featureType": "POINT",
            "trackedEntityType": {"id": "MCPQUTHX1Ze"},
            "organisationUnits": [{"id": "OuClinicA00"}],
            "programStages": [{"id": "PsMapped000"}],
        },
        {
            "id": "PrFunded000",
            "name": "Funded",
            "programType": "WITHOUT_REGISTRATION",
            "categoryCombo": {"id": "CbFunder000"},
            "organisationUnits": [{"id": "OuClinicA00"}],
            "programStages": [{"id": "PsFunded000"}],
        },
    ],
    "programStages": [
        {
            "id": "PsMapped000",
            "name": "Mapped",
            "featureType": "POINT",
            "enableUserAssignment": True,
            "blockEntryForm": True,
            "repeatable": True,
            "programStageDataElements": [{"id": "PdScan00000", "dataElement": {"id": "DeScan00000"}}],
        },
        {"id": "PsFunded000", "name": "Funded"},
    ],
    "relationshipTypes": [{"id": "RtSibling00", "name": "Sibling", "bidirectional": True}],
}
GIVEN = ChangeSet(
    entities=[
        replace(ENTITY, uid="TeHeld00001", attributes={NAME: "Held", NATIONAL_ID: "Held", "TeScan00000": FILE}),
        replace(ENTITY, uid="TeFree00001", attributes={NAME: "Free"}),
        replace(ENTITY, uid="TeNameless1", attributes={}),
        replace(ENTITY, uid="TeGone00001"),
        replace(ENTITY, uid="TeHouse0001", type="TtHouse0000", attributes={"TeVillage00": "Oak"}),
    ],
    enrollments=[
        replace(ENROLLMENT, uid="EnHeld00001", entity="TeHeld00001"),
        replace(ENROLLMENT, uid="EnGone00001", entity="TeHeld00001", fields={"status": "CANCELLED"}),
        replace(ENROLLMENT, uid="EnMapped001", entity="TeHeld00001", program="PrMapped000"),
        replace(ENROLLMENT, uid="EnBirth0001", entity="TeHeld00001", program="PrBirth0000", fields=EVENT.fields),
    ],
    events=[
        replace(
            EVENT,
            uid="EvHeld00001",
            data={"DeResult000": "POS"},
            fields=EVENT.fields | {"notes": [{"note": "NoHeld00001", "value": "first"}]},
        ),
        replace(
            EVENT,
            uid="EvBlocked01",
            enrollment="EnMapped001",
            program="PrMapped000",
            stage="PsMapped000",
            fields=EVENT.fields | {"status": "COMPLETED"},
        ),
        replace(EVENT, uid="EvGone00001"),
        replace(EVENT, uid="EvFollow001", stage="PsFollow000"),
    ],
    relationships=[
        replace(LINK, uid="ReHeld00001", source=LINK.target, target=LINK.source),
        replace(LINK, uid="ReSibling01", type="RtSibling00", source=LINK.target, target=LINK.source),
        replace(LINK, uid="ReGone00001", target=("trackedEntity", "TeNameless1")),
    ],
)
GONE = ChangeSet(
    entities=[EntityChange("TeGone00001", delete=True)],
    enrollments=[EnrollmentChange("EnGone00001", delete=True)],
    events=[EventChange("EvGone00001", delete=True)],
    relationships=[RelationshipChange("ReGone00001", delete=True)],
)


@pytest.fixture
def apply(session: Session, context: Context, metadata_here: Metadata) -> Apply:
    """The invented country with a person `Held` who has one of everything, one who is gone, and free ones."""
    assert metadata.import_objects(session, context, MORE).issues == []
    users.create(session, "nurse", "words")
    files.keep(session, FILE, "scan.pdf", "application/pdf", 1, "", "DATA_VALUE", "nurse")
    for changes in (GIVEN, GONE):
        assert tracker.apply(session, context, changes).issues == []
    return lambda changes: tracker.apply(session, context, changes)


CASES: list[Callable[[], Iterator[Case]]] = [entity_cases, enrollment_cases, event_cases, relationship_cases]


# What only a user whose rights are limited meets: see test_rights.
ELSEWHERE = {"E1313", "E1119", "E1120"}
BY_RIGHTS = {
    *("E1000", "E1001", "E1003", "E1043", "E1046", "E1047", "E1083", "E1091", "E1095", "E1096", "E1099", "E1100"),
    *("E1102", "E1103", "E1104", "E4020"),
}


@pytest.mark.parametrize("cases", CASES)
def test_each_fault_has_its_code(apply: Apply, cases: Callable[[], Iterator[Case]]) -> None:
    """A change with one fault gives exactly that code, and leaves nothing behind."""
    wrong = []
    for number, (code, changes) in enumerate(cases()):
        found = [issue.code for issue in apply(changes).issues]
        if found != [code]:
            wrong.append((number, code, found))
    assert not wrong, wrong


def test_no_rule_is_without_a_case() -> None:
    """Every code of the table is shown by a case, but for the one that no metadata import lets happen."""
    tables = (table.ENTITIES, table.ENROLLMENTS, table.EVENTS, table.RELATIONSHIPS)
    for stages, cases in zip(tables, CASES, strict=True):
        shown = {code for code, _ in cases()} | {"E1008"}
        shared = {
            "E1075",
            "E1006",
            "E1077",
            "E1007",
            "E1125",
            "E1112",
            "E1009",
        }  # the same functions, shown on tracked entities
        assert {check.code for stage in stages for check in stage} - shown - shared - ELSEWHERE - BY_RIGHTS == set()


def test_every_code_has_a_check_or_a_reason() -> None:
    """Of the codes that DHIS2 2.42 documents none is forgotten: what no check raises says why."""
    raised = {check.code for check in table.checks()} | {table.CASCADE[0]}
    unraised = sorted(MESSAGES.keys() - raised)
    assert unraised == sorted(UNRAISED)
    assert len(MESSAGES) == 112


def test_messages_take_their_arguments(apply: Apply) -> None:
    """No message is left with a placeholder, nor lacks an argument that its check gives."""
    for cases in CASES:
        for _, changes in cases():
            for issue in apply(replace(changes, validation="fail_fast")).issues:
                assert "{" not in issue.text


def test_what_is_only_warned_of_is_stored(session: Session, apply: Apply) -> None:
    """A note is written once and a user only assigned where the stage allows it: the rest of the event is stored."""
    again = {"notes": [{"note": "NoHeld00001", "value": "again"}]}
    for uid, fields in (("EvHeld00001", again), ("EvNew000001", again), ("EvNew000002", {"assignedUser": "nurse"})):
        applied = apply(event(uid=uid, fields=fields))
        assert [(i.code, i.severity) for i in applied.issues] == [("E1119" if fields is again else "E1120", "warning")]
        assert [outcome.action for outcome in applied.outcomes] == ["unchanged" if uid == "EvHeld00001" else "created"]
    stored = session.execute("select notes, assigned_user from event where uid like 'EvNew%'").fetchall()
    assert stored == [([], None), ([], None)]


def test_an_enrollment_of_nobody_has_no_events(apply: Apply) -> None:
    """Its event is refused beside it."""
    nobody = ChangeSet(enrollments=[replace(ENROLLMENT, entity="")], events=[replace(EVENT, enrollment="EnNew000001")])
    assert [issue.code for issue in apply(nobody).issues] == ["E1122", "E1313"]


def test_fail_fast_stops_at_the_first_fault(apply: Apply) -> None:
    """Only the first rule that anything breaks is reported, and nothing is stored, not even object by object."""
    wrong = replace(ENTITY, uid="TeNew000002", attributes={NAME: "x" * 1201, SEX: "X"})
    both = ChangeSet(entities=[wrong, replace(wrong, uid="TeNew000003"), ENTITY], atomic=False)
    assert [issue.code for issue in apply(both).issues] == ["E1077", "E1125"] * 2
    fast = apply(replace(both, entities=[wrong, replace(ENTITY, uid="TeNew000004")], validation="fail_fast"))
    assert ([issue.code for issue in fast.issues], fast.touched) == (["E1077"], [])


def test_what_a_stage_finds_keeps_later_stages_away(apply: Apply) -> None:
    """A reference that is wrong is all that is said of an object; its values are not looked at."""
    both = entity(org_unit="Nowhere0001", type="Nowhere0002", attributes={NAME: "x" * 1201})
    assert [issue.code for issue in apply(both).issues] == ["E1005", "E1049"]


def test_skipping_keeps_what_the_write_needs(apply: Apply) -> None:
    """Without validation a wrong value is stored, a wrong reference never."""
    assert apply(replace(event(data={"DeTemp00000": "hot"}), validation="skip")).issues == []
    assert [i.code for i in apply(replace(event(org_unit="Nowhere0001"), validation="skip")).issues] == ["E1011"]


def test_one_import_sees_its_own_items(apply: Apply) -> None:
    """Two enrollments, two events of a stage that does not repeat, two equal values or links within one import."""
    twice = ChangeSet(enrollments=[ENROLLMENT, replace(ENROLLMENT, uid="EnNew000002")])
    assert [issue.code for issue in apply(twice).issues] == ["E1015"]
    born = replace(ENROLLMENT, uid="EnNew000003", program="PrBirth0000", fields={"occurredAt": "2024-01-01"})
    follow = replace(EVENT, enrollment="EnNew000003", program="PrBirth0000", stage="PsBirth0000")
    events = [replace(follow, data={"DeWeight000": "3"}), replace(follow, uid="EvNew000002", data={"DeWeight000": "3"})]
    assert [issue.code for issue in apply(ChangeSet(enrollments=[born], events=events)).issues] == ["E1039"]
    people = [replace(ENTITY, uid=f"TeNew00000{n}", attributes={NATIONAL_ID: same}) for n, same in enumerate("Ss")]
    assert [issue.code for issue in apply(ChangeSet(entities=people)).issues] == ["E1064"]
    links = [LINK, replace(LINK, uid="ReNew000002")]
    assert [issue.code for issue in apply(ChangeSet(relationships=links)).issues] == ["E4018"]


def test_event_programs_have_dates_too(apply: Apply) -> None:
    """An anonymous event needs a date in any status."""
    planned = replace(WATER, fields={"status": "SCHEDULE", "scheduledAt": "2024-05-01"})
    assert [issue.code for issue in apply(ChangeSet(events=[planned])).issues] == ["E1031"]


def test_an_assigned_user_is_an_account(session: Session, apply: Apply) -> None:
    """By name or uid; what is stored is the name."""
    uid = session.execute("select uid from user_account").fetchall()[0][0]
    mapped = {"program": "PrMapped000", "enrollment": "EnMapped001", "stage": "PsMapped000"}
    assert apply(event(fields={"assignedUser": uid}, **mapped)).issues == []
    assert session.execute("select assigned_user from event where uid = 'EvNew000001'").fetchone() == ("nurse",)
