"""Codes that no map has: counted, answered by a person, and the messages that waited run again."""

import httpx
import pytest

from adapters.contract import Envelope
from hub import work
from hub.runtime import Runtime
from tracker_core import messages, peers
from tracker_core.database import transaction


def message(control_id: str, person: str, sex: str) -> bytes:
    """Return an admission that names a sex in the sender's own code."""
    return (
        f"MSH|^~\\&|LAB|HOSP|HUB|MOH|20260301080000||ADT^A04^ADT_A01|{control_id}|P|2.5.1\r"
        f"EVN||20260301080000\rPID|1||{person}^^^HOSP^MR||Abara^Lewa||19900101|{sex}\r"
    ).encode()


def send(runtime: Runtime, settings: dict[str, str], *raw: bytes) -> list[str]:
    """Take messages in as those of one hospital; return their states."""
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "hospital", "hl7v2", settings=settings)
    done = [work.accept(runtime, peer, one, Envelope(), "tester").message for one in raw]
    with transaction(runtime.pool) as session:
        return [messages.read(session, id).state for id in done]


def genders(client: httpx.Client) -> list[str]:
    """Return the gender of every Patient."""
    bundle = client.get("/fhir/Patient", params={"_sort": "_id"}).json()
    return sorted(entry["resource"].get("gender", "") for entry in bundle.get("entry", []))


def test_a_code_is_counted_answered_and_used(client: httpx.Client, runtime: Runtime) -> None:
    """Messages go through without the value; the answer counts from the next message on."""
    states = send(runtime, {}, message("1", "11", "Q9"), message("2", "12", "Q9"), message("3", "13", "F"))
    assert states == ["done", "done", "done"]
    assert genders(client) == ["", "", "female"]
    (task,) = client.get("/hub/unmapped", params={"peer": "hospital"}).json()
    assert (task["code"], task["count"], task["waiting"], len(task["messages"])) == ("Q9", 2, 0, 2)
    answer = {"system": "http://hl7.org/fhir/administrative-gender", "code": "other"}
    assert client.post(f"/hub/unmapped/{task['id']}", json=answer).json() == {"replayed": 0}
    assert client.get("/hub/unmapped").json() == []
    assert [one["code"] for one in client.get("/hub/unmapped", params={"answered": True}).json()] == ["Q9"]
    assert send(runtime, {}, message("4", "14", "Q9")) == ["done"]
    assert genders(client) == ["", "", "female", "other"]
    maps = client.get("/fhir/ConceptMap/$translate", params={"system": "urn:tracker-hub:peer:hospital", "code": "Q9"})
    assert maps.json()["parameter"][0] == {"name": "result", "valueBoolean": True}


def test_messages_that_wait_run_again(client: httpx.Client, runtime: Runtime) -> None:
    """A peer that wants its unknown codes answered first has such messages parked, and nothing of them applied."""
    assert send(runtime, {"unmapped": "park"}, message("1", "11", "Q9"), message("2", "12", "M")) == ["parked", "done"]
    assert genders(client) == ["male"]
    (task,) = client.get("/hub/unmapped").json()
    assert task["waiting"] == 1
    answer = {"system": "http://hl7.org/fhir/administrative-gender", "code": "unknown"}
    assert client.post(f"/hub/unmapped/{task['id']}", json=answer).json() == {"replayed": 1}
    with transaction(runtime.pool) as session:
        (waiting,) = messages.claim(session, "in", "tester", 10)
    work.settle(runtime, waiting)
    assert genders(client) == ["male", "unknown"]


def test_an_answer_can_be_corrected(client: httpx.Client, runtime: Runtime) -> None:
    """The later answer counts; answers of one peer are not another's."""
    send(runtime, {}, message("1", "11", "Q9"))
    (task,) = client.get("/hub/unmapped").json()
    system = "http://hl7.org/fhir/administrative-gender"
    for code in ("other", "male"):
        client.post(f"/hub/unmapped/{task['id']}", json={"system": system, "code": code})
    send(runtime, {}, message("2", "12", "Q9"))
    assert genders(client) == ["", "male"]
    with transaction(runtime.pool) as session:
        clinic = peers.save(session, "clinic", "hl7v2")
    work.accept(runtime, clinic, message("3", "13", "Q9"), Envelope(), "tester")
    assert genders(client) == ["", "", "male"]


@pytest.mark.parametrize(("id", "body", "status"), [(999, {"system": "urn:s", "code": "c"}, 404), (999, {}, 400)])
def test_bad_answers_are_refused(client: httpx.Client, id: int, body: dict[str, str], status: int) -> None:
    """An unknown code, or an answer without one."""
    assert client.post(f"/hub/unmapped/{id}", json=body).status_code == status
