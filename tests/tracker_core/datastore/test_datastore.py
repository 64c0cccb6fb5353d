"""The data store: who may see what, paths into values, and searches."""

from typing import Any

import pytest

from tracker_core import access, datastore, users
from tracker_core.database import Session
from tracker_core.datastore import Condition, Query, Store, Wanted
from tracker_core.datastore.paths import MISSING, look, steps
from tracker_core.errors import Conflict, Forbidden, Malformed, NotFound


@pytest.fixture
def store(session: Session) -> Store:
    """Everybody's store in the hands of a plain user."""
    users.create(session, "amina", "enough-Secret1")
    return datastore.open_store(session, access.load(session, "amina"))


def test_an_entry_comes_and_goes(session: Session, store: Store) -> None:
    """What was put is read back with its digits; a second creation is a conflict; what is gone is not found."""
    datastore.create(session, store, "ns", "k", '{"n": 1.50}')
    assert datastore.find(session, store, "ns", "k").raw == '{"n": 1.50}'
    with pytest.raises(Conflict):
        datastore.create(session, store, "ns", "k", "1")
    assert datastore.put(session, store, "ns", "k", "2") is False
    assert datastore.put(session, store, "ns", "new", "3") is True
    assert datastore.namespaces(session, store) == ["ns"]
    assert datastore.keys(session, store, "ns") == ["k", "new"]
    datastore.delete(session, store, "ns", "k")
    with pytest.raises(NotFound):
        datastore.find(session, store, "ns", "k")
    datastore.delete_namespace(session, store, "ns")
    for missing in (datastore.keys, datastore.delete_namespace):
        with pytest.raises(NotFound):
            missing(session, store, "ns")


def test_a_users_store_is_apart(session: Session, store: Store) -> None:
    """The same key may stand in both stores, and in those of two users."""
    own = datastore.open_store(session, store.actor, "amina")
    datastore.create(session, store, "ns", "k", "1")
    datastore.create(session, own, "ns", "k", "2")
    assert datastore.find(session, own, "ns", "k").value == 2
    with pytest.raises(NotFound):
        datastore.open_store(session, store.actor, "nobody")


def test_sharing_keeps_others_out(session: Session, store: Store) -> None:
    """An entry that is not public is its owner's; a listing leaves it out, a read is refused, and so is a write."""
    datastore.create(session, store, "ns", "open", "1")
    datastore.create(session, store, "ns", "mine", "1")
    entry = datastore.find(session, store, "ns", "mine")
    datastore.replace_sharing(session, store, entry.uid, {**entry.sharing, "public": "--------"})
    users.create(session, "other", "enough-Secret1")
    others = datastore.open_store(session, access.load(session, "other"))
    assert datastore.keys(session, others, "ns") == ["open"]
    for refused in (datastore.find, datastore.delete):
        with pytest.raises(Forbidden):
            refused(session, others, "ns", "mine")
    with pytest.raises(Forbidden):
        datastore.put(session, others, "ns", "mine", "2")


def test_a_protected_namespace(session: Session, store: Store) -> None:
    """Only who manages an app writes to its namespace."""
    with pytest.raises(Forbidden):
        datastore.create(session, store, "ANDROID_SETTINGS_APP", "info", "{}")
    users.create(session, "boss", "enough-Secret1", ["ALL"])
    boss = datastore.open_store(session, access.load(session, "boss"))
    datastore.create(session, boss, "ANDROID_SETTINGS_APP", "info", "{}")
    assert datastore.find(session, store, "ANDROID_SETTINGS_APP", "info").value == {}


@pytest.mark.parametrize(
    ("value", "path", "new", "roll", "changed"),
    [
        ({"a": 1}, "", 2, 0, 2),
        ({"a": 1}, "b.c", 2, 0, {"a": 1, "b": {"c": 2}}),
        ({"a": [1, 2]}, "a[1]", 3, 0, {"a": [1, 3]}),
        (None, "a[1]", 3, 0, None),
        ([1, 2], "", 3, 2, [2, 3]),
        ({}, "a", 3, 5, {"a": [3]}),
    ],
)
def test_changing_a_part(value: Any, path: str, new: Any, roll: int, changed: Any) -> None:
    """A part is replaced, made, or appended to; the rest stays."""
    expected = {"a": [None, 3]} if changed is None else changed
    assert datastore.change(value, path, new, roll) == expected


@pytest.mark.parametrize(("value", "path"), [(1, "a"), ({"a": 1}, "a.b"), ({}, "[0]"), ({}, "a..b")])
def test_a_path_that_does_not_fit(value: Any, path: str) -> None:
    """A path through a number, or one that cannot be read, is refused."""
    with pytest.raises(Malformed):
        datastore.change(value, path, 1)


def test_looking_at_parts() -> None:
    """Lists take numbers in either form; what is not there is missing."""
    value = {"a": [{"b": None}, 2]}
    assert look(value, steps("a[0].b")) is None
    assert look(value, steps("a.1")) == 2
    assert look(value, steps(".")) == value
    for path in ("a[7]", "a.x", "c", "a[1].b"):
        assert look(value, steps(path)) is MISSING


VALUES = {
    "amina": '{"age": 30, "name": "Amina", "tags": ["x"], "on": true}',
    "bola": '{"age": 4.5, "name": "bola", "tags": [], "on": false}',
    "chidi": '{"name": "Chidi"}',
    "plain": '"text"',
}


@pytest.mark.parametrize(
    ("path", "operator", "operands", "found"),
    [
        ("age", "eq", ("30",), "amina"),
        ("age", "eq", ("thirty",), ""),
        ("age", "ne", ("30",), "bola chidi plain"),
        ("name", "eq", ("'Amina'",), "amina"),
        ("on", "eq", ("true",), "amina"),
        ("name", "ieq", ("BOLA",), "bola"),
        ("age", "gt", ("4",), "amina bola"),
        ("age", "le", ("4.5",), "bola"),
        ("name", "lt", ("B",), "amina"),
        ("name", "ge", ("C",), "chidi bola"),
        ("name", "like", ("mi",), "amina"),
        ("name", "!like", ("mi",), "bola chidi plain"),
        ("name", "ilike", ("BO",), "bola"),
        ("name", "$like", ("Ch",), "chidi"),
        ("name", "like$", ("la",), "bola"),
        ("name", "startswith", ("am",), "amina"),
        ("name", "endsWith", ("DI",), "chidi"),
        ("name", "in", ("Amina", "Chidi"), "amina chidi"),
        ("name", "!in", ("Amina", "Chidi"), "bola plain"),
        ("age", "null", (), "chidi plain"),
        ("age", "!null", (), "amina bola"),
        ("tags", "empty", (), "bola"),
        ("_", "$like", ("b",), "bola"),
    ],
)
def test_conditions(
    session: Session, store: Store, path: str, operator: str, operands: tuple[str, ...], found: str
) -> None:
    """Each operator on numbers, texts, booleans, lists, and on the key itself."""
    for key, raw in VALUES.items():
        datastore.create(session, store, "people", key, raw)
    condition = Condition(steps(path), operator, operands, on_key=path == "_")
    entries = datastore.search(session, store, "people", Query(conditions=[condition]))
    assert {entry["key"] for entry in entries} == set(found.split())


def test_parts_order_and_pages(session: Session, store: Store) -> None:
    """Only entries with a wanted part come, unless all are asked for; numbers sort as numbers; pages follow."""
    for key, raw in VALUES.items():
        datastore.create(session, store, "people", key, raw)
    age = Wanted("years", steps("age"))
    by_age = Query(wanted=[age], order=steps("age"), order_by_key=False)
    assert datastore.search(session, store, "people", by_age) == [
        {"key": "bola", "years": 4.5},
        {"key": "amina", "years": 30},
    ]
    everything = Query(wanted=[age], everything=True, descending=True, offset=1, limit=2)
    assert datastore.search(session, store, "people", everything) == [
        {"key": "chidi", "years": None},
        {"key": "bola", "years": 4.5},
    ]
    either = [Condition(steps("age"), "gt", ("20",)), Condition(steps("name"), "eq", ("Chidi",))]
    found = datastore.search(session, store, "people", Query(conditions=either, any_of=True))
    assert [entry["key"] for entry in found] == ["amina", "chidi"]
    assert datastore.search(session, store, "nothing", Query()) == []
