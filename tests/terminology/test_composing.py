"""Value sets composed at random, against a second reading that works on plain sets of codes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.composing import compose
from terminology.library import Library, Versions, with_resources
from terminology.problems import Problem

URL = "http://example.org/colours"
CODES = [f"c{n}" for n in range(12)]
OPS = ("is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "=", "in", "not-in", "exists", "regex")
DOC = {
    "resourceType": "CodeSystem",
    "url": URL,
    "version": "1",
    "content": "complete",
    "concept": [
        {
            "code": code,
            "display": f"Colour {n}",
            "property": [
                *({"code": "parent", "valueCode": f"c{p}"} for p in sorted({n // 2, n // 3} - {n})),
                {"code": "shade", "valueCode": "dark" if n % 3 else "light"},
            ],
        }
        for n, code in enumerate(CODES)
    ],
}
PARENTS = {f"c{n}": {f"c{p}" for p in {n // 2, n // 3} - {n}} for n in range(12)}
LIBRARY = with_resources(Library(), [DOC])


def up(code: str) -> set[str]:
    """Return `code` and everything above it."""
    return {code}.union(*(up(parent) for parent in PARENTS[code]))


def passes(code: str, one: dict[str, str]) -> bool:
    """Tell whether a code passes a filter, read from the operator's definition."""
    value, shade = one["value"], "dark" if int(code[1:]) % 3 else "light"
    by_shade = {"=": shade == value, "in": shade in value.split(","), "not-in": shade not in value.split(",")}
    return {
        "is-a": value in up(code),
        "descendent-of": value in up(code) - {code},
        "is-not-a": value not in up(code),
        "generalizes": value in CODES and code in up(value),
        "child-of": value in PARENTS[code],
        "exists": True,
        "regex": shade == value,
        **by_shade,
    }[one["op"]]


def filters() -> st.SearchStrategy[dict[str, str]]:
    """Return filters on the hierarchy and on a property."""
    by_code = st.tuples(st.sampled_from(OPS[:5]), st.sampled_from(CODES)).map(
        lambda pair: {"property": "concept", "op": pair[0], "value": pair[1]}
    )
    by_shade = st.tuples(st.sampled_from(OPS[5:]), st.sampled_from(["dark", "light"])).map(
        lambda pair: {"property": "shade", "op": pair[0], "value": "true" if pair[0] == "exists" else pair[1]}
    )
    return by_code | by_shade


PARTS = st.fixed_dictionaries(
    {"system": st.just(URL)},
    optional={
        "concept": st.lists(st.sampled_from(CODES), max_size=4).map(lambda codes: [{"code": code} for code in codes]),
        "filter": st.lists(filters(), min_size=1, max_size=3),
    },
).filter(lambda part: not ("concept" in part and "filter" in part))


def plain(parts: list[dict[str, Any]]) -> set[str]:
    """Return the codes of some includes or excludes."""
    found: set[str] = set()
    for part in parts:
        if "concept" in part:
            found |= {one["code"] for one in part["concept"]}
        else:
            found |= {code for code in CODES if all(passes(code, one) for one in part.get("filter", []))}
    return found


@given(st.lists(PARTS, min_size=1, max_size=3), st.lists(PARTS, max_size=2))
def test_membership_and_walk_agree_with_sets(include: list[dict[str, Any]], exclude: list[dict[str, Any]]) -> None:
    """Asking code by code, walking, and plain set arithmetic give the same value set."""
    doc = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": include, "exclude": exclude}}
    composed = compose(LIBRARY, Versions(), doc)
    expected = plain(include) - plain(exclude)
    walked = [member.concept.code for member in composed.walk()]
    assert (sorted(walked), len(set(walked))) == (sorted(expected), len(walked))
    assert {code for code in CODES if composed.get(URL, code)} == expected


def test_imported_sets_intersect_within_an_include() -> None:
    """Value sets of one include must all hold a code; includes add up (R4 4.9.9)."""
    one = {
        "resourceType": "ValueSet",
        "url": "urn:one",
        "compose": {"include": [{"system": URL, "concept": [{"code": "c1"}, {"code": "c2"}]}]},
    }
    two = {
        "resourceType": "ValueSet",
        "url": "urn:two",
        "compose": {"include": [{"system": URL, "concept": [{"code": "c2"}, {"code": "c3"}]}]},
    }
    library = with_resources(LIBRARY, [one, two])
    both = {
        "resourceType": "ValueSet",
        "url": "urn:both",
        "compose": {"include": [{"valueSet": ["urn:one", "urn:two"]}]},
    }
    either = {
        "resourceType": "ValueSet",
        "url": "urn:e",
        "compose": {"include": [{"valueSet": ["urn:one"]}, {"valueSet": ["urn:two"]}]},
    }
    assert [m.concept.code for m in compose(library, Versions(), both).walk()] == ["c2"]
    assert [m.concept.code for m in compose(library, Versions(), either).walk()] == ["c1", "c2", "c3"]
    assert compose(library, Versions(), both).get(URL, "c1") is None


@pytest.mark.parametrize(
    ("part", "id"),
    [
        ({"system": "urn:nothing"}, "UNKNOWN_CODESYSTEM_EXP"),
        ({"system": URL, "version": "9"}, "UNKNOWN_CODESYSTEM_VERSION_EXP"),
        ({"valueSet": ["urn:nothing"]}, "Unable_to_resolve_value_Set_"),
        ({"valueSet": ["urn:v"]}, "VALUESET_CIRCULAR_REFERENCE"),
        ({"system": URL, "filter": [{"property": "x", "op": "sounds-like", "value": "y"}]}, "FILTER_NOT_UNDERSTOOD"),
        ({"system": URL, "filter": [{"property": "x", "op": "="}]}, "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE"),
        ({"system": URL, "filter": [{"property": "code", "op": "regex", "value": "(a"}]}, ""),
    ],
)
def test_what_cannot_be_composed_is_refused(part: dict[str, Any], id: str) -> None:
    """Unknown systems, versions and sets, circles, and filters that are not understood have their message ids."""
    doc = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": [part]}}
    with pytest.raises(Problem) as raised:
        compose(with_resources(LIBRARY, [doc]), Versions(), doc)
    assert raised.value.issue.id == id
