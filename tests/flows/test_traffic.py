"""Messages as operators look at them: found, shown, traced, run again, edited, given up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.hl7v2 import acks
from adapters.hl7v2 import client as client_
from adapters.hl7v2.framing import frame
from hub import work
from hub.runtime import Runtime
from tests.adapters.hl7v2.wire import answering, sample
from tests.flows.test_hl7v2 import Send, wire
from tracker_core import peers, routes
from tracker_core.database import transaction
from tracker_core.issues import Issue, Report
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted


@pytest.fixture
def send(runtime: Runtime) -> Iterator[Send]:
    """A clinic connected to the hub."""
    with wire(runtime) as sending:
        yield sending


def listed(client: httpx.Client, **search: Any) -> list[dict[str, Any]]:
    """The messages that a search finds."""
    answer = client.get("/hub/messages", params=search)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


def controls(client: httpx.Client, **search: Any) -> list[str]:
    """The control ids of the messages that a search finds."""
    return [message["control_id"] for message in listed(client, **search)]


def test_messages_are_found_by_what_is_known_of_them(client: httpx.Client, send: Send) -> None:
    """By peer, type or its beginning, state, control id, patient as the sender writes it, time, and person."""
    for name in ("adt_a01", "adt_a04", "oru_r01", "adt_a08_latin1"):
        send(sample(name))
    send(sample("adt_a01").replace(b"|ADT^A01^ADT_A01|", b"|ZZZ^Z01|").replace(b"S-A01", b"S-Z01"))
    assert controls(client, type="ADT^A01") == ["S-A01"]
    assert controls(client, type="ADT*") == ["S-L1", "S-A04", "S-A01"]
    assert controls(client, state="rejected") == ["S-Z01"]
    assert controls(client, control_id="S-R01") == ["S-R01"]
    assert controls(client, patient="P-1002") == ["S-A04"]
    assert controls(client, patient="P-1002^KIVU-HC", direction="in", format="hl7v2") == ["S-A04"]
    assert controls(client, peer="CLINIC|KIVU-HC", type="ORU*") == ["S-R01"]
    assert controls(client, peer="nobody") == []
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert controls(client, since=soon) == []
    assert len(controls(client, until=soon)) == 5
    assert client.get("/hub/messages", params={"lane": "x"}).status_code == 400
    assert client.get("/hub/messages", params={"state": "odd"}).status_code == 400


def test_messages_of_a_person_are_found_by_what_they_changed(client: httpx.Client, send: Send) -> None:
    """Everything that changed a record or a tracker row of the person, and nothing else."""
    for name in ("adt_a01", "adt_a04", "oru_r01"):
        send(sample(name))
    (message,) = listed(client, control_id="S-A01")
    records = client.get(f"/hub/messages/{message['id']}/trace").json()["records"]
    (person,) = {record["person"] for record in records if record["type"] == "Patient"}
    assert set(controls(client, person=person)) == {"S-A01", "S-R01"}
    assert controls(client, person="nobody") == []


def test_a_text_is_looked_for_in_the_bodies(client: httpx.Client, send: Send) -> None:
    """Also one in another character set than UTF-8; pages go on where the last one ended."""
    for name in ("adt_a01", "adt_a04", "oru_r01", "adt_a08_latin1"):
        send(sample(name))
    assert controls(client, text="Okoye") == ["S-A04"]
    assert len(controls(client, text="Élodie")) == 1
    assert controls(client, text="okoye") == []
    first = client.get("/hub/messages", params={"text": "KIVU-HC", "limit": 3}).json()
    rest = client.get("/hub/messages", params={"text": "KIVU-HC", "limit": 3, "before": first["next"]}).json()
    assert (len(first["messages"]), len(rest["messages"]), rest["next"]) == (3, 1, None)


def test_a_search_by_text_reads_a_bounded_number_of_bodies(send: Send, runtime: Runtime) -> None:
    """Where it stops without a hit, it says where to go on."""
    for name in ("adt_a01", "adt_a04", "oru_r01"):
        send(sample(name))
    with transaction(runtime.pool) as session:
        first = searching.search(session, Wanted(text="S-A01"), reads=2)
        second = searching.search(session, Wanted(text="S-A01"), first.next, reads=2)
    assert (first.messages, first.next is None) == ([], False)
    assert ([one["control_id"] for one in second.messages], second.next) == (["S-A01"], None)


def test_pages_hold_every_message_once(client: httpx.Client, send: Send) -> None:
    """Paging by `before` meets each message once, newest first."""
    for number in range(5):
        send(sample("adt_a01").replace(b"S-A01", f"S-{number}".encode()))
    seen: list[str] = []
    page: dict[str, Any] = {"next": None}
    for _ in range(3):
        asked = {"limit": 2, **({"before": page["next"]} if page["next"] else {})}
        page = client.get("/hub/messages", params=asked).json()
        seen += [message["control_id"] for message in page["messages"]]
    assert seen == ["S-4", "S-3", "S-2", "S-1", "S-0"]
    assert page["next"] is None


def test_a_message_is_traced_to_what_it_changed_and_what_went_out(
    client: httpx.Client, send: Send, runtime: Runtime
) -> None:
    """Records with the fields that changed, tracker rows, the deliveries that carry it, and from those back."""
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "HIS|MAIN", "hl7v2", address="mllp://127.0.0.1:1")
        routes.save(session, "updates", peer.id, "ADT^A08", {"records": ["Patient"], "about": "person"})
    send(sample("adt_a01").replace(b"^PRN^CP", b"^PRN^PH"))
    send(sample("adt_a08"))
    work.dispatch(runtime)
    (update,) = listed(client, control_id="S-A08")
    trace = client.get(f"/hub/messages/{update['id']}/trace").json()
    patient = next(record for record in trace["records"] if record["type"] == "Patient")
    assert (patient["action"], patient["version"]) == ("update", 2)
    assert patient["fields"] == ["telecom"]
    (out,) = trace["caused"]
    assert (out["peer"], out["type"], out["state"]) == ("HIS|MAIN", "ADT^A08", "waiting")
    back = client.get(f"/hub/messages/{out['id']}/trace").json()
    causes = {cause["id"] for cause in back["causes"]}
    assert causes == {message["id"] for message in listed(client, type="ADT*", direction="in")}
    (first,) = listed(client, control_id="S-A01")
    rows = client.get(f"/hub/messages/{first['id']}/trace").json()["rows"]
    assert ("trackedEntity", "create") in {(row["kind"], row["action"]) for row in rows}
    assert client.get("/hub/messages/999999/trace").status_code == 404


def test_an_edited_message_runs_in_place_of_the_old_one(client: httpx.Client, send: Send) -> None:
    """The old bytes stay; the new message names the old one, the editor and the reason, and has done the work."""
    assert send(sample("adt_a01").replace(b"P-1001^^^KIVU-HC^MR~19850714-22^^^NID^NI", b"")) == "AE"
    (old,) = listed(client, state="rejected")
    edited = client.post(f"/hub/messages/{old['id']}/edit", params={"note": "number added"}, content=sample("adt_a01"))
    assert edited.status_code == 200, edited.text
    new = edited.json()
    assert (new["state"], new["replayOf"], new["actor"]) == ("done", old["id"], "admin")
    trace = client.get(f"/hub/messages/{old['id']}/trace").json()
    assert [(one["id"], one["note"]) for one in trace["replays"]] == [(new["id"], "number added")]
    assert b"||||Mbeki" in client.get(f"/hub/messages/{old['id']}/body", params={"download": True}).content
    assert client.get(f"/hub/messages/{old['id']}").json()["error"].startswith(f"replaced by message {new['id']}")
    assert client.get("/hub/dead-letters").json() == []
    again = client.post(f"/hub/messages/{new['id']}/edit", params={"note": "once more"}, content=b"x")
    assert again.status_code == 409
    assert client.post(f"/hub/messages/{old['id']}/edit", params={"note": "empty"}).status_code == 400


def test_many_are_run_again_by_a_search_and_those_done_as_copies(client: httpx.Client, send: Send) -> None:
    """A search stands for the ids; a message that is done is copied, and the copy names it."""
    for number in range(3):
        send(sample("adt_a01").replace(b"|ADT^A01^ADT_A01|", b"|ZZZ^Z01|").replace(b"S-A01", f"S-{number}".encode()))
    send(sample("adt_a01"))
    assert client.post("/hub/messages/replay", json={"search": {"type": "ZZZ*"}}).json() == {"replayed": 3}
    assert len(listed(client, state="waiting")) == 3
    (done,) = listed(client, state="done")
    asked = {"ids": [done["id"]], "copies": True, "note": "after the repair"}
    (copy,) = client.post("/hub/messages/replay", json=asked).json()["copies"]
    shown = client.get("/hub/messages", params={"before": copy + 1, "limit": 1}).json()["messages"][0]
    assert (shown["replay_of"], shown["note"], shown["state"]) == (done["id"], "after the repair", "waiting")
    assert client.post("/hub/messages/replay", json={}).status_code == 400


def test_dead_letters_are_grouped_by_reason_and_given_up(client: httpx.Client, send: Send) -> None:
    """One line per peer, type and code; what was given up is no dead letter any more, and says why."""
    for number in range(3):
        send(
            sample("adt_a01")
            .replace(b"P-1001^^^KIVU-HC^MR~19850714-22^^^NID^NI", b"")
            .replace(b"S-A01", b"%d" % number)
        )
    send(sample("adt_a01").replace(b"|ADT^A01^ADT_A01|", b"|ZZZ^Z01|"))
    many, one = client.get("/hub/dead-letters").json()
    assert (many["code"], many["type"], many["count"]) == ("required-field", "ADT^A01", 3)
    assert (one["type"], one["count"]) == ("ZZZ^Z01", 1)
    assert client.get("/hub/dead-letters", params={"peer": "CLINIC|KIVU-HC", "state": "parked"}).json() == []
    gone = client.post("/hub/messages/discard", params={"reason": "test data"}, json={"search": {"type": "ZZZ^Z01"}})
    assert gone.json() == {"discarded": 1}
    assert len(client.get("/hub/dead-letters").json()) == 1
    (message,) = listed(client, type="ZZZ^Z01")
    assert message["error"] == "test data (admin)"


def test_bodies_are_shown_as_people_read_them(client: httpx.Client, send: Send) -> None:
    """HL7v2 by segments and fields, JSON as JSON, anything else as text with what is wrong with it."""
    send(sample("adt_a01"))
    send(b"hello")
    client.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    document, text, message = (
        client.get(f"/hub/messages/{one['id']}/parsed").json() for one in listed(client, direction="in")
    )
    assert message["as"] == "hl7v2"
    assert message["view"]["segments"][2]["fields"][1]["name"] == "Patient Identifier List"
    assert (document["as"], document["view"]["id"]) == ("json", "p1")
    assert (text["as"], text["view"]) == ("text", "hello")
    assert "MSH" in text["problem"]


def test_a_profile_is_tried_and_then_counts(client: httpx.Client, send: Send) -> None:
    """What it would find wrong in stored messages is told first; stored, it warns, and violations are listed."""
    for name in ("adt_a01", "adt_a04", "oru_r01"):
        send(sample(name))
    profile = {"fields": {"PID-8": {"table": ["F"]}, "PID-11": {"use": "R"}}}
    where = "/hub/peers/CLINIC|KIVU-HC"
    tried = client.post(f"{where}/conformance/try", json={"profile": profile}).json()
    assert (tried["messages"], tried["broken"]) == (3, 1)
    assert {rule["code"] for rule in tried["rules"]} == {"conformance-unknown-value", "conformance-required"}
    assert client.post(f"{where}/conformance/try", json={"profile": profile, "type": "ORU*"}).json()["messages"] == 1
    assert client.post(f"{where}/conformance/try", json={"profile": {"policy": "x"}}).status_code == 400
    assert client.post("/hub/peers/fhir/conformance/try", json={"profile": {}}).status_code == 404
    client.put("/hub/peers/hie", json={"format": "fhir"})
    assert client.post("/hub/peers/hie/conformance/try", json={"profile": {}}).status_code == 422
    wrong = {"format": "hl7v2", "settings": {"conformance": {"policy": "x"}}}
    assert client.put(where, json=wrong).status_code == 400
    assert client.put(where, json={"format": "hl7v2", "settings": {"conformance": profile}}).status_code == 200
    assert send(sample("adt_a04").replace(b"S-A04", b"S-A05")) == "AA"
    found = {(one["code"], one["place"], one["count"]) for one in client.get(f"{where}/violations").json()}
    assert found == {("conformance-unknown-value", "PID-8", 1), ("conformance-required", "PID-11", 1)}


def test_an_edited_delivery_is_sent_in_place_of_the_refused_one(
    client: httpx.Client, send: Send, runtime: Runtime
) -> None:
    """What a receiver refused goes out again with other bytes, under the control id that these bear."""
    got: list[bytes] = []

    def script(connection: Any, data: bytes) -> None:
        got.append(data[1:-2])
        wrong = Report(issues=[Issue("required-field", "no sex")], rejected=b"|F|" in got[-1])
        connection.sendall(frame(acks.answer(got[-1], wrong)))

    with answering(script) as port:
        with transaction(runtime.pool) as session:
            peer = peers.save(session, "HIS|MAIN", "hl7v2", address=f"mllp://127.0.0.1:{port}")
            routes.save(session, "updates", peer.id, "ADT", {"records": ["Patient"], "about": "person"})
        send(sample("adt_a01"))
        work.dispatch(runtime)
        for message in work.claim(runtime, "out", "test", 10):
            work.send(runtime, message)
        (refused,) = listed(client, direction="out", state="rejected")
        where = f"/hub/messages/{refused['id']}"
        body = client.get(f"{where}/body").content.replace(b"|F|", b"|U|").replace(b"|TH", b"|XTH")
        edited = client.post(f"{where}/edit", params={"note": "unknown sex"}, content=body).json()
        client_.hang_up()
    assert (edited["state"], edited["direction"], edited["controlId"][0]) == ("done", "out", "X")
    assert got[1] == body
    assert listed(client, direction="out", state="rejected")[0]["discarded"]
