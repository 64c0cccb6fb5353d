"""The data stores over HTTP."""

import pytest

from adapters.dhis2.data_store_queries import read_fields
from tests.adapters.dhis2.conftest import Client
from tracker_core.datastore.paths import steps
from tracker_core.datastore.queries import Wanted

STORE = "/api/dataStore"


@pytest.mark.parametrize("store", [STORE, "/api/42/userDataStore"])
def test_a_key_from_beginning_to_end(client: Client, store: str) -> None:
    """Created, read as it came, changed, described, removed: DHIS2's statuses and words."""
    made = client.post(f"{store}/app/key", content=b'{"b": 1.50, "a": [1]}')
    assert (made.status_code, made.json()["message"]) == (201, "Key created: 'key'")
    assert client.post(f"{store}/app/key", json=1).status_code == 409
    assert client.get(store).json() == ["app"]
    assert client.get(f"{store}/app").json() == ["key"]
    assert client.get(f"{store}/app/key").text == '{"a": [1], "b": 1.50}'
    assert client.put(f"{store}/app/key?path=b", json="x").json()["message"] == "Key updated: 'key'"
    client.put(f"{store}/app/key?path=a&roll=2", json=2)
    client.put(f"{store}/app/key?path=a&roll=2", json=3)
    assert client.get(f"{store}/app/key").json() == {"b": "x", "a": [2, 3]}
    described = client.get(f"{store}/app/key/metaData").json()
    assert (described["namespace"], described["key"], described["createdBy"]["username"]) == ("app", "key", "tester")
    assert client.put(f"{store}/app/other?path=deep.down", json=1).status_code == 201
    assert client.delete(f"{store}/app/other").json()["message"] == "Key 'other' deleted from namespace 'app'"
    assert client.delete(f"{store}/app").json()["message"] == "Namespace deleted: 'app'"
    for path in ("/app", "/app/key", "/app/key/metaData"):
        assert client.get(f"{store}{path}").status_code == 404


def test_searches(client: Client) -> None:
    """Whole values, parts under other names, filters, order, pages, without the envelope, and where nothing is."""
    for key, age in (("amina", 30), ("bola", 4), ("chidi", None)):
        client.post(f"{STORE}/people/{key}", json={"age": age, "at": {"home": key[0], "work": None}})
    assert client.get(f"{STORE}/capture?fields=.").json() == {"pager": {"page": 1, "pageSize": 50}, "entries": []}
    whole = client.get(f"{STORE}/people?fields=.&filter=_:eq:bola").json()["entries"]
    assert whole == [{"key": "bola", "value": {"age": 4, "at": {"home": "b", "work": None}}}]
    parts = client.get(f"{STORE}/people?fields=age(years),at[home,work]&order=age:desc&headless=true").json()
    assert parts[1] == {"key": "amina", "years": 30, "at.home": "a", "at.work": None}
    page = client.get(f"{STORE}/people?fields=&page=2&pageSize=2").json()
    assert page == {"pager": {"page": 2, "pageSize": 2}, "entries": [{"key": "chidi"}]}
    unpaged = client.get(f"{STORE}/people?fields=&paging=false&filter=age:in:[4,30]&filter=age:gt:5").json()
    assert unpaged == {"entries": [{"key": "amina"}]}
    assert client.get(f"{STORE}/people?lastUpdated=2999-01-01").json() == []


def test_fields() -> None:
    """Paths, aliases, brackets within brackets, and blanks."""
    assert read_fields("a, b.c(x) ,d[e,f[g]]") == [
        Wanted("a", steps("a")),
        Wanted("x", steps("b.c")),
        Wanted("d.e", steps("d.e")),
        Wanted("d.f.g", steps("d.f.g")),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "fields=a]",
        "fields=a[b",
        "fields=(",
        "fields=.&filter=a:same:b",
        "fields=.&filter=a:eq",
        "fields=.&order=a:up",
        "fields=.&page=0",
        "fields=.&filter=a..b:null",
    ],
)
def test_a_search_that_cannot_be_read(client: Client, query: str) -> None:
    """It is a bad request, and says why."""
    assert client.get(f"{STORE}/people?{query}").status_code == 400


def test_wrong_writes(client: Client, limited: Client) -> None:
    """No JSON, a path that leads nowhere, a roll that is no number, a protected namespace, another's store."""
    client.post(f"{STORE}/ns/k", json=1)
    assert client.put(f"{STORE}/ns/k", content=b"{").status_code == 400
    assert client.put(f"{STORE}/ns/k", content=b'"\\u0000"').status_code == 400
    assert client.put(f"{STORE}/ns/k?path=a.b", json=1).status_code == 400
    assert client.put(f"{STORE}/ns/k?roll=x", json=1).status_code == 400
    assert limited.post(f"{STORE}/ANDROID_SETTINGS_APP/info", json={}).status_code == 403
    assert limited.get("/api/userDataStore?username=tester").status_code == 403
    assert client.get("/api/userDataStore?username=limited").json() == []
    assert client.get("/api/userDataStore?username=nobody").status_code == 404
