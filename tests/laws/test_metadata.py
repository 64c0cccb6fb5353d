"""Laws of metadata: any graph of objects comes back as it came, and importing it again changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tracker_core.metadata.comparing import lost, owned
from tracker_core import history, metadata
from tracker_core.database import Pool, Session, transaction

Payload = dict[str, list[dict[str, Any]]]
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
UNKNOWN = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def bootstrapped(pool: Pool) -> Iterator[Session]:
    """A session on a hub that holds what every hub does; every example is undone."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        yield session


def _objects(prefix: str, count: int, more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": f"{prefix}{n:09d}", "name": f"{prefix} {n}", "shortName": f"{prefix} {n}", **more[n]}
        for n in range(count)
    ]


def _choose(draw: st.DrawFn, docs: list[dict[str, Any]]) -> dict[str, str]:
    return {"id": draw(st.sampled_from(docs))["id"]}


@st.composite
def graphs(draw: st.DrawFn) -> Payload:
    """Draw programs with stages, rules, actions, elements, options and groups that refer to one another at will."""
    counts = [draw(st.integers(1, 4)) for _ in range(8)]
    more = [[{"futureProperty": draw(UNKNOWN), "description": draw(NAMES)} for _ in range(n)] for n in counts]
    sets = _objects("Os", counts[0], [{**m, "valueType": "TEXT"} for m in more[0]])
    options = _objects("Op", counts[1], [{**m, "code": f"C{n}"} for n, m in enumerate(more[1])])
    elements = _objects("De", counts[2], [{**m, "valueType": "TEXT"} for m in more[2]])
    programs = _objects("Pr", counts[3], [{**m, "programType": "WITHOUT_REGISTRATION"} for m in more[3]])
    stages = _objects("Ps", counts[4], more[4])
    rules = _objects("Ru", counts[5], more[5])
    actions = [{"id": f"Ra{n:09d}", "programRuleActionType": "SHOWERROR", **m} for n, m in enumerate(more[6])]
    groups = _objects("Dg", counts[7], more[7])
    for option in options:
        option["optionSet"] = _choose(draw, sets)
    for element in elements:
        if draw(st.booleans()):
            element["optionSet"] = _choose(draw, sets)
    for stage in stages:
        stage["program"] = _choose(draw, programs)
        chosen = draw(st.lists(st.sampled_from(elements), unique_by=lambda e: e["id"], max_size=3))
        stage["programStageDataElements"] = [
            {"dataElement": {"id": e["id"]}, "sortOrder": at, "compulsory": draw(st.booleans())}
            for at, e in enumerate(chosen)
        ]
    for rule in rules:
        rule["program"] = _choose(draw, programs)
    for action in actions:
        action["programRule"] = _choose(draw, rules)
        action["dataElement"] = _choose(draw, elements)
    for group in groups:
        chosen = draw(st.lists(st.sampled_from(elements), unique_by=lambda e: e["id"], max_size=3))
        group["dataElements"] = [{"id": e["id"]} for e in chosen]
    payload = {
        "programRuleActions": actions,
        "options": options,
        "programs": programs,
        "dataElementGroups": groups,
        "programStages": stages,
        "dataElements": elements,
        "programRules": rules,
        "optionSets": sets,
    }
    order = draw(st.permutations(list(payload)))
    return {name: payload[name] for name in order}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=graphs())
def test_what_comes_in_goes_out_and_comes_in_again(bootstrapped: Session, payload: Payload) -> None:
    """Every property of every object is kept, in whatever order the payload has them, and nothing changes twice."""
    with bootstrapped.transaction(force_rollback=True):
        context = history.open_change_set(bootstrapped, actor="tester")
        report = metadata.import_objects(bootstrapped, context, payload)
        assert report.issues == []
        known = metadata.load(bootstrapped)
        stored = {name: [known.objects[name][doc["id"]].doc for doc in docs] for name, docs in payload.items()}
        for name, docs in payload.items():
            for doc, found in zip(docs, stored[name], strict=True):
                assert lost(owned(name, doc), found) == []
        for again in (payload, stored):
            report = metadata.import_objects(bootstrapped, context, again)
            assert {outcome.action for outcome in report.outcomes} == {"unchanged"}
        assert metadata.load(bootstrapped).version == known.version
