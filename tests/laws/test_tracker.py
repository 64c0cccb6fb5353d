"""Properties of the tracker: deltas say everything, filters escape anything, uids are uids."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.dhis2.exports.filters import read_filters
from tracker_core.tracker.deltas import values_delta
from tracker_core.tracker.resolving import present
from tracker_core.tracker.unique import folded
from tracker_core.uids import is_uid, new_uid

NAMES = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.dictionaries(NAMES, st.text(min_size=1, max_size=3))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(VALUES, VALUES)
def test_a_delta_leads_from_old_to_new_and_back(old: dict[str, str], new: dict[str, str]) -> None:
    """Applied to the old values it gives the new ones; reversed, the old ones. Equal values have none."""
    delta = values_delta("dataValues", old, new)
    pairs = {name.removeprefix("dataValues."): both for name, both in delta.items()}
    assert present({**old, **{name: after for name, (_, after) in pairs.items()}}) == new
    assert present({**new, **{name: before for name, (before, _) in pairs.items()}}) == old
    assert (delta == {}) == (old == new)


@given(st.lists(TEXT, min_size=1, max_size=3))
def test_any_text_can_be_escaped_in_a_filter(operands: list[str]) -> None:
    """`/` before `/`, `,` and `:` makes them part of the operand."""
    escaped = [o.replace("/", "//").replace(",", "/,").replace(":", "/:") for o in operands]
    text = ",".join(f"TeVillage00:eq:{operand}" for operand in escaped)
    assert [f.value for f in read_filters([("filter", text)], "filter")] == operands


@given(TEXT)
def test_folding_is_settled_and_fits_an_index(text: str) -> None:
    """A folded text folds to itself, has no case, and stays short."""
    once = folded(text * 20)
    assert folded(once) == once
    assert len(once) <= 200


def test_new_uids_are_uids() -> None:
    """They have the form, and do not repeat."""
    made = {new_uid() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(map(is_uid, made))
