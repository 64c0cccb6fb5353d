"""Laws of the field filter language, over invented documents and lists."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.dhis2.fields import parse_fields, select
from tests.adapters.dhis2.objects.world import KNOWN, shown
from tracker_core.metadata.schema import TYPES

names = st.text("abcdefgh", min_size=1, max_size=3)
words = st.text("ab é1", max_size=5)
values = st.one_of(st.integers(), words, st.booleans())
items = st.fixed_dictionaries({"id": st.text("xyz", min_size=1, max_size=3)}, optional={"code": values, "name": values})
documents = st.dictionaries(names, st.one_of(values, st.lists(items, max_size=5)), max_size=6)
objects = st.sampled_from([(collection, uid) for collection, held in KNOWN.objects.items() for uid in held])


def chosen(text: str, document: dict[str, Any]) -> Any:
    """What `text` selects of a document."""
    return select(parse_fields(text), document)


@given(documents, names)
def test_exclusion_takes_away_one_property_and_no_other(document: dict[str, Any], name: str) -> None:
    """`*,!a` is everything but `a`, and with `a` alone makes everything."""
    without, alone = chosen(f"*,!{name}", document), chosen(name, document)
    assert {**without, **alone} == document
    assert without.keys().isdisjoint(alone)


@given(st.lists(items, max_size=8))
def test_pluck_keeps_length_and_order(listed: list[dict[str, Any]]) -> None:
    """Plucking gives one value per item, in their order, whatever was renamed before or after."""
    assert chosen("a~pluck", {"a": listed}) == {"a": [item["id"] for item in listed]}
    assert chosen("a~pluck(code)~rename(b)", {"a": listed}) == {"b": [item.get("code") for item in listed]}
    assert chosen("a~rename(b)~pluck", {"a": listed}) == chosen("a~pluck~rename(b)", {"a": listed})


@given(st.lists(items, max_size=8, unique_by=lambda item: item["id"]))
def test_key_by_loses_nothing_where_keys_differ(listed: list[dict[str, Any]]) -> None:
    """Keyed by id, the items are the same; with keys that repeat, none is lost either."""
    keyed = chosen("a~keyBy", {"a": listed})["a"]
    assert list(keyed.values()) == listed
    assert all(item["id"] == key for key, item in keyed.items())


@given(st.lists(items, max_size=8))
def test_key_by_groups_what_shares_a_key(listed: list[dict[str, Any]]) -> None:
    """Items that share a key stand together under it."""
    keyed = chosen("a~keyBy(code)", {"a": listed})["a"]
    counted = sum(len(found) if isinstance(found, list) else 1 for found in keyed.values())
    assert counted == sum(item.get("code") is not None for item in listed)


@given(st.lists(items, max_size=12), st.integers(1, 4))
def test_pages_make_the_whole(listed: list[dict[str, Any]], size: int) -> None:
    """All pages of a list, one after the other, are the list; its size is that of the list."""
    pages = [chosen(f"a~paging({page};{size})", {"a": listed})["a"] for page in range(1, 14)]
    assert [item for page in pages for item in page] == listed
    assert chosen("a~size", {"a": listed}) == {"a": len(listed)}
    assert chosen("a~isEmpty", {"a": listed}) != chosen("a~isNotEmpty", {"a": listed})


@given(objects, st.data())
def test_exclusion_of_described_properties(of: tuple[str, str], data: st.DataObject) -> None:
    """Of any object, `*,!a` is `*` without `a`, and asking for `a` by name shows what `*` showed of it."""
    name = data.draw(st.sampled_from(sorted(set(TYPES[of[0]].properties) - {"href"})))
    whole, without, alone = (shown(*of, text) for text in ("*", f"*,!{name}", name))
    assert without == {key: value for key, value in whole.items() if key != name}
    assert alone == {key: value for key, value in whole.items() if key == name}


@given(objects)
def test_simple_and_owned_properties_are_part_of_everything(of: tuple[str, str]) -> None:
    """Every preset shows a part of `*`, and the same of it."""
    whole = shown(*of, "*")
    for preset in (":simple", ":identifiable", ":nameable"):
        assert shown(*of, preset).items() <= whole.items()
