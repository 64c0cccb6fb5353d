"""What a user with limited rights may write: each refusal with its code, and the same user where nothing is wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tracker_core import access, metadata, tracker
from tracker_core.access import Actor
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker import ownership

NAME = "sB1IHYu2xQT"
PERSON = EntityChange("TeHere00001", "MCPQUTHX1Ze", "OuClinicA00", {NAME: "Here"})
ENROLLED = EnrollmentChange("EnHere00001", "TeHere00001", "PrMalaria00", "OuClinicA00", "2024-03-01")
VISIT = EventChange(
    "EvHere00001", "EnHere00001", "PrMalaria00", "PsVisit0000", "OuClinicA00", fields={"occurredAt": "2024-03-02"}
)
WATER = EventChange("EvWater0001", "", "PrWater0000", "PsWater0000", "OuClinicA00", fields={"occurredAt": "2024-03-02"})
STORED = ChangeSet(
    entities=[
        PERSON,
        replace(PERSON, uid="TeAway00001", org_unit="OuClinicC00"),
        replace(PERSON, uid="TeFree00001"),
        replace(PERSON, uid="TeFar000001", org_unit="OuClinicC00"),
    ],
    enrollments=[
        ENROLLED,
        replace(ENROLLED, uid="EnAway00001", entity="TeAway00001", org_unit="OuClinicC00"),
    ],
    events=[
        replace(VISIT, data={"DeResult000": "POS"}, fields=VISIT.fields | {"status": "COMPLETED"}),
        replace(VISIT, uid="EvAway00001", enrollment="EnAway00001", org_unit="OuClinicC00"),
        WATER,
        replace(WATER, uid="EvWater0002", org_unit="OuClinicC00"),
    ],
    relationships=[
        RelationshipChange(
            "ReAway00001", "RtParent000", ("trackedEntity", "TeFar000001"), ("trackedEntity", "TeHere00001")
        )
    ],
)
Try = Callable[..., list[str]]


@pytest.fixture
def stored(session: Session, context: Context, metadata_here: Metadata) -> Metadata:
    """A person of the north with an enrollment and a completed visit, and others of the south."""
    applied = tracker.apply(session, context, STORED)
    assert applied.issues == []
    return metadata_here


def shared(session: Session, context: Context, type: str, uid: str, public: str, **more: Any) -> None:
    """Give a stored object a public access string, and other properties."""
    found = metadata.load(session).get(type, uid)
    assert found is not None
    doc = {"id": uid, **found.doc, "sharing": {"public": public}, **more}
    assert metadata.import_objects(session, context, {type: [doc]}).issues == []


def nurse(session: Session, *authorities: str) -> Actor:
    """Return a user who captures in the north and searches nowhere else."""
    doc = {"organisationUnits": [{"id": "OuNorth0000"}]}
    return access.loading.build(metadata.load(session), "UsNurse0001", "nurse", authorities, doc)


@pytest.fixture
def attempt(session: Session, context: Context, stored: Metadata) -> Try:
    """A function that lets the nurse apply changes and undoes them; it returns the codes of what was refused."""

    def attempted(changes: ChangeSet, *authorities: str) -> list[str]:
        actor = nurse(session, *authorities)
        with session.transaction(force_rollback=True):
            return [issue.code for issue in tracker.apply(session, context, changes, actor).issues]

    return attempted


def deleting(**items: Any) -> ChangeSet:
    """The deletion of these items."""
    return ChangeSet(**items, strategy="delete")


def test_within_the_capture_units_all_is_well(attempt: Try) -> None:
    """A user may register, enroll, capture, change, link and delete where they capture."""
    new = replace(PERSON, uid="TeNew000001")
    enrolled = replace(ENROLLED, uid="EnNew000001", entity="TeNew000001")
    visit = replace(VISIT, uid="EvNew000001", enrollment="EnNew000001")
    link = RelationshipChange(
        "ReNew000001", "RtParent000", ("trackedEntity", "TeNew000001"), ("trackedEntity", "TeHere00001")
    )
    assert attempt(ChangeSet([], [new], [enrolled], [visit, replace(WATER, uid="EvNew000002")], [link])) == []
    changed = ChangeSet(
        [], [replace(PERSON, attributes={NAME: "There"})], [replace(ENROLLED, fields={"followUp": True})]
    )
    assert attempt(changed) == []
    assert attempt(deleting(entities=[EntityChange("TeFree00001")], events=[EventChange("EvHere00001")])) == []


@pytest.mark.parametrize(
    "changes",
    [
        ChangeSet(entities=[replace(PERSON, uid="TeNew000001", org_unit="OuClinicC00")]),
        ChangeSet(entities=[replace(PERSON, org_unit="OuClinicC00")]),
        ChangeSet(enrollments=[replace(ENROLLED, uid="EnNew000001", entity="TeFree00001", org_unit="OuClinicC00")]),
        ChangeSet(events=[replace(VISIT, uid="EvNew000001", org_unit="OuClinicC00")]),
        ChangeSet(events=[replace(WATER, uid="EvNew000001", org_unit="OuClinicC00")]),
        ChangeSet(events=[replace(WATER, uid="EvWater0002", org_unit="")]),
        ChangeSet(events=[EventChange("EvWater0002")], strategy="delete"),
    ],
)
def test_outside_of_the_capture_units_it_is_e1000(attempt: Try, changes: ChangeSet) -> None:
    """What is made, moved or deleted at someone else's org unit is refused; changes of single events too."""
    assert attempt(changes) == ["E1000"]


def test_reaching_entities_and_owners(attempt: Try, session: Session, context: Context, stored: Metadata) -> None:
    """Someone else's entity is E1003, someone else's enrollment E1102; a grant opens a PROTECTED program."""
    assert attempt(ChangeSet(entities=[replace(PERSON, uid="TeAway00001", org_unit="")])) == ["E1003"]
    assert attempt(ChangeSet(entities=[replace(PERSON, uid="TeFar000001", org_unit="")])) == ["E1003"]
    visit = replace(VISIT, uid="EvNew000001", enrollment="EnAway00001")
    followed = ChangeSet(enrollments=[EnrollmentChange("EnAway00001", fields={"followUp": True})], events=[visit])
    assert attempt(followed) == ["E1102", "E1102"]
    shared(session, context, "programs", "PrMalaria00", "rwrw----", accessLevel="PROTECTED")
    assert attempt(followed) == ["E1102", "E1102"]
    away, program = session.execute(
        "select e.pk, m.pk from tracked_entity e, metadata_object m"
        " where e.uid = 'TeAway00001' and m.uid = 'PrMalaria00'"
    ).fetchall()[0]
    ownership.grant(session, replace(context, actor="nurse"), (away, program), "emergency")
    assert attempt(followed) == []


@pytest.mark.parametrize(
    ("type", "uid", "public", "changes", "codes"),
    [
        (
            "trackedEntityTypes",
            "MCPQUTHX1Ze",
            "rwr-----",
            ChangeSet([], [replace(PERSON, uid="TeNew000001")]),
            ["E1001"],
        ),
        ("trackedEntityTypes", "MCPQUTHX1Ze", "rwr-----", ChangeSet([], [PERSON]), ["E1003"]),
        ("trackedEntityTypes", "MCPQUTHX1Ze", "rw------", ChangeSet([], [], [ENROLLED]), ["E1104"]),
        ("trackedEntityTypes", "MCPQUTHX1Ze", "rw------", ChangeSet([], [], [], [VISIT]), ["E1104"]),
        ("programs", "PrMalaria00", "rwr-----", ChangeSet([], [], [ENROLLED]), ["E1091"]),
        ("programs", "PrMalaria00", "rw------", ChangeSet([], [], [], [VISIT]), ["E1096"]),
        ("programs", "PrWater0000", "rwr-----", ChangeSet([], [], [], [WATER]), ["E1091"]),
        ("programStages", "PsVisit0000", "rwr-----", ChangeSet([], [], [], [VISIT]), ["E1095"]),
    ],
)
def test_sharing_decides(
    attempt: Try,
    session: Session,
    context: Context,
    type: str,
    uid: str,
    public: str,
    changes: ChangeSet,
    codes: list[str],
) -> None:
    """Data of a type, program or stage that is not shared with the user is not written."""
    done = {"fields": VISIT.fields | {"status": "COMPLETED"}}
    changes = replace(changes, events=[replace(e, **done) if e is VISIT else e for e in changes.events])
    assert attempt(changes) == []
    shared(session, context, type, uid, public)
    assert attempt(changes) == codes


def test_cascades_and_reopening_need_authorities(attempt: Try) -> None:
    """E1100, E1103 and E1083 go away with the authority for each."""
    entity = deleting(entities=[EntityChange("TeHere00001")])
    enrollment = deleting(enrollments=[EnrollmentChange("EnHere00001")])
    reopened = ChangeSet(events=[replace(VISIT, fields={"status": "ACTIVE"})])
    assert [attempt(c) for c in (entity, enrollment, reopened)] == [["E1100"], ["E1103"], ["E1083"]]
    assert attempt(entity, "F_TEI_CASCADE_DELETE") == []
    assert attempt(enrollment, "F_ENROLLMENT_CASCADE_DELETE") == []
    assert attempt(reopened, "F_UNCOMPLETE_EVENT") == []


def test_relationships_need_rights_on_what_they_start_from(attempt: Try, session: Session, context: Context) -> None:
    """E4020: from someone else's person, to one that cannot be seen, or of a type whose data is not shared."""
    here, far = ("trackedEntity", "TeHere00001"), ("trackedEntity", "TeFar000001")
    single, away = ("event", "EvWater0001"), ("event", "EvAway00001")
    for source, target, codes in (
        (here, ("trackedEntity", "TeFree00001"), []),
        (far, here, ["E4020"]),
        (here, far, ["E4020"]),
    ):
        assert (
            attempt(ChangeSet(relationships=[RelationshipChange("ReNew000001", "RtParent000", source, target)]))
            == codes
        )
    assert attempt(deleting(relationships=[RelationshipChange("ReAway00001")])) == ["E4020"]
    free = {"relationshipTypes": [{"id": "RtAny000000", "name": "Any", "bidirectional": True}]}
    assert metadata.import_objects(session, context, free).issues == []
    for source, target, codes in (
        (here, single, []),
        (("enrollment", "EnHere00001"), ("event", "EvHere00001"), []),
        (here, away, ["E4020"]),
        (here, ("event", "EvWater0002"), ["E4020"]),
        (("enrollment", "EnAway00001"), here, ["E4020"]),
    ):
        assert (
            attempt(ChangeSet(relationships=[RelationshipChange("ReNew000001", "RtAny000000", source, target)]))
            == codes
        )
    shared(session, context, "relationshipTypes", "RtParent000", "rwr-----")
    link = RelationshipChange("ReNew000001", "RtParent000", here, ("trackedEntity", "TeFree00001"))
    assert attempt(ChangeSet(relationships=[link])) == ["E4020"]


def test_expired_events_need_an_authority(attempt: Try, session: Session, context: Context) -> None:
    """E1043, E1046 and E1047 bind everybody without F_EDIT_EXPIRED."""
    rules = {"expiryPeriodType": "Monthly", "expiryDays": 5, "completeEventsExpiryDays": 10}
    shared(session, context, "programs", "PrMalaria00", "rwrw----", **rules)
    done = {"status": "COMPLETED", "occurredAt": context.at.date().isoformat(), "completedAt": "2024-03-02"}
    filled = {"DeResult000": "POS"}
    cases = {
        "E1047": replace(VISIT, uid="EvNew000001", fields=VISIT.fields | {"status": "ACTIVE"}),
        "E1046": replace(VISIT, uid="EvNew000001", fields={"status": "SKIPPED"}),
        "E1043": replace(VISIT, uid="EvNew000001", fields=done, data=filled),
    }
    for code, change in cases.items():
        assert attempt(ChangeSet(events=[change])) == [code]
        assert attempt(ChangeSet(events=[change]), "F_EDIT_EXPIRED") == []
    today = replace(VISIT, uid="EvNew000001", fields=done | {"completedAt": context.at.isoformat()}, data=filled)
    assert attempt(ChangeSet(events=[today])) == []
    assert attempt(ChangeSet(events=[replace(VISIT, fields=done)])) == ["E1043"]


def test_category_options_are_shared_too(attempt: Try, session: Session, context: Context) -> None:
    """E1099 names the option whose data the user may not write."""
    payload = {
        "categoryOptions": [{"id": "CoGlobal000", "name": "Global", "sharing": {"public": "rwr-----"}}],
        "categories": [{"id": "CaFunder000", "name": "Funder", "categoryOptions": [{"id": "CoGlobal000"}]}],
        "categoryCombos": [{"id": "CbFunder000", "name": "Funder", "categories": [{"id": "CaFunder000"}]}],
        "categoryOptionCombos": [
            {
                "id": "CcGlobal000",
                "name": "Global",
                "categoryCombo": {"id": "CbFunder000"},
                "categoryOptions": [{"id": "CoGlobal000"}],
            }
        ],
    }
    assert metadata.import_objects(session, context, payload).issues == []
    shared(session, context, "programs", "PrWater0000", "rwrw----", categoryCombo={"id": "CbFunder000"})
    fields = WATER.fields | {"attributeOptionCombo": "CcGlobal000"}
    changes = ChangeSet(events=[replace(WATER, uid="EvNew000001", fields=fields)])
    assert attempt(changes) == ["E1099"]
    shared(session, context, "categoryOptions", "CoGlobal000", "rwrw----")
    assert attempt(changes) == []


def test_only_who_may_do_everything_skips_validation(attempt: Try) -> None:
    """`validationMode=SKIP` of anyone else is taken as FULL."""
    wrong = ChangeSet(events=[replace(WATER, uid="EvNew000001", fields={})], validation="skip")
    assert attempt(wrong) == ["E1031"]
    assert attempt(wrong, "ALL") == []
