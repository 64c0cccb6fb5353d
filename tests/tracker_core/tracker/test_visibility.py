"""What an actor sees: access levels, owners, scopes, grants, sharing, and both sides of a relationship."""

from datetime import timedelta
from typing import Any

import pytest

from tests.samples import metadata as sample
from tracker_core import access, history, metadata, tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.tracker import ownership
from tracker_core.tracker.visibility import TABLES, Kind, Sight, visible

GIVEN = "sB1IHYu2xQT"
A, B, C = "OuClinicA00", "OuClinicB00", "OuClinicC00"
NORTH, SOUTH, COUNTRY = "OuNorth0000", "OuSouth0000", "OuCountry00"


@pytest.fixture
def filled(session: Session, context: Context) -> Session:
    """Ada and Ben (malaria at Alder and Birch), Cleo (registered at Cedar only), a well at Alder and one at Cedar."""
    metadata.bootstrap(session)
    metadata.import_objects(session, context, sample.country())
    persons = (("Ada", A), ("Ben", B), ("Cleo", C))
    applied = tracker.apply(
        session,
        context,
        ChangeSet(
            entities=[
                EntityChange(f"TePerson{n:03d}", "MCPQUTHX1Ze", unit, {GIVEN: name})
                for n, (name, unit) in enumerate(persons)
            ],
            enrollments=[
                EnrollmentChange(f"EnPerson{n:03d}", f"TePerson{n:03d}", "PrMalaria00", unit, "2024-03-01")
                for n, (_, unit) in enumerate(persons[:2])
            ],
            events=[
                *(visit(f"EvPerson{n:03d}", f"EnPerson{n:03d}", unit) for n, (_, unit) in enumerate(persons[:2])),
                water("EvWater0000", A),
                water("EvWater0002", C),
            ],
            relationships=[
                RelationshipChange(
                    "ReParent000", "RtParent000", ("trackedEntity", "TePerson000"), ("trackedEntity", "TePerson001")
                ),
                RelationshipChange(
                    "ReSample000", "RtSample000", ("enrollment", "EnPerson000"), ("event", "EvWater0000")
                ),
            ],
        ),
    )
    assert applied.issues == []
    return session


def visit(uid: str, enrollment: str, unit: str) -> EventChange:
    """A malaria visit."""
    data: dict[str, str | None] = {"DeResult000": "POS"}
    return EventChange(uid, enrollment, "PrMalaria00", "PsVisit0000", unit, data, {"occurredAt": "2024-03-02"})


def water(uid: str, unit: str) -> EventChange:
    """A water point check, an event without registration."""
    return EventChange(uid, "", "PrWater0000", "PsWater0000", unit, {}, {"occurredAt": "2024-03-02"})


def sight(session: Session, capture: list[str], search: list[str] | None = None) -> Sight:
    """What a user with these org units and no authority sees."""
    known = metadata.load(session)
    doc = {
        "organisationUnits": [{"id": uid} for uid in capture],
        "teiSearchOrganisationUnits": [{"id": uid} for uid in search or ()],
    }
    return Sight(known, access.build(known, "UsNurse0000", "nurse", (), doc))


def change(session: Session, type: str, uid: str, **properties: Any) -> None:
    """Change properties of one metadata object."""
    found = metadata.load(session).get(type, uid)
    assert found is not None
    doc = {**found.doc, **properties, "id": uid}
    context = history.open_change_set(session, "system")
    assert metadata.import_objects(session, context, {type: [doc]}).issues == []


def seen(session: Session, sight: Sight, kind: Kind) -> set[str]:
    """The uids that the actor sees of all there are."""
    uids = dict(session.execute(f"select pk, uid from {TABLES[kind]}").fetchall())
    return {uids[pk] for pk in visible(session, sight, kind, list(uids))}


@pytest.mark.parametrize(
    ("level", "beyond"), [("OPEN", True), ("AUDITED", True), ("PROTECTED", False), ("CLOSED", False)]
)
def test_the_access_level_decides_what_the_search_units_are_good_for(filled: Session, level: str, beyond: bool) -> None:
    """Ben's owner lies in the search units only: open and audited programs show him, the others don't."""
    change(filled, "programs", "PrMalaria00", accessLevel=level)
    nurse = sight(filled, [A], [NORTH])
    for kind, own, other in (
        ("trackedEntity", "TePerson000", "TePerson001"),
        ("enrollment", "EnPerson000", "EnPerson001"),
        ("event", "EvPerson000", "EvPerson001"),
    ):
        assert own in seen(filled, nurse, kind)
        assert (other in seen(filled, nurse, kind)) == beyond


def test_a_grant_opens_a_protected_program_until_it_ends(filled: Session, context: Context) -> None:
    """Breaking the glass shows one person to one user; a closed program stays closed, an old grant counts no more."""
    change(filled, "programs", "PrMalaria00", accessLevel="PROTECTED")
    pks = {uid: pk for pk, uid in filled.execute("select pk, uid from tracked_entity").fetchall()}
    pair = (pks["TePerson001"], metadata.load(filled).programs["PrMalaria00"].pk)
    ownership.grant(filled, history.open_change_set(filled, "nurse"), pair, "emergency")
    assert "EnPerson001" in seen(filled, sight(filled, [A]), "enrollment")
    filled.execute("update program_access set until = now() - %s", (timedelta(seconds=1),))
    assert "EnPerson001" not in seen(filled, sight(filled, [A]), "enrollment")
    filled.execute("update program_access set until = now() + %s", (timedelta(hours=1),))
    change(filled, "programs", "PrMalaria00", accessLevel="CLOSED")
    assert "EnPerson001" not in seen(filled, sight(filled, [A]), "enrollment")


def test_the_owner_counts_and_not_where_the_event_happened(filled: Session, context: Context) -> None:
    """After a transfer the new owner sees everything in the program, the old one nothing; the reverse for events."""
    known = metadata.load(filled)
    [pk] = filled.execute("select pk from tracked_entity where uid = 'TePerson000'").fetchone() or [0]
    ownership.transfer(filled, context, known, (pk, known.programs["PrMalaria00"].pk), known.org_units[C].pk)
    assert seen(filled, sight(filled, [A]), "event") == {"EvWater0000"}
    assert seen(filled, sight(filled, [C]), "event") == {"EvWater0002", "EvPerson000"}
    assert seen(filled, sight(filled, [C]), "trackedEntity") == {"TePerson002", "TePerson000"}


def test_who_is_in_no_readable_program_is_seen_by_the_registering_unit(filled: Session) -> None:
    """Cleo shows at Cedar; Ada too at Alder when the program that owns her is not shared with the user."""
    assert seen(filled, sight(filled, [SOUTH]), "trackedEntity") == {"TePerson002"}
    change(filled, "programs", "PrMalaria00", sharing={"public": "r-------"})
    assert seen(filled, sight(filled, [A]), "trackedEntity") == {"TePerson000"}
    assert seen(filled, sight(filled, [A]), "enrollment") == set()
    assert seen(filled, sight(filled, [A]), "event") == {"EvWater0000"}


def test_sharing_closes_types_stages_and_category_options(filled: Session, context: Context) -> None:
    """Without data read on the type, the stage or a category option its rows are gone."""
    nurse = sight(filled, [COUNTRY])
    assert len(seen(filled, nurse, "event")) == 4
    change(filled, "programStages", "PsVisit0000", sharing={"public": "rw------"})
    assert seen(filled, sight(filled, [COUNTRY]), "event") == {"EvWater0000", "EvWater0002"}
    payload = {
        "categoryOptions": [{"id": "CoPartner00", "name": "Partner", "sharing": {"public": "rw------"}}],
        "categoryOptionCombos": [{"id": "CcPartner00", "name": "Partner", "categoryOptions": [{"id": "CoPartner00"}]}],
    }
    assert metadata.import_objects(filled, context, payload).issues == []
    filled.execute("update event set attribute_option_combo = 'CcPartner00' where uid = 'EvWater0000'")
    assert seen(filled, sight(filled, [COUNTRY]), "event") == {"EvWater0002"}
    change(filled, "trackedEntityTypes", "MCPQUTHX1Ze", sharing={"public": "rw------"})
    assert seen(filled, sight(filled, [COUNTRY]), "trackedEntity") == set()
    assert seen(filled, sight(filled, [COUNTRY]), "enrollment") == set()


def test_a_relationship_needs_both_sides_and_its_type(filled: Session) -> None:
    """One side out of sight hides it."""
    assert seen(filled, sight(filled, [NORTH]), "relationship") == {"ReParent000", "ReSample000"}
    assert seen(filled, sight(filled, [A]), "relationship") == {"ReSample000"}
    change(filled, "relationshipTypes", "RtSample000", sharing={"public": "rw------"})
    assert seen(filled, sight(filled, [A]), "relationship") == set()


def test_a_user_without_units_sees_nothing_and_a_superuser_everything(filled: Session) -> None:
    """No org unit, no data; `ALL` passes every check."""
    known = metadata.load(filled)
    root = Sight(known, access.system(filled))
    for kind, total in (("trackedEntity", 3), ("enrollment", 2), ("event", 4), ("relationship", 2)):
        assert seen(filled, sight(filled, []), kind) == set()
        assert len(seen(filled, root, kind)) == total
