"""Topic subscriptions of the Backport IG: handshake, notices, heartbeat, status, and what was missed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from hub import indexing, notifying
from hub.runtime import Runtime
from tests.flows.subscriptions.conftest import (
    BACKPORT,
    BASE,
    TOPIC,
    Subscriber,
    of_topic,
    settle,
    subscribed,
    subscription,
    topic,
    wait,
)
from tracker_core.database import Pool, transaction


def parts(bundle: bytes | dict[str, Any]) -> dict[str, Any]:
    """Return what the status of a notice says, its events as (number, focus)."""
    read = orjson.loads(bundle) if isinstance(bundle, bytes) else bundle
    assert read["type"] == "history"
    resource = read["entry"][0]["resource"]
    assert resource["meta"]["profile"] == [f"{BACKPORT}subscription-status-r4"]
    assert read["entry"][0]["request"]["url"].endswith("/$status")
    return told(resource)


def told(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a status by name."""
    found: dict[str, Any] = {"events": []}
    for one in resource["parameter"]:
        if one["name"] == "notification-event":
            inner = {part["name"]: part for part in one["part"]}
            focus = inner.get("focus", {}).get("valueReference", {}).get("reference", "")
            found["events"].append((inner["event-number"]["valueString"], focus.removeprefix(f"{BASE}/")))
        else:
            found[one["name"]] = next(value for key, value in one.items() if key.startswith("value"))
    return found


def test_handshake_and_notices(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """It is active when the endpoint took the handshake; then each event comes as a bundle with its number."""
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    subscriber.status = 500
    made = client.post("/fhir/Subscription", json=of_topic(subscriber.url)).json()
    settle(runtime)
    assert client.get(f"/fhir/Subscription/{made['id']}").json()["status"] == "error"
    observe("early")
    subscriber.status, subscriber.got = 200, []
    with transaction(runtime.pool) as session:
        session.execute("update message set due = now()")
    settle(runtime)
    assert client.get(f"/fhir/Subscription/{made['id']}").json()["status"] == "active"
    observe("one")
    observe("two", code="8867-4")
    settle(runtime)
    hands, *news = [parts(body) for *_, body in subscriber.got]
    assert (hands["type"], hands["status"], hands["events"]) == ("handshake", "requested", [])
    assert hands["subscription"] == {"reference": f"{BASE}/Subscription/{made['id']}"}
    assert hands["topic"] == TOPIC
    assert [(one["type"], one["events"]) for one in news] == [
        ("event-notification", [("1", "Observation/one")]),
        ("event-notification", [("2", "Observation/two")]),
    ]
    assert [one["events-since-subscription-start"] for one in news] == ["1", "2"]


@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource"])
def test_contents(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None], content: str
) -> None:
    """A notice has no word of the record, its reference, or the record to the byte, as was asked for."""
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    subscribed(client, runtime, of_topic(subscriber.url, content))
    observe("one")
    settle(runtime)
    body = subscriber.got[-1][3]
    bundle = orjson.loads(body)
    assert len(bundle["entry"]) == (1 if content == "empty" else 2)
    assert (b"Observation/one" in body) == (content != "empty")
    assert (client.get("/fhir/Observation/one").content in body) == (content == "full-resource")
    if content != "empty":
        assert bundle["entry"][1]["request"] == {"method": "POST", "url": "Observation"}


def test_filters_and_interactions(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """A topic on deletions tells of those whose last version matched the subscriber's filter."""
    only = [{"url": "supportedInteraction", "valueCode": "delete"}]
    assert client.post("/fhir/Basic", json=topic(*only)).status_code == 201
    wanted = of_topic(subscriber.url)
    filter_ = {"url": f"{BACKPORT}filter-criteria", "valueString": "Observation?code=8310-5"}
    subscribed(client, runtime, {**wanted, "_criteria": {"extension": [filter_]}})
    observe("one")
    observe("two", code="8867-4")
    for id in ("one", "two"):
        assert client.delete(f"/fhir/Observation/{id}").status_code == 204
    settle(runtime)
    _, *news = [parts(body) for *_, body in subscriber.got]
    assert [one["events"] for one in news] == [[("1", "Observation/one")]]


@pytest.mark.parametrize(
    ("both", "expected"), [(True, ["Observation/one"]), (False, ["Observation/one", "Observation/two"])]
)
def test_before_and_now(
    client: httpx.Client,
    runtime: Runtime,
    subscriber: Subscriber,
    observe: Callable[..., None],
    both: bool,
    expected: list[str],
) -> None:
    """A topic may look at what a record was: told is who became final, not who is final still."""
    query = [
        {"url": "previous", "valueString": "status:not=final"},
        {"url": "resultForCreate", "valueCode": "test-fails"},
        {"url": "current", "valueString": "status=final"},
        {"url": "requireBoth", "valueBoolean": both},
    ]
    assert client.post("/fhir/Basic", json=topic({"url": "queryCriteria", "extension": query})).status_code == 201
    observe("one", status="preliminary")
    observe("two", status="preliminary")
    observe("three", status="registered")
    settle(runtime)
    subscribed(client, runtime, of_topic(subscriber.url))
    observe("one", status="final")
    observe("one", status="final", code="8867-4")
    observe("two", status="amended")
    observe("one", status="amended")
    settle(runtime)
    found = [focus for *_, body in subscriber.got for _, focus in parts(body)["events"]]
    if both:
        assert found == expected
    else:
        assert found == ["Observation/one", "Observation/one", "Observation/two"]


def test_a_topic_that_goes(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """A subscription whose topic is deleted is off and says so; nobody believes that nothing happens."""
    id = client.post("/fhir/Basic", json=topic()).json()["id"]
    one = subscribed(client, runtime, of_topic(subscriber.url))
    assert client.delete(f"/fhir/Basic/{id}").status_code == 204
    settle(runtime)
    told = client.get(f"/fhir/Subscription/{one}").json()
    assert (told["status"], told["error"]) == ("off", "its topic is gone")


def test_criteria_that_cannot_be_judged_any_more(
    client: httpx.Client,
    runtime: Runtime,
    subscriber: Subscriber,
    put: Callable[..., None],
    observe: Callable[..., None],
) -> None:
    """A subscription by a search parameter of one's own that is deleted is off and says so."""
    put("SearchParameter", "own", url="http://example.org/own", name="own", status="active", description="tests",
        code="own", base=["Observation"], type="token", expression="Observation.status")  # fmt: skip
    while indexing.turn(runtime):
        pass
    id = subscribed(client, runtime, subscription(subscriber.url, "Observation?own=final"))
    observe("one")
    settle(runtime)
    assert len(subscriber.got) == 1
    assert client.delete("/fhir/SearchParameter/own").status_code == 204
    observe("two")
    settle(runtime)
    told = client.get(f"/fhir/Subscription/{id}").json()
    assert told["status"] == "off"
    assert "cannot be searched by" in told["error"]


def test_several_in_a_notice(
    client: httpx.Client, runtime: Runtime, pool: Pool, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """After an hour of silence a subscriber that takes three at once gets every event once, in order."""
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    subscribed(client, runtime, of_topic(subscriber.url, extension=[{"url": f"{BACKPORT}max-count",
                                                                     "valuePositiveInt": 3}]))  # fmt: skip
    subscriber.status = 503
    for number in range(4):
        observe(f"e{number}")
    settle(runtime)
    wait(pool, 1)
    settle(runtime)
    observe("late")
    subscriber.status, subscriber.got = 200, []
    wait(pool, 0)
    settle(runtime)
    found = [[number for number, _ in parts(body)["events"]] for *_, body in subscriber.got]
    assert found == [["1", "2", "3"], ["4"], ["5"]]


def test_heartbeat(client: httpx.Client, runtime: Runtime, subscriber: Subscriber) -> None:
    """When nothing happened for as long as was agreed, a subscriber is told so; not more often."""
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    beat = [{"url": f"{BACKPORT}heartbeat-period", "valueUnsignedInt": 60}]
    subscribed(client, runtime, of_topic(subscriber.url, extension=beat))
    later = datetime.now(UTC) + timedelta(seconds=61)
    notifying.turn(runtime, later)
    settle(runtime)
    assert [parts(body)["type"] for *_, body in subscriber.got] == ["handshake", "heartbeat"]


def test_status_and_events(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """A subscriber asks how things are, and for the events it missed, by their numbers."""
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    id = subscribed(client, runtime, of_topic(subscriber.url))
    for number in range(3):
        observe(f"e{number}")
    settle(runtime)
    status = client.get(f"/fhir/Subscription/{id}/$status").json()
    assert status["type"] == "searchset"
    found = told(status["entry"][0]["resource"])
    assert (found["status"], found["type"], found["events-since-subscription-start"]) == ("active", "query-status", "3")
    assert client.get("/fhir/Subscription/$status", params={"status": "off"}).json()["total"] == 0
    assert client.get("/fhir/Subscription/$status", params={"id": id}).json()["total"] == 1
    asked = {"eventsSinceNumber": "2", "eventsUntilNumber": "3"}
    missed = client.get(f"/fhir/Subscription/{id}/$events", params=asked).json()
    assert parts(missed)["type"] == "query-event"
    assert [number for number, _ in parts(missed)["events"]] == ["2", "3"]
    named = {"resourceType": "Parameters", "parameter": [{"name": "content", "valueCode": "full-resource"}]}
    whole = client.post(f"/fhir/Subscription/{id}/$events", json=named).json()
    assert [one["resource"]["id"] for one in whole["entry"][1:]] == ["e0", "e1", "e2"]
    nurse = ("nurse", "also-secret-enough")
    assert client.get(f"/fhir/Subscription/{id}/$events", auth=nurse).status_code == 403
    assert client.get("/fhir/Subscription/none/$events").status_code == 404
    assert client.get("/fhir/Subscription/none/$status").status_code == 404
    for wrong in ({"eventsSinceNumber": "x"}, {"content": "all"}):
        assert client.get(f"/fhir/Subscription/{id}/$events", params=wrong).status_code == 400


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"url": "resource", "valueUri": "Nothing"}, "type of R4"),
        (
            {"url": "queryCriteria", "extension": [{"url": "current", "valueString": "nothing=1"}]},
            "no search parameter",
        ),
        ({"url": "queryCriteria", "extension": [{"url": "current", "valueString": "date=zz"}]}, "date"),
        ({"url": "fhirPathCriteria", "valueString": "true"}, "FHIRPath alone"),
    ],
)
def test_topics_that_cannot_be_followed(client: httpx.Client, part: dict[str, Any], text: str) -> None:
    """A topic that cannot be judged is refused, and says why."""
    made = topic(part)
    if part["url"] == "resource":
        made["extension"][1]["extension"] = [part]
    refused = client.post("/fhir/Basic", json=made)
    assert refused.status_code in (400, 422)
    assert text in refused.json()["issue"][0]["diagnostics"]


def test_other_basic_records(client: httpx.Client) -> None:
    """A Basic of another kind is a record like any other; a topic without a trigger is none."""
    assert client.post("/fhir/Basic", json={"resourceType": "Basic", "code": {"text": "note"}}).status_code == 201
    made = topic()
    made["extension"].pop()
    assert client.post("/fhir/Basic", json=made).status_code == 400
