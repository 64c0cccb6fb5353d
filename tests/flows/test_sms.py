"""What a gateway posts back, through the hub."""

from collections.abc import Iterator

import httpx
import orjson
import pytest

from adapters.sms import ADAPTER
from adapters.sms.http import FACE
from hub.access import HubAccess
from hub.runtime import Runtime
from tests.flows.faces import serving
from tracker_core import metadata, records
from tracker_core.database import Pool, transaction


@pytest.fixture
def client(pool: Pool) -> Iterator[httpx.Client]:
    """A client of the face over the hub's own way in."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
    with serving(FACE, HubAccess(Runtime(pool=pool, adapters={"sms": ADAPTER}))) as opened:
        yield opened


def test_stop_is_kept_once(client: httpx.Client, pool: Pool) -> None:
    """A gateway that posts a text twice is heard once."""
    text = {"id": "m1", "from": "+260955123456", "text": "STOP"}
    answers = [client.post("/hub/sms/gateway", json=text) for _ in range(2)]
    assert [(answer.status_code, answer.json()["accepted"]) for answer in answers] == [(200, True), (200, True)]
    with transaction(pool) as session:
        (kept,) = records.search(session, "Communication", []).matches
    assert orjson.loads(kept.doc)["category"][0]["coding"][0]["code"] == "opt-out"


def test_other_calls_are_refused(client: httpx.Client) -> None:
    """The refusal says why, in the gateway's own format."""
    answer = client.post("/hub/sms/gateway", content=b"?")
    assert (answer.status_code, answer.json()["accepted"]) == (400, False)
    assert orjson.loads(FACE.refuse(401, "who is it?")[0])["reason"] == "who is it?"
