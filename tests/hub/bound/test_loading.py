"""Bindings meet the metadata: what is missing is told, what is stored replaces what is shipped."""

import pytest

from hub import bound
from tests.hub.bound.district import settle
from tracker_core import history, metadata
from tracker_core.database import Session
from tracker_core.errors import Malformed


def test_shipped_bindings_fit_the_shipped_programs(session: Session) -> None:
    """Every program, stage, data element and attribute that they name is there."""
    settle(session)
    found = {one.binding.name: one for one in bound.current(session)}
    assert found.keys() >= {"person", "malaria", "tb"}
    assert [issue for one in found.values() for issue in one.issues] == []
    assert bound.current(session) is bound.current(session)


def test_without_its_program_a_binding_waits(session: Session) -> None:
    """An empty hub has the bindings, and says what they miss."""
    metadata.bootstrap(session)
    found = {one.binding.name: one for one in bound.current(session)}
    assert found["tb"].program is None
    assert [issue.value for issue in found["tb"].issues] == ["TB_CASE"]


def test_what_the_metadata_does_not_have_is_left_out(session: Session) -> None:
    """Unknown stages, data elements and attributes are told; the rest of the binding works."""
    district = settle(session)
    text = (
        "binding x\nprogram TB_CASE\nperson\nattributes.NOBODY <-> gender\n"
        "stage NOWHERE\nstage TB_LAB\ndataValues.NOTHING -> Observation.valueString\n"
    )
    made = bound.save(session, district.context(), text, "x")
    assert [issue.value for issue in made.issues] == ["NOBODY", "NOWHERE", "NOTHING"]
    assert made.stages.keys() == {"TB_LAB"}


def test_a_stored_binding_replaces_the_shipped_one(session: Session) -> None:
    """Saved, it is in effect at once, once; a bad one is refused with its line."""
    district = settle(session)
    context = history.open_change_set(session, "tester")
    for days in (5, 6):
        bound.save(session, context, f"binding tb\nprogram TB_CASE\nschedule TB_VISIT {days} days\n", "tb")
    (mine,) = [one for one in bound.current(session) if one.binding.name == "tb"]
    assert mine.binding.schedule == [("TB_VISIT", 6)]
    assert mine.program is not None
    with pytest.raises(Malformed, match=r"tb\.map:3"):
        bound.save(session, district.context(), "binding tb\nprogram TB_CASE\nstage x y\n", "tb")
