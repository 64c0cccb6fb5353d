"""Trees and graphs of codes against a plain reading of the same parents."""

from hypothesis import given
from hypothesis import strategies as st

from terminology.code_system import compile_system
from terminology.concepts import Concept, Edition
from terminology.hierarchy import arrange

# Each concept lists parents among those before it: no circle can arise.
GRAPHS = st.lists(st.sets(st.integers(0, 40), max_size=3), min_size=1, max_size=25).map(
    lambda picks: [sorted({pick % at for pick in picked}) if at else [] for at, picked in enumerate(picks)]
)


def above(parents: list[list[int]], at: int) -> set[int]:
    """Return every position above `at`, by walking."""
    found: set[int] = set()
    for high in parents[at]:
        found |= {high} | above(parents, high)
    return found


@given(GRAPHS)
def test_subsumption_is_the_closure(parents: list[list[int]]) -> None:
    """`high` subsumes `low` exactly when it is `low` or a walk up from `low` meets it; below is the same relation."""
    order, hierarchy = arrange(parents)
    assert sorted(order) == list(range(len(parents)))
    place = {old: new for new, old in enumerate(order)}
    for low in range(len(parents)):
        expected = {low} | above(parents, low)
        assert {high for high in range(len(parents)) if hierarchy.subsumes(place[high], place[low])} == expected
    for high in range(len(parents)):
        below = {low for low in range(len(parents)) if high in above(parents, low)}
        assert {order[at] for at in hierarchy.below(place[high])} == below
        assert len(list(hierarchy.below(place[high]))) == len(below)


@given(GRAPHS)
def test_parents_come_before_children(parents: list[list[int]]) -> None:
    """The walk reaches every parent first, and neighbours are kept both ways."""
    order, hierarchy = arrange(parents)
    place = {old: new for new, old in enumerate(order)}
    for low, highs in enumerate(parents):
        assert all(place[high] < place[low] for high in highs)
        assert sorted(hierarchy.parents[place[low]]) == sorted(place[high] for high in highs)
        assert all(place[low] in hierarchy.children[place[high]] for high in highs)


def test_a_code_with_two_parents_is_below_both() -> None:
    """A polyhierarchy, as in SNOMED CT."""
    concepts = [Concept("a", "A"), Concept("b", "B"), Concept("c", "C", ("a", "b")), Concept("d", "D", ("c",))]
    system = compile_system(Edition("urn:x", "1", "x"), concepts)
    assert [one.code for one in system.below("a")] == ["a", "c", "d"]
    assert [one.code for one in system.below("b")] == ["b", "c", "d"]
    assert (system.subsumes("a", "d"), system.subsumes("b", "d"), system.subsumes("a", "b")) == (True, True, False)
    assert [one.code for one in system.children("b")] == ["c"]
