"""History: of a record, of a type, of the whole server, by time and page by page."""

from typing import Any
from urllib.parse import quote

import httpx


def put(client: httpx.Client, type_: str, id: str, **more: Any) -> str:
    """Write a version; return its time."""
    code = {"code": {"text": "c"}} if type_ == "Basic" else {}
    answer = client.put(f"/{type_}/{id}", json={"resourceType": type_, "id": id, **code, **more})
    found: str = answer.json()["meta"]["lastUpdated"]
    return found


def listed(answer: httpx.Response) -> list[str]:
    """The versions of a history bundle: `Basic/b1`."""
    assert answer.status_code == 200, answer.text
    return [
        one["fullUrl"].rpartition("/fhir/")[2] + one["response"]["etag"].strip('W"').replace("/", "").replace('"', "")
        for one in answer.json().get("entry", [])
    ]


def test_history_of_everything(client: httpx.Client) -> None:
    """The server's history has every type, newest first, deletions included."""
    put(client, "Basic", "b")
    put(client, "Patient", "p")
    put(client, "Basic", "b", language="en")
    client.delete("/Patient/p")
    assert listed(client.get("/_history")) == ["Patient/p2", "Basic/b2", "Patient/p1", "Basic/b1"]
    pages, url = [], "/_history?_count=3&_summary=text"
    while url:
        page = client.get(url)
        pages.append(listed(page))
        url = next((link["url"] for link in page.json()["link"] if link["relation"] == "next"), "")
    assert pages == [["Patient/p2", "Basic/b2", "Patient/p1"], ["Basic/b1"]]


def test_history_by_time(client: httpx.Client) -> None:
    """`_since` gives what came at or after an instant, `_at` what was current then."""
    first = put(client, "Basic", "b")
    second = put(client, "Basic", "b", language="en")
    third = put(client, "Basic", "b", language="fr")
    assert listed(client.get(f"/Basic/b/_history?_since={second}")) == ["Basic/b3", "Basic/b2"]
    assert listed(client.get(f"/_history?_since={third}")) == ["Basic/b3"]
    assert listed(client.get(f"/Basic/_history?_at={second}")) == ["Basic/b2"]
    assert listed(client.get(f"/Basic/b/_history?_at={first[:4]}")) == ["Basic/b3", "Basic/b2", "Basic/b1"]
    assert listed(client.get("/Basic/b/_history?_at=1999")) == []
    zoned = quote(second.replace("Z", "+00:00"))
    assert len(listed(client.get(f"/Basic/b/_history?_since={zoned}"))) == 2


def test_cursors_that_are_none(client: httpx.Client) -> None:
    """A link that was tampered with is refused."""
    for cursor in ("x", "MjAyNC0wMS0wMSAxIDE=", "MjAyNC0wMS0wMVQwMDowMDowMFogLTEgMQ=="):
        assert client.get(f"/_history?_cursor={cursor}").status_code == 400
