"""The download of mobile clients: pages in the order of changes, again and again from the largest time seen."""

import json

import httpx

from tracker_core import history, records
from tracker_core.changes import RecordChange
from tracker_core.database import Pool, transaction


def download(client: httpx.Client, since: str, seen: list[str]) -> str:
    """Ask for what changed after `since`, follow the pages to the end; return the largest time met."""
    after = {"_lastUpdated": f"gt{since}"} if since else {}
    answer = client.get("/Patient", params={"_sort": "_lastUpdated", "_count": "2", **after})
    while True:
        page = answer.json()
        for entry in page.get("entry", ()):
            seen.append(entry["resource"]["id"])
            since = max(since, entry["resource"]["meta"]["lastUpdated"])
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            return since
        assert page["entry"], "a page that has a next one is not empty"
        answer = client.get(following[0])


def put(client: httpx.Client, *ids: str) -> None:
    """Store patients one by one."""
    for id in ids:
        assert client.put(f"/Patient/{id}", json={"resourceType": "Patient", "id": id}).is_success


def test_no_late_commit_is_skipped(client: httpx.Client, pool: Pool) -> None:
    """While a transaction is open others commit with later times: nothing is lost, nothing comes twice."""
    seen: list[str] = []
    put(client, "a", "b", "c")
    since = download(client, "", seen)
    with transaction(pool) as late:
        context = history.open_change_set(late, "slow")
        put(client, "d", "e")
        since = download(client, since, seen)
        document = json.dumps({"resourceType": "Patient", "id": "late"}).encode()
        assert not records.apply(late, context, [RecordChange("Patient", document, "put", id="late")]).issues
        put(client, "f")
        since = download(client, since, seen)
        assert seen == ["a", "b", "c"]
    put(client, "g")
    download(client, since, seen)
    assert seen == ["a", "b", "c", "late", "d", "e", "f", "g"]


def test_a_record_that_changes_comes_again(client: httpx.Client) -> None:
    """A change during the download moves the record behind what was read, and it is met again."""
    seen: list[str] = []
    put(client, "a", "b")
    since = download(client, "", seen)
    changed = {"resourceType": "Patient", "id": "a", "active": True}
    assert client.put("/Patient/a", json=changed).is_success
    download(client, since, seen)
    assert seen == ["a", "b", "a"]
