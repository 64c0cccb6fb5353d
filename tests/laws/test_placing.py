"""Laws of placing org units: a path leads from a root down its parents, or there is none."""

from hypothesis import given
from hypothesis import strategies as st

from tracker_core.metadata.placing import place

UIDS = [f"u{n}" for n in range(8)]


@given(st.dictionaries(st.sampled_from(UIDS), st.sampled_from(["", *UIDS])))
def test_a_path_is_that_of_the_parent_and_the_unit(parents: dict[str, str]) -> None:
    """Whatever the order and the circles: climbing parent by parent gives the same path, or none."""
    paths = place(parents, {})
    for uid, parent in parents.items():
        steps, at = [uid], parent
        while at in parents and at not in steps:
            steps.append(at)
            at = parents[at]
        assert paths[uid] == (None if at else "/" + "/".join(reversed(steps)))


@given(st.permutations(UIDS))
def test_what_stays_follows_the_nearest_that_moves(order: list[str]) -> None:
    """A chain whose second unit moves below another root keeps its order below that unit."""
    stored = {uid: "/" + "/".join(order[: n + 1]) for n, uid in enumerate(order)} | {"other": "/other"}
    moved, last = order[1], order[-1]
    paths = place({moved: "other", "new": last}, stored)
    assert paths["new"] == "/other/" + "/".join(order[1:]) + "/new"
