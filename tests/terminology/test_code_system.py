"""The compiled code system against a plain reading of the same tree."""

from hypothesis import given
from hypothesis import strategies as st

from terminology.code_system import CodeSystem, compile_system
from terminology.concepts import Concept, Edition

TREES = st.lists(st.integers(0, 30), min_size=1, max_size=30).map(
    lambda picks: [
        Concept(f"c{i}", f"Concept {i}", (f"c{pick % i}",) if pick and i else ()) for i, pick in enumerate(picks)
    ]
)


def test_looks_up_and_displays(system: CodeSystem) -> None:
    """Known codes have their concept and display; unknown ones have none."""
    found = system.lookup("A01.0")
    assert found is not None
    assert (found.display, found.parents, found.kind) == ("Scorched wing tip", ("A01",), "category")
    assert system.display("A00-A02") == "Fire troubles"
    assert (system.lookup("Z99"), system.display("Z99"), "Z99" in system, "A00" in system) == (None, "", False, True)


def test_chain_leads_to_the_chapter(system: CodeSystem) -> None:
    """What lies above a code comes nearest first."""
    assert [concept.code for concept in system.chain("A01.0")] == ["A01", "A00-A02", "I"]
    assert (system.chain("I"), system.chain("Z99")) == ([], [])


def test_below_keeps_the_order_of_the_source(system: CodeSystem) -> None:
    """A code's subtree starts with itself."""
    assert [concept.code for concept in system.below("A01")] == ["A01", "A01.0", "A01.01", "A01.9"]
    assert list(system.below("Z99")) == []


def test_search_ranks(system: CodeSystem) -> None:
    """Starts of every word must match; a display that starts with the text beats one that only holds it."""
    assert [concept.code for concept in system.search("scor wing")][:2] == ["A01", "A01.0"]
    assert system.search("fire troubles")[0].code == "A00-A02"
    assert [concept.code for concept in system.search("a01")][:2] == ["A01", "A01.0"]
    assert system.search("nothing of the kind") == []
    assert system.search("") == []
    assert len(system.search("A", limit=3)) == 3


def test_search_ignores_accents_and_case() -> None:
    """People type without accents."""
    system = compile_system(Edition("urn:x", "1", "x"), [Concept("1", "Fièvre élevée")])
    assert [concept.code for concept in system.search("FIEVRE")] == ["1"]


@given(TREES)
def test_subsumes_agrees_with_the_chain(concepts: list[Concept]) -> None:
    """A code subsumes itself and exactly the codes whose chain leads through it."""
    system = compile_system(Edition("urn:x", "1", "x"), concepts)
    assert len(system) == len(concepts)
    for low in concepts:
        above = {low.code, *(concept.code for concept in system.chain(low.code))}
        assert {c.code for c in concepts if system.subsumes(c.code, low.code)} == above
        assert {c.code for c in system.below(low.code)} == {
            c.code for c in concepts if system.subsumes(low.code, c.code)
        }
    assert not system.subsumes("c0", "missing")
    assert not system.subsumes("missing", "c0")
