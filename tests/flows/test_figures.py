"""Figures per peer, what is thrown away when, and peers on pause."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hub import schedule, work
from hub.runtime import Runtime
from tests.adapters.hl7v2.wire import sample
from tests.flows.test_hl7v2 import Send, wire
from tracker_core import peers, routes
from tracker_core.database import transaction


@pytest.fixture
def send(runtime: Runtime) -> Iterator[Send]:
    """A clinic connected to the hub."""
    with wire(runtime) as sending:
        yield sending


def test_figures_agree_with_the_messages(client: httpx.Client, send: Send, runtime: Runtime) -> None:
    """Counts by state and type, latency of what is done, the oldest that waits, and errors by their code."""
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "HIS|MAIN", "hl7v2", address="mllp://127.0.0.1:1")
        routes.save(session, "updates", peer.id, "ADT", {"records": ["Patient"], "about": "person"})
    for name in ("adt_a01", "adt_a04", "oru_r01"):
        send(sample(name))
    send(sample("adt_a01").replace(b"P-1001^^^KIVU-HC^MR~19850714-22^^^NID^NI", b"").replace(b"S-A01", b"S-X"))
    work.dispatch(runtime)
    found = client.get("/hub/statistics").json()
    states = {(row["peer"], row["direction"], row["state"]): row["count"] for row in found["states"]}
    assert states == {
        ("CLINIC|KIVU-HC", "in", "done"): 3,
        ("CLINIC|KIVU-HC", "in", "rejected"): 1,
        ("HIS|MAIN", "out", "waiting"): 2,
    }
    assert sum(row["count"] for row in found["series"]) == 6
    (latency,) = found["latency"]
    assert (latency["count"], latency["peer"]) == (3, "CLINIC|KIVU-HC")
    assert 0 <= latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
    (waiting,) = found["waiting"]
    assert (waiting["peer"], waiting["count"]) == ("HIS|MAIN", 2)
    assert ("required-field", 1) in {(row["code"], row["count"]) for row in found["errors"]}
    assert {row["peer"] for row in client.get("/hub/statistics", params={"peer": "HIS|MAIN"}).json()["states"]} == {
        "HIS|MAIN"
    }


def test_a_span_has_its_limits(client: httpx.Client) -> None:
    """More than 2,000 buckets, or an end before the beginning, is refused."""
    now = datetime.now(UTC)
    long = {"since": (now - timedelta(days=400)).isoformat(), "bucket": 60}
    assert client.get("/hub/statistics", params=long).status_code == 400
    turned = {"since": now.isoformat(), "until": (now - timedelta(hours=1)).isoformat()}
    assert client.get("/hub/statistics", params=turned).status_code == 400


def test_only_the_bytes_of_what_is_done_are_thrown_away(client: httpx.Client, send: Send, runtime: Runtime) -> None:
    """By age, type, direction and peer; what was rejected or waits keeps them, and a repeat is still recognised."""
    assert send(sample("adt_a01")) == "AA"
    assert send(sample("oru_r01")) == "AA"
    send(sample("adt_a04").replace(b"P-1002^^^KIVU-HC^MR", b""))
    with transaction(runtime.pool) as session:
        session.execute("update message set created = now() - interval '40 days'")
    rule = {"days": 30, "type": "ADT*", "direction": "in", "peer": "CLINIC|KIVU-HC"}
    assert client.put("/hub/retention/old", json=rule).json()["due"] == 1
    assert client.put("/hub/retention/none", json={"days": 30, "type": "SIU^S12"}).json()["due"] == 0
    assert client.put("/hub/retention/odd", json={**rule, "peer": "nobody"}).status_code == 404
    schedule.tick(runtime)
    sizes = {one["control_id"]: one["size"] for one in client.get("/hub/messages").json()["messages"]}
    assert (sizes["S-A01"], sizes["S-R01"] is None, sizes["S-A04"] is None) == (None, False, False)
    assert send(sample("adt_a01")) == "AA"
    (kept,) = client.get("/hub/messages", params={"control_id": "S-A01"}).json()["messages"]
    assert kept["pruned"]
    assert "no bytes any more" in client.get(f"/hub/messages/{kept['id']}/body").text
    assert client.get(f"/hub/messages/{kept['id']}/trace").json()["records"]
    assert [(one["code"], one["due"]) for one in client.get("/hub/retention").json()] == [("none", 0), ("old", 0)]
    assert client.delete("/hub/retention/old").status_code == 200
    assert client.delete("/hub/retention/old").status_code == 404


def test_nothing_is_sent_to_a_paused_peer(client: httpx.Client, send: Send, runtime: Runtime) -> None:
    """What is queued waits until the peer is resumed; what it sends is taken meanwhile."""
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "HIS|MAIN", "hl7v2", address="mllp://127.0.0.1:1")
        routes.save(session, "updates", peer.id, "ADT", {"records": ["Patient"], "about": "person"})
    assert client.post("/hub/peers/HIS|MAIN/pause").json()["paused"]
    send(sample("adt_a01"))
    assert send(sample("adt_a04").replace(b"|CLINIC|KIVU-HC|HUB", b"|HIS|MAIN|HUB")) == "AA"
    work.dispatch(runtime)
    assert work.claim(runtime, "out", "test", 10) == []
    assert {one["paused"] is None for one in client.get("/hub/peers").json() if one["code"] == "HIS|MAIN"} == {False}
    assert client.post("/hub/peers/HIS|MAIN/resume").json()["paused"] is None
    assert len(work.claim(runtime, "out", "test", 10)) == 1
    assert client.post("/hub/peers/nobody/pause").status_code == 404
