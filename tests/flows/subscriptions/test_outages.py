"""A subscriber that comes and goes while records change and workers die: it misses nothing, and nothing is twice."""

import random
from collections.abc import Callable

import httpx
import orjson
import pytest

from hub import work
from hub.runtime import Runtime
from tests.flows.subscriptions.conftest import Subscriber, of_topic, settle, subscribed, topic, wait
from tests.flows.subscriptions.test_topics import parts
from tracker_core.database import Pool, transaction
from tracker_core.messages import Message

STEPS = 60


def send(runtime: Runtime, pool: Pool, *, die: bool) -> None:
    """Dispatch, and send what is due; with `die`, what was sent is not noted and the lease runs out."""
    work.dispatch(runtime)
    claimed: list[Message] = list(work.claim(runtime, "out", "tests", 5))
    for message in claimed:
        work.send(runtime, message)
    if die:
        with transaction(pool) as session:
            session.execute(
                "update message set state = 'waiting', lease_until = now() where id = any(%b::bigint[])",
                ([message.id for message in claimed],),
            )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_outages(
    client: httpx.Client,
    runtime: Runtime,
    pool: Pool,
    subscriber: Subscriber,
    observe: Callable[..., None],
    seed: int,
) -> None:
    """Every version comes under its number, in order; what comes again comes with the same bytes."""
    chance = random.Random(seed)
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    id = subscribed(client, runtime, of_topic(subscriber.url, chance.choice(["id-only", "full-resource"])))
    subscriber.got = []
    written = 0
    for step in range(STEPS):
        act = chance.choice(["write", "write", "write", "send", "die", "away", "back", "wait"])
        if act == "write":
            observe(f"o{chance.randrange(5)}", code=f"c{step}")
            written += 1
        elif act in ("send", "die"):
            send(runtime, pool, die=act == "die")
        elif act in ("away", "back"):
            subscriber.status = 503 if act == "away" else 200
        else:
            wait(pool, 0.2)
    subscriber.status = 200
    wait(pool, 0)
    settle(runtime)
    numbers = [int(parts(body)["events"][0][0]) for *_, body in subscriber.got]
    bodies = {number: {body for n, (*_, body) in zip(numbers, subscriber.got, strict=True) if n == number}
              for number in numbers}  # fmt: skip
    assert sorted(bodies) == list(range(1, written + 1))
    assert all(len(same) == 1 for same in bodies.values())
    firsts = list(dict.fromkeys(numbers))
    assert firsts == sorted(firsts)
    status = orjson.loads(client.get(f"/fhir/Subscription/{id}/$status").content)
    assert status["entry"][0]["resource"]["parameter"][4]["valueString"] == str(written)
