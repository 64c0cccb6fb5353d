"""Aggregate values of merged org units: one per cell stays, with what was sent of it."""

import pytest

from tracker_core import org_units
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata

ALDER, BIRCH = "OuClinicA00", "OuClinicB00"


def value(session: Session, context: Context, pk: int, unit: int, element: str, text: str, day: int) -> None:
    """Store one aggregate value, last changed on a day of March."""
    session.execute(
        "insert into aggregate_value (pk, data_element, period, org_unit, value, created, updated, created_in,"
        " updated_in) values (%s, %s, '202603', %s, %s, now(), make_timestamptz(2026, 3, %s, 0, 0, 0), %s, %s)",
        (pk, element, unit, text, day, context.change_set, context.change_set),
    )
    session.execute("insert into aggregate_fact (value, target) values (%s, %s)", (pk, pk * 10))


@pytest.mark.parametrize(
    ("discard", "kept"),
    [(False, {"cases": "later", "deaths": "there", "tests": "alone"}), (True, {"cases": "older", "deaths": "there"})],
)
def test_cells_meet(
    session: Session, context: Context, metadata_here: Metadata, discard: bool, kept: dict[str, str]
) -> None:
    """The latest value of a cell stays, or the target's when the others are discarded; facts go with their values."""
    here, there = metadata_here.org_units[ALDER].pk, metadata_here.org_units[BIRCH].pk
    value(session, context, 9001, here, "cases", "later", 9)
    value(session, context, 9002, there, "cases", "older", 3)
    value(session, context, 9003, here, "deaths", "here", 3)
    value(session, context, 9004, there, "deaths", "there", 9)
    value(session, context, 9005, here, "tests", "alone", 1)
    assert org_units.merge(session, context, [ALDER], BIRCH, discard=discard) == []
    rows = session.execute("select data_element, value, org_unit from aggregate_value order by data_element").fetchall()
    assert {element: text for element, text, _ in rows} == kept
    assert {unit for _, _, unit in rows} == {there}
    facts = session.execute("select count(*) from aggregate_fact").fetchall()
    assert facts == [(len(kept),)]
