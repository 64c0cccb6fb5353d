"""The schema comes up on an empty database and needs no extension."""

from tracker_core.database import Session


def test_upgrade_creates_the_foundation(session: Session) -> None:
    """Every table of the house plan is there, and no extension beside plpgsql was needed."""
    tables = {row[0] for row in session.execute("select tablename from pg_tables where schemaname = 'public'")}
    assert {"message", "record", "record_version", "tracked_entity", "event", "change_set", "aggregate_value"} <= tables
    assert session.execute("select extname from pg_extension").fetchall() == [("plpgsql",)]
