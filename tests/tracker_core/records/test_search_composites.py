"""Composites of every kind that R4 has: all parts hold in one repetition."""

from typing import Any

import pytest
from psycopg import sql

from tests.tracker_core.records.searching import coded, found, put
from tracker_core import records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Malformed, TooCostly
from tracker_core.records.search import running


@pytest.fixture
def odd_ones(session: Session, context: Context) -> None:
    """Observations of a text and of a date, related documents, sequences with positions."""

    def document(id: str, **elements: Any) -> dict[str, Any]:
        content = [{"attachment": {"url": "urn:x"}}]
        return {"resourceType": "DocumentReference", "id": id, "status": "current", "content": content, **elements}

    def sequence(id: str, chromosome: str, *variants: tuple[int, int]) -> dict[str, Any]:
        return {
            "resourceType": "MolecularSequence",
            "id": id,
            "coordinateSystem": 0,
            "referenceSeq": {"chromosome": {"coding": [{"code": chromosome}]}, "windowStart": 10, "windowEnd": 20},
            "variant": [{"start": start, "end": end} for start, end in variants],
        }

    put(
        session,
        context,
        coded("t", "mood", "", valueString="Calm and quiet"),
        coded("d", "due", "", valueDateTime="2024-05-17"),
        coded("p", "due", "", valuePeriod={"start": "2024-06-01", "end": "2024-06-30"}),
        document("old"),
        document("new", relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/old"}}]),
        document("far", relatesTo=[{"code": "signs", "target": {"reference": "urn:uuid:1"}}]),
        sequence("s1", "1", (5, 6), (50, 60)),
        sequence("s2", "2", (5, 6)),
    )


CASES = {
    "Observation": {
        "code-value-string=mood$calm": "t",
        "code-value-string=urn:c|mood$calm and": "t",
        "code-value-string=mood$quiet": "",
        "code-value-string=due$calm": "",
        "code-value-date=due$2024-05": "d",
        "code-value-date=due$ge2024-06-15": "p",
        "code-value-date=due$2024": "d p",
        "code-value-date=mood$2024": "",
    },
    "DocumentReference": {
        "relationship=replaces$DocumentReference/old": "new",
        "relationship=DocumentReference/old$replaces": "new",
        "relationship=signs$urn:uuid:1": "far",
        "relationship=signs$DocumentReference/old": "",
    },
    "MolecularSequence": {
        "chromosome-variant-coordinate=1$5$6": "s1",
        "chromosome-variant-coordinate=1$gt40$lt70": "s1",
        "chromosome-variant-coordinate=1$5$60": "",
        "chromosome-variant-coordinate=2$50$60": "",
        "chromosome-window-coordinate=2$ge10$le20": "s2",
    },
}


@pytest.mark.parametrize("type_", CASES)
def test_composites(session: Session, odd_ones: None, type_: str) -> None:
    """A code with a text, a date, a reference, two numbers."""
    assert {query: found(session, type_, query) for query in CASES[type_]} == CASES[type_]


def test_composites_that_are_not_read(session: Session) -> None:
    """A part that is missing or of another form is refused."""
    for type_, key, value in (
        ("Observation", "code-value-date", "due$soon"),
        ("Observation", "code-value-string", "mood"),
        ("MolecularSequence", "chromosome-variant-coordinate", "1$5"),
        ("MolecularSequence", "chromosome-variant-coordinate", "1$a$b"),
    ):
        with pytest.raises(Malformed):
            records.search(session, type_, [(key, value)])


def test_what_takes_too_long_is_refused(session: Session) -> None:
    """A statement ends when its time is up; the time of others is as before."""
    before = session.execute("show statement_timeout").fetchone()
    with pytest.raises(TooCostly), session.transaction():
        running.rows(session, sql.SQL("select pg_sleep(30)"), seconds=1)
    assert running.rows(session, sql.SQL("select 1")) == [(1,)]
    assert session.execute("show statement_timeout").fetchone() == before
