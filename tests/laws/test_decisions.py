"""Merging patients and taking it back: whatever was merged, undone backwards everything is as it was before."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker_core import metadata, records
from tracker_core.changes import DecisionChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Pool, Session, transaction
from tracker_core.history import open_change_set
from tracker_core.identity.deciding import decide

PEOPLE = ("a", "b", "c", "d")
pairs = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)).filter(lambda pair: pair[0] != pair[1])


@pytest.fixture
def opened(pool: Pool) -> Iterator[Session]:
    """A session on a database with four patients who each have an observation, undone at the end."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        changes = [change for name in PEOPLE for change in _person(name)]
        applied = records.apply(session, open_change_set(session, "test"), changes)
        assert not applied.issues
        yield session


def _person(name: str) -> list[RecordChange]:
    patient = {"resourceType": "Patient", "id": name, "name": [{"family": f"Family{name}"}], "birthDate": "1990"}
    seen: dict[str, Any] = {"resourceType": "Observation", "id": name, "status": "final", "code": {"text": "seen"}}
    seen["subject"] = {"reference": f"Patient/{name}"}
    return [RecordChange("Patient", patient, "put", id=name), RecordChange("Observation", seen, "put", id=name)]


def _state(session: Session) -> dict[str, tuple[dict[str, Any], int | None]]:
    """Every record without its version, and the person it belongs to."""
    keys = [(type_, name) for type_ in ("Patient", "Observation") for name in PEOPLE]
    found = records.read(session, keys)
    docs = {one.reference: (records.documents.decode(one.doc), one.subject) for one in found.values()}
    return {ref: ({k: v for k, v in doc.items() if k != "meta"}, subject) for ref, (doc, subject) in docs.items()}


def _decide(session: Session, context: Context, survivor: str, loser: str, *, undo: bool) -> bool:
    decided = decide(session, context, DecisionChange(f"_id={survivor}", f"_id={loser}", undo=undo))
    return not decided.issues


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(pairs, max_size=4))
def test_what_was_merged_comes_apart_as_it_was(opened: Session, wanted: list[tuple[str, str]]) -> None:
    """Merges that were refused changed nothing; those that were done are undone backwards to the first state."""
    with opened.transaction(force_rollback=True):
        before, done, states = _state(opened), [], []
        for survivor, loser in wanted:
            states.append(_state(opened))
            if _decide(opened, open_change_set(opened, "test"), survivor, loser, undo=False):
                done.append((survivor, loser))
            else:
                assert _state(opened) == states.pop()
        for (survivor, loser), state in zip(reversed(done), reversed(states), strict=True):
            assert _decide(opened, open_change_set(opened, "test"), survivor, loser, undo=True)
            assert _state(opened) == state
        assert _state(opened) == before
