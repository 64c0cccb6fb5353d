"""The seed makes rows that read like imported ones, and leaves the schema as it was."""

import psycopg

from benchmarks import population, seed
from tracker_core.tracker import documents


def _schema(url: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as session:
        indexes = session.execute("select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1")
        return indexes.fetchall()


def test_seeded_persons_are_whole(database_url: str) -> None:
    """Every person has attributes, an owner, an enrollment and two events; indexes are back as they were."""
    before = _schema(database_url)
    counts = seed.seed(database_url, 60)
    assert (counts["tracked_entity"], counts["attribute_value"], counts["enrollment"]) == (60, 360, 60)
    assert counts["event"] > 120
    assert _schema(database_url) == before
    with psycopg.connect(database_url) as session:
        pks = [row[0] for row in session.execute("select pk from tracked_entity order by pk")]
        visits = documents.Parts(events=documents.Parts())
        parts = documents.Parts(enrollments=visits, relationships=True, owners=True)
        found = documents.entities(session, pks, parts)
        [enrolled] = found[pks[0]]["enrollments"]
        assert len(found[pks[0]]["attributes"]) == 6
        assert [owner["program"] for owner in found[pks[0]]["programOwners"]] == [population.PROGRAM]
        assert sorted(event["programStage"] for event in enrolled["events"]) == sorted(
            (population.VISIT, population.RESULT)
        )
        assert len(enrolled["events"][0]["dataValues"]) == 10
    assert seed.seed(database_url, 1)["tracked_entity"] == 1
