"""The import whole: what is written, logged and reported, and what is left alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tracker_core import history, metadata, tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.context import Context
from tracker_core.database import Pool, Session, transaction
from tracker_core.metadata import Metadata
from tracker_core.tracker import Applied
from tracker_core.uids import is_uid, new_uid

GIVEN, FAMILY, NATIONAL_ID = "sB1IHYu2xQT", "ENRjVGxVL6l", "Ewi7FUfcHAD"


def person(uid: str = "", **values: str | None) -> EntityChange:
    """A person registered at Clinic Alder."""
    return EntityChange(uid, "MCPQUTHX1Ze", "OuClinicA00", {GIVEN: "Ada", **values})


def case(entity: str, uid: str = "", **fields: Any) -> EnrollmentChange:
    """An enrollment in the malaria program at Clinic Alder."""
    return EnrollmentChange(uid, entity, "PrMalaria00", "OuClinicA00", "2024-03-01", fields=fields)


def visit(enrollment: str, uid: str = "", data: dict[str, str | None] | None = None, **fields: Any) -> EventChange:
    """A malaria visit at Clinic Alder."""
    fields = {"occurredAt": "2024-03-02", **fields}
    return EventChange(uid, enrollment, "PrMalaria00", "PsVisit0000", "OuClinicA00", data or {}, fields)


def whole(entity: str, enrollment: str, event: str) -> ChangeSet:
    """A person with an enrollment and a visit, all new."""
    return ChangeSet(
        entities=[person(entity, **{FAMILY: "Byron"})],
        enrollments=[case(entity, enrollment)],
        events=[visit(enrollment, event, {"DeTemp00000": "38.50", "DeResult000": "POS"})],
    )


@pytest.fixture
def apply(session: Session, context: Context, metadata_here: Metadata) -> Callable[[ChangeSet], Applied]:
    """Apply a change set to the invented country."""
    return lambda changes: tracker.apply(session, context, changes)


def actions(applied: Applied) -> list[str]:
    """What became of each item."""
    return [outcome.action for outcome in applied.outcomes]


def log(session: Session) -> list[tuple[Any, ...]]:
    """The change log's kinds, actions and deltas, without metadata's."""
    return session.execute("select kind, action, delta from change where kind <> 'metadata' order by id").fetchall()


def test_new_objects_are_stored_and_logged(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """One import makes a person, an enrollment and an event; each is logged once, all under one subject."""
    applied = apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    assert applied.issues == []
    assert [(o.kind, o.id, o.action) for o in applied.outcomes] == [
        ("trackedEntity", "TePerson001", "created"),
        ("enrollment", "EnCase00001", "created"),
        ("event", "EvVisit0001", "created"),
    ]
    assert log(session) == [(k, "create", None) for k in ("tracked_entity", "enrollment", "event")]
    assert len({touched.subject for touched in applied.touched}) == 1
    stored = session.execute("select data, status from event").fetchone()
    assert stored == ({"DeTemp00000": "38.50", "DeResult000": "POS"}, "ACTIVE")


def test_the_same_again_is_unchanged(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """Importing what is stored already writes nothing, not even a time."""
    changes = whole("TePerson001", "EnCase00001", "EvVisit0001")
    apply(changes)
    before = session.execute("select updated_in, xmin from tracked_entity").fetchone()
    again = apply(changes)
    assert actions(again) == ["unchanged"] * 3
    assert again.touched == []
    assert session.execute("select updated_in, xmin from tracked_entity").fetchone() == before


def test_an_update_names_only_what_it_changes(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """What is not named stays, `None` clears, and the log holds old and new of exactly what differs."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    applied = apply(
        ChangeSet(
            entities=[EntityChange("TePerson001", attributes={GIVEN: "Augusta", FAMILY: None})],
            events=[EventChange("EvVisit0001", data={"DeTemp00000": "39.0"}, fields={"occurredAt": "2024-03-03"})],
        )
    )
    assert actions(applied) == ["updated", "updated"]
    entity, event = log(session)[3:]
    assert entity == (
        "tracked_entity",
        "update",
        {f"attributes.{GIVEN}": ["Ada", "Augusta"], f"attributes.{FAMILY}": ["Byron", None]},
    )
    assert event[2] == {
        "occurredAt": ["2024-03-02T00:00:00+00:00", "2024-03-03T00:00:00+00:00"],
        "dataValues.DeTemp00000": ["38.50", "39.0"],
    }
    assert session.execute("select value from attribute_value").fetchall() == [("Augusta",)]


def test_a_change_below_moves_the_entitys_time(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """An event's change shows in `updated` of its tracked entity, under the change set that did it."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    later = history.open_change_set(session, actor="later")
    tracker.apply(session, later, ChangeSet(events=[EventChange("EvVisit0001", data={"DeTemp00000": "40"})]))
    assert session.execute("select updated_in, updated from tracked_entity").fetchone() == (later.change_set, later.at)
    assert session.execute("select updated_in from enrollment").fetchone() != (later.change_set,)


def test_enrollment_attributes_live_on_the_entity(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """Attributes given with an enrollment join those of the entity, new or stored."""
    enrolled = case("TePerson001", "EnCase00001")
    enrolled.attributes = {"TeVillage00": "Oak", "TeAge000000": "7"}
    apply(ChangeSet(entities=[person("TePerson001")], enrollments=[enrolled]))
    update = EnrollmentChange("EnCase00001", attributes={"TeVillage00": "Elm", "TeAge000000": None})
    applied = apply(ChangeSet(enrollments=[update]))
    assert [(t.kind, t.uid) for t in applied.touched] == [("tracked_entity", "TePerson001")]
    rows = session.execute("select value, folded from attribute_value order by value").fetchall()
    assert rows == [("Ada", "ada"), ("Elm", "elm")]


def test_missing_uids_are_made_up(apply: Callable[[ChangeSet], Applied]) -> None:
    """An item without a uid gets one, and the outcome tells it."""
    applied = apply(ChangeSet(entities=[person(), person()]))
    made = [outcome.id for outcome in applied.outcomes]
    assert all(map(is_uid, made))
    assert len(set(made)) == 2


def test_atomic_means_all_or_nothing(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """One wrong value leaves everything as it was; each issue says which object, with the message's arguments."""
    changes = whole("TePerson001", "EnCase00001", "EvVisit0001")
    changes.events[0].data["DeTemp00000"] = "hot"
    applied = apply(changes)
    assert actions(applied) == ["ignored"] * 3
    [issue] = applied.issues
    assert isinstance(issue, tracker.Finding)
    assert (issue.code, issue.kind, issue.uid) == ("E1302", "event", "EvVisit0001")
    assert issue.args == ("DeTemp00000", "Value `hot` is not a valid NUMBER")
    assert issue.text == "DataElement `DeTemp00000` is not valid: `Value `hot` is not a valid NUMBER`."
    assert session.execute("select count(*) from tracked_entity").fetchone() == (0,)


def test_without_atomic_each_item_stands_alone(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """The good person is stored with all of hers; a child of what could not be created fails with E5000."""
    bad, good = whole("TePerson001", "EnCase00001", "EvVisit0001"), whole("TePerson002", "EnCase00002", "EvVisit0002")
    bad.entities[0].org_unit = "Nowhere0001"
    both = ChangeSet(
        entities=bad.entities + good.entities,
        enrollments=bad.enrollments + good.enrollments,
        events=bad.events + good.events,
        atomic=False,
    )
    applied = apply(both)
    assert actions(applied) == ["ignored", "created"] * 3
    assert [issue.code for issue in applied.issues] == ["E1049", "E5000", "E5000"]
    assert "Enrollment `EnCase00001` cannot be created because TrackedEntity" in applied.issues[1].text
    assert session.execute("select uid from event").fetchall() == [("EvVisit0002",)]


def test_a_failed_update_spares_the_children(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """An enrollment of a stored entity stands although the entity's own update is wrong, and does not carry it in."""
    apply(ChangeSet(entities=[person("TePerson001")]))
    wrong = EntityChange("TePerson001", attributes={FAMILY: "Byron", "TeAge000000": "young"})
    applied = apply(ChangeSet(entities=[wrong], enrollments=[case("TePerson001", "EnCase00001")], atomic=False))
    assert actions(applied) == ["ignored", "created"]
    assert session.execute("select value from attribute_value").fetchall() == [("Ada",)]


def test_deleting_takes_everything_below(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """Enrollments, events and relationships of a deleted entity go softly with it; each is logged."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    apply(ChangeSet(entities=[person("TePerson002")]))
    link = RelationshipChange(
        "ReParent001", "RtParent000", ("trackedEntity", "TePerson001"), ("trackedEntity", "TePerson002")
    )
    assert actions(apply(ChangeSet(relationships=[link]))) == ["created"]
    applied = apply(ChangeSet(entities=[EntityChange("TePerson001", delete=True)]))
    assert actions(applied) == ["deleted"]
    assert [t.kind for t in applied.touched] == ["tracked_entity", "enrollment", "event", "relationship"]
    for table in ("enrollment", "event", "relationship"):
        assert session.execute(f"select deleted from {table}").fetchall() == [(True,)]
    again = apply(ChangeSet(entities=[EntityChange("TePerson001", delete=True)]))
    assert [issue.code for issue in again.issues] == ["E1114"]


def test_strategy_delete_needs_only_uids(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """Under strategy `delete` every item goes; an unknown one is an issue of its kind."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    gone = ChangeSet(
        enrollments=[EnrollmentChange("EnCase00001"), EnrollmentChange("Nothing0001")],
        events=[EventChange("Nothing0002")],
        relationships=[RelationshipChange("Nothing0003")],
        strategy="delete",
        atomic=False,
    )
    applied = apply(gone)
    assert actions(applied) == ["deleted", "ignored", "ignored", "ignored"]
    assert [issue.code for issue in applied.issues] == ["E1081", "E1032", "E4016"]
    assert session.execute("select deleted from event").fetchall() == [(True,)]
    assert session.execute("select deleted from tracked_entity").fetchall() == [(False,)]


def test_a_unique_value_is_free_again_after_deletion(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """While its owner lives a unique value is refused to others, whatever its case; then it may be given anew."""
    apply(ChangeSet(entities=[person("TePerson001", **{NATIONAL_ID: "N-1a"})]))
    second = ChangeSet(entities=[person("TePerson002", **{NATIONAL_ID: "n-1A"})])
    assert [issue.code for issue in apply(second).issues] == ["E1064"]
    apply(ChangeSet(entities=[EntityChange("TePerson001", delete=True)]))
    assert actions(apply(second)) == ["created"]


def test_completing_stamps_who_and_when(
    session: Session, context: Context, apply: Callable[[ChangeSet], Applied]
) -> None:
    """Completion without a date is dated now, by the actor; reopening clears both."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    apply(ChangeSet(enrollments=[EnrollmentChange("EnCase00001", fields={"status": "COMPLETED"})]))
    row = session.execute("select completed_at, completed_by from enrollment").fetchone()
    assert row == (context.at, "tester")
    apply(ChangeSet(enrollments=[EnrollmentChange("EnCase00001", fields={"status": "ACTIVE"})]))
    assert session.execute("select completed_at, completed_by from enrollment").fetchone() == (None, None)


def test_one_record_makes_one_enrollment_and_event(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """A second change set from the same origin finds what the first made, under whatever uids it proposes."""
    first = whole("TePerson001", "EnCase00001", "EvVisit0001")
    first.enrollments[0].origin, first.events[0].origin = 71, 72
    apply(first)
    again = ChangeSet(enrollments=[case("TePerson001", "EnOther0001")], events=[visit("EnOther0001", "EvOther0001")])
    again.enrollments[0].origin, again.events[0].origin = 71, 72
    again.events[0].data = {"DeTemp00000": "37.0"}
    applied = apply(again)
    assert [(o.id, o.action) for o in applied.outcomes] == [("EnCase00001", "unchanged"), ("EvVisit0001", "updated")]
    assert session.execute("select count(*) from event").fetchone() == (1,)


def test_notes_are_appended_once(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """A note has a uid, an author and a time; the same uid again adds nothing."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    noted = EventChange("EvVisit0001", fields={"notes": [{"note": "NoNote00001", "value": "seen"}]})
    apply(ChangeSet(events=[noted]))
    apply(ChangeSet(events=[noted]))
    row = session.execute("select notes from event").fetchone()
    assert row is not None
    assert [(n["note"], n["value"], n["storedBy"]) for n in row[0]] == [("NoNote00001", "seen", "tester")]


def test_values_provided_elsewhere_are_marked(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """The mark can be set and taken away per data element."""
    changes = whole("TePerson001", "EnCase00001", "EvVisit0001")
    changes.events[0].fields["providedElsewhere"] = {"DeTemp00000": True, "DeResult000": False}
    apply(changes)
    assert session.execute("select provided_elsewhere from event").fetchone() == (["DeTemp00000"],)
    apply(ChangeSet(events=[EventChange("EvVisit0001", fields={"providedElsewhere": {"DeResult000": True}})]))
    assert session.execute("select provided_elsewhere from event").fetchone() == (["DeResult000", "DeTemp00000"],)


def test_event_programs_need_no_enrollment(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """An anonymous event stands alone; its only stage is inferred."""
    event = EventChange(
        "EvWater0001", program="PrWater0000", org_unit="OuClinicB00", fields={"occurredAt": "2024-05-05"}
    )
    applied = apply(ChangeSet(events=[event]))
    assert actions(applied) == ["created"]
    assert applied.touched[0].subject is None
    assert session.execute("select enrollment, entity from event").fetchone() == (None, None)


def test_relationships_are_created_and_never_changed(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """Any two kinds may be linked as the type says; an update is ignored; the `from` side's entity moves."""
    apply(whole("TePerson001", "EnCase00001", "EvVisit0001"))
    water = EventChange(
        "EvWater0001", program="PrWater0000", org_unit="OuClinicB00", fields={"occurredAt": "2024-05-05"}
    )
    link = RelationshipChange("ReSample001", "RtSample000", ("enrollment", "EnCase00001"), ("event", "EvWater0001"))
    assert actions(apply(ChangeSet(events=[water], relationships=[link]))) == ["created", "created"]
    assert actions(apply(ChangeSet(relationships=[link]))) == ["ignored"]
    gone = apply(ChangeSet(relationships=[RelationshipChange("ReSample001", delete=True)]))
    assert actions(gone) == ["deleted"]


def test_an_org_unit_scoped_value_moves_with_its_entity(
    session: Session, context: Context, metadata_here: Metadata
) -> None:
    """A value that is unique per org unit is taken in its own unit only, and follows the entity that moves."""
    attribute = {"id": "TeFolder000", "name": "Folder", "valueType": "TEXT", "unique": True, "orgunitScope": True}
    metadata.import_objects(session, context, {"trackedEntityAttributes": [attribute]})
    one, two = person("TePerson001", TeFolder000="F1"), person("TePerson002", TeFolder000="F1")
    two.org_unit = "OuClinicB00"
    assert tracker.apply(session, context, ChangeSet(entities=[one, two])).issues == []
    moved = ChangeSet(entities=[EntityChange("TePerson002", org_unit="OuClinicC00")])
    assert tracker.apply(session, context, moved).issues == []
    third = person("TePerson003", TeFolder000="f1")
    for unit, refused in (("OuClinicA00", True), ("OuClinicC00", True), ("OuClinicB00", False)):
        third.org_unit = unit
        assert bool(tracker.apply(session, context, ChangeSet(entities=[third])).issues) is refused


def test_an_object_named_twice_is_refused(session: Session, apply: Callable[[ChangeSet], Applied]) -> None:
    """The second change of one object within an import is an issue, new or stored; the first one stands."""
    twice = ChangeSet(entities=[person("TePerson001"), person("TePerson001", **{FAMILY: "Byron"})], atomic=False)
    for done in ("created", "unchanged"):
        applied = apply(twice)
        assert actions(applied) == [done, "ignored"]
        assert [issue.code for issue in applied.issues] == ["duplicate"]
    assert session.execute("select value from attribute_value").fetchall() == [("Ada",)]


def test_nothing_to_do_is_nothing_done(apply: Callable[[ChangeSet], Applied]) -> None:
    """A change set without tracker items gives an empty result."""
    assert apply(ChangeSet()) == Applied()


def test_of_many_registering_one_value_one_wins(pool: Pool, country: dict[str, Any]) -> None:
    """Concurrent registrations of one unique value: exactly one is stored, the others are told E1064."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        metadata.import_objects(session, history.open_change_set(session, actor="tester"), country)

    def register(_: int) -> list[str]:
        with transaction(pool) as session:
            context = history.open_change_set(session, actor="tester")
            changes = ChangeSet(entities=[person(new_uid(), **{NATIONAL_ID: "SAME"})])
            return [issue.code for issue in tracker.apply(session, context, changes).issues]

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(register, range(12)))
    assert sorted(answers) == [[]] + [["E1064"]] * 11
    with transaction(pool) as session:
        assert session.execute("select count(*) from tracked_entity").fetchone() == (1,)
