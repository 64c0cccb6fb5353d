"""Change sets written in one pass: what has to do with each other is taken apart, the rest is as by itself."""

from typing import Any

import pytest

from tracker_core import records
from tracker_core.changes import ChangeSet, EntityChange, MergeChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Apart, Session
from tracker_core.history import open_change_sets

SHARED = [{"system": "urn:national", "value": "NID-70012"}]


def opened(session: Session, count: int = 2) -> list[Context]:
    """Contexts of several messages of one moment."""
    return open_change_sets(session, [("test", None, None, "")] * count)


def organization(*values: str, name: str = "Hospital", method: str = "merge", **more: Any) -> RecordChange:
    """What a message says of an organization that it knows by its first number."""
    numbers = [{"system": "urn:x", "value": value} for value in values]
    document = {"resourceType": "Organization", "identifier": numbers, "name": name}
    made: Any = RecordChange("Organization", document, "merge", match=(f"identifier=urn:x|{values[0]}",), **more)
    made.method = method
    return made  # type: ignore[no-any-return]


def patient(id: str, **elements: Any) -> RecordChange:
    """A patient under an id."""
    return RecordChange("Patient", {"resourceType": "Patient", "id": id, **elements}, "put", id=id)


def observation(patient: str, **elements: Any) -> RecordChange:
    """An observation of a patient."""
    about = {"status": "final", "code": {"text": "seen"}, "subject": {"reference": patient}}
    return RecordChange("Observation", {"resourceType": "Observation", **about, **elements})


def retraction(value: str) -> RecordChange:
    """What a message no longer says."""
    return RecordChange("Organization", {}, "retract", match=(f"identifier=urn:x|{value}",))


APART = {
    "one record under one id": ([patient("p")], [patient("p", gender="male")]),
    "one record, told differently": ([organization("n")], [organization("n", name="Clinic")]),
    "one is found by what the other brings": ([organization("n", "m")], [organization("m")]),
    "one is found by another number": ([organization("a", name="New")], [organization("b")]),
    "one is taken back and written": ([retraction("a")], [organization("b", name="New")]),
    "one refers to what comes later": ([observation("Patient/new")], [patient("new")]),
    "one person": ([observation("Patient/p")], [observation("Patient/p")]),
    "one identifier": ([patient("q", identifier=SHARED)], [patient("r", identifier=SHARED)]),
    "news of one known before": ([patient("p", name=[{"family": "New"}])], [patient("q", name=[{"family": "Other"}])]),
    "a search in a reference": ([patient("q")], [observation("Patient?identifier=urn:x|1")]),
    "a fault": ([patient("q")], [patient("r", gender="unheard of")]),
    "a referent that came before its patient": ([patient("q")], [patient("late")]),
}


@pytest.mark.parametrize("case", APART)
def test_what_has_to_do_with_each_other(session: Session, case: str) -> None:
    """It is not written together."""
    before = [patient("p", name=[{"family": "Okello"}]), organization("a", "b"), observation("Patient/late")]
    assert not records.apply(session, opened(session, 1)[0], before).issues
    parts = list(zip(opened(session), APART[case], strict=True))
    with pytest.raises(Apart):
        records.apply_together(session, parts)


def test_what_is_apart(session: Session) -> None:
    """Each has its own outcomes and change set; what a later one says alike of something is unchanged."""
    first, second = opened(session)
    parts = [
        (first, [patient("p"), organization("n", name="Same"), observation("Patient/p")]),
        (second, [patient("q"), organization("n", name="Same"), observation("Patient/q")]),
    ]
    one, other = records.apply_together(session, parts)
    assert [o.action for o in one.outcomes] == ["created"] * 3
    assert [o.action for o in other.outcomes] == ["created", "unchanged", "created"]
    assert one.outcomes[1].id == other.outcomes[1].id
    assert [s.type for s in other.touched] == ["Patient", "Observation"]
    kept = session.execute("select change_set, count(*) from record_version group by 1 order by 1").fetchall()
    assert kept == [(first.change_set, 3), (second.change_set, 2)]
    assert len({s.subject for s in (*one.touched, *other.touched) if s.type == "Observation"}) == 2


def test_a_later_one_may_refer_to_an_earlier_one(session: Session) -> None:
    """A reference to a record of a message before is a reference to it."""
    parts = list(zip(opened(session), [[organization("n", id="h")], [observation("Organization/h")]], strict=True))
    _, other = records.apply_together(session, parts)
    assert [o.action for o in other.outcomes] == ["created"]
    found = records.search(session, "Observation", [("subject", "Organization/h")]).matches
    assert [one.id for one in found] == [other.outcomes[0].id]


@pytest.mark.parametrize(
    ("changes", "fitting"),
    [
        (ChangeSet(records=[patient("p"), organization("n")]), True),
        (ChangeSet(), False),
        (ChangeSet(records=[patient("p")], atomic=False), False),
        (ChangeSet(records=[patient("p")], merges=[MergeChange("identifier=a", "identifier=b")]), False),
        (ChangeSet(records=[patient("p")], entities=[EntityChange()]), False),
        (ChangeSet(records=[RecordChange("Patient", {}, "delete", id="p")]), False),
        (ChangeSet(records=[RecordChange("Patient", b"{}", "put", id="p")]), False),
        (ChangeSet(records=[organization("n", version=3)]), False),
        (ChangeSet(records=[organization("n", inside="Encounter/7")]), False),
        (ChangeSet(records=[RecordChange("Subscription", {})]), False),
    ],
)
def test_what_fits(changes: ChangeSet, fitting: bool) -> None:
    """Plain records fit; what is more, or depends on more than their content, does not."""
    assert records.fits(changes) is fitting
