"""Owners per program: claimed by the first enrollment, handed over, and passed with a grant."""

from tests.tracker_core.tracker.test_applying import case, person
from tracker_core import tracker
from tracker_core.changes import ChangeSet, EnrollmentChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker import ownership
from tracker_core.tracker.lookup import find_entity


def register(session: Session, context: Context) -> int:
    """Register a person with a malaria enrollment at Clinic Alder; return its pk."""
    applied = tracker.apply(
        session, context, ChangeSet(entities=[person("TePerson001")], enrollments=[case("TePerson001")])
    )
    assert applied.issues == []
    found = find_entity(session, "TePerson001")
    assert found is not None
    return found.pk


def test_the_first_enrollment_owns(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A later enrollment elsewhere leaves the owner of the program as it is."""
    pk = register(session, context)
    program, units = metadata_here.programs["PrMalaria00"].pk, metadata_here.org_units
    session.execute("update enrollment set status = 'COMPLETED'")
    again = EnrollmentChange("", "TePerson001", "PrMalaria00", "OuClinicB00", "2024-05-01")
    assert tracker.apply(session, context, ChangeSet(enrollments=[again])).issues == []
    assert ownership.owners(session, [pk]) == {(pk, program): units["OuClinicA00"].pk}


def test_a_transfer_is_logged_and_moves_the_entitys_time(
    session: Session, context: Context, metadata_here: Metadata
) -> None:
    """The log tells both owners; a pair that nobody owns cannot be transferred."""
    pk = register(session, context)
    program = metadata_here.programs["PrMalaria00"].pk
    birch = metadata_here.org_units["OuClinicB00"].pk
    session.execute("update tracked_entity set updated = '2020-01-01'")
    assert ownership.transfer(session, context, metadata_here, (pk, program), birch)
    assert ownership.owners(session, [pk]) == {(pk, program): birch}
    assert session.execute("select updated = %s from tracked_entity", (context.at,)).fetchone() == (True,)
    [(delta,)] = session.execute("select delta from change where delta is not null and kind = 'tracked_entity'")
    assert delta == {"programOwners.PrMalaria00": ["OuClinicA00", "OuClinicB00"]}
    unowned = (pk, metadata_here.programs["PrBirth0000"].pk)
    assert not ownership.transfer(session, context, metadata_here, unowned, birch)


def test_a_grant_holds_for_its_user_and_its_time(session: Session, context: Context, metadata_here: Metadata) -> None:
    """Three hours of access for the one who gave a reason; the row outlives it as the log."""
    pk, program = register(session, context), metadata_here.programs["PrMalaria00"].pk
    until = ownership.grant(session, context, (pk, program), "an emergency")
    assert until - context.at == ownership.GRANTED_FOR
    assert ownership.granted(session, "tester", [pk]) == {(pk, program)}
    assert ownership.granted(session, "other", [pk]) == set()
    session.execute("update program_access set until = now() - interval '1 second'")
    assert ownership.granted(session, "tester", [pk]) == set()
    assert session.execute("select reason from program_access").fetchall() == [("an emergency",)]


def test_reads_of_audited_programs_are_logged(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A logged read grants nothing."""
    pk, program = register(session, context), metadata_here.programs["PrMalaria00"].pk
    ownership.note_reads(session, "tester", program, [pk])
    rows = session.execute("select entity, program, username, reason, until from program_access").fetchall()
    assert rows == [(pk, program, "tester", None, None)]
    assert ownership.granted(session, "tester", [pk]) == set()


def test_levels_say_where_the_owner_must_lie() -> None:
    """OPEN and AUDITED reach as far as the search scope, PROTECTED and CLOSED no further than capture."""
    assert [ownership.scope_of(level) for level in ("OPEN", "AUDITED", "PROTECTED", "CLOSED")] == [
        "search",
        "search",
        "capture",
        "capture",
    ]
