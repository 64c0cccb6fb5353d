"""Two implementations of one meaning: closures and value sets in SQL over stored concepts, and compiled in process."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminology import snapshots, store
from terminology.composing import compose
from terminology.concepts import Concept, Edition
from terminology.library import Library, Versions
from tracker_core.database import Session

URL = "http://example.org/random"
GRAPHS = st.lists(st.sets(st.integers(0, 40), max_size=3), min_size=1, max_size=14).map(
    lambda picks: [
        Concept(f"c{at}", f"Concept {at}", tuple(f"c{p}" for p in sorted({pick % at for pick in picked})) if at else ())
        for at, picked in enumerate(picks)
    ]
)
# Every pair (above, below), a code with itself too, by walking the edges that are stored.
CLOSURE = (
    "with recursive closure (above, below) as (select code, code from concept where system = %s"
    " union select p.above, c.below from closure c join concept k on k.code = c.above and k.system = %s"
    " cross join lateral unnest(k.parents) as p (above))"
)
FILTERS = {
    "is-a": "select below from closure where above = %s",
    "descendent-of": "select below from closure where above = %s and below <> above",
    "is-not-a": "select code from concept where system = %s except select below from closure where above = %s",
    "generalizes": "select above from closure where below = %s",
    "child-of": "select code from concept where system = %s and %s = any(parents)",
}


def in_sql(session: Session, pk: int, part: dict[str, Any]) -> set[str]:
    """Return the codes of an include by SQL alone."""
    if "concept" in part:
        listed = [one["code"] for one in part["concept"]]
        rows = session.execute("select code from concept where system = %s and code = any(%s)", (pk, listed))
        return {code for (code,) in rows}
    found = {code for (code,) in session.execute("select code from concept where system = %s", (pk,))}
    for one in part.get("filter", []):
        query = FILTERS[one["op"]]
        given_ = (pk, one["value"]) if query.count("%s") == 2 else (one["value"],)
        found &= {code for (code,) in session.execute(f"{CLOSURE} {query}", (pk, pk, *given_))}
    return found


def parts(codes: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return includes of listed codes, or of one or two filters."""
    code = st.sampled_from(codes)
    listed = st.lists(code, min_size=1, max_size=3).map(lambda some: {"concept": [{"code": one} for one in some]})
    test = st.tuples(st.sampled_from(sorted(FILTERS)), code).map(
        lambda pair: {"property": "concept", "op": pair[0], "value": pair[1]}
    )
    filtered = st.lists(test, max_size=2).map(lambda some: {"filter": some} if some else {})
    return (listed | filtered).map(lambda part: {"system": URL, **part})


@given(GRAPHS, st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_snapshot_agree(session: Session, concepts: list[Concept], data: st.DataObject) -> None:
    """Subsumption of every pair, and the members of composed value sets, are the same both ways."""
    session.execute("delete from code_system where url = %s", (URL,))
    loaded = store.load(session, Edition(URL, "1", "Random"), concepts)
    system = snapshots.current(session, URL)
    assert system is not None
    codes = [one.code for one in concepts]
    closure = set(session.execute(f"{CLOSURE} select above, below from closure", (loaded.pk, loaded.pk)).fetchall())
    assert {(high, low) for high in codes for low in codes if system.subsumes(high, low)} == closure
    include = data.draw(st.lists(parts(codes), min_size=1, max_size=3))
    exclude = data.draw(st.lists(parts(codes), max_size=2))
    doc = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": include, "exclude": exclude}}
    composed = compose(Library(stored_systems=lambda _: {"1": system}), Versions(), doc)
    expected = set[str]().union(*(in_sql(session, loaded.pk, one) for one in include))
    expected -= set[str]().union(*(in_sql(session, loaded.pk, one) for one in exclude))
    assert {member.concept.code for member in composed.walk()} == expected
    assert {code for code in codes if composed.get(URL, code)} == expected
