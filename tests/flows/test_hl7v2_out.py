"""What goes out as HL7v2: chosen by what happened, cut to the peer, and the same again in a second hub."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from adapters.hl7v2 import client, mllp
from hub import work
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.wire import listen
from terminology import published
from tests.adapters.hl7v2.wire import listening, sample
from tests.flows.test_hl7v2 import WIRE, found, search, wire
from tests.hub.bound.district import condition, encounter, patient, settle
from tracker_core import history, identity, peers, records, routes
from tracker_core.changes import RecordChange
from tracker_core.database import Pool, transaction
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted


@contextmanager
def connected(sender: Runtime, receiver: Runtime, types: dict[str, list[str]], **settings: Any) -> Iterator[None]:
    """Let one hub send what it learns to another over MLLP: message type -> record types; persons for ADT."""
    take = listen(receiver, WIRE)
    with ThreadPoolExecutor(2) as threads, listening(mllp.threaded(take, threads)) as server:
        with transaction(sender.pool) as session:
            address = f"mllp://127.0.0.1:{server.port}"
            peer = peers.save(session, "HUB|TWO", "hl7v2", address=address, settings=settings)
            for type, names in types.items():
                about = "person" if type.startswith("ADT") else "record"
                routes.save(session, type, peer.id, type, {"records": names, "about": about})
        yield
        client.hang_up()


def deliver(runtime: Runtime) -> list[tuple[str, bool]]:
    """Send everything that is due; return the types in order, each with whether it was accepted."""
    work.dispatch(runtime)
    sent = []
    while claimed := work.claim(runtime, "out", "test", 20):
        for message in claimed:
            receipt = work.send(runtime, message)
            sent.append((message.type, bool(receipt and receipt.accepted)))
    return sent


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A record without what every hub has of its own: ids, versions, links."""
    return {name: value for name, value in document.items() if name not in ("id", "meta", "link")}


def last_out(runtime: Runtime) -> bytes:
    """The bytes of the newest message out."""
    with transaction(runtime.pool) as session:
        (newest,) = searching.search(session, Wanted(direction="out"), limit=1).messages
        (body,) = session.execute("select body from message where id = %s", (newest["id"],)).fetchone() or (b"",)
    return bytes(body)


def test_a_person_is_registered_updated_and_merged_at_the_peer(runtime: Runtime, second: Runtime) -> None:
    """A28, A31 and A40 by what happened; the second hub then has the same persons, merged as here."""
    with connected(runtime, second, {"ADT": ["Patient"]}), wire(runtime) as send:
        send(sample("adt_a01"))
        send(sample("adt_a04"))
        assert deliver(runtime) == [("ADT^A28", True), ("ADT^A28", True)]
        for number in ("P-1001", "P-1002"):
            (ours,), (theirs,) = (found(hub, "Patient", f"identifier={number}") for hub in (runtime, second))
            assert plain(theirs) == plain(ours)
        send(sample("adt_a08"))
        send(sample("adt_a04").replace(b"S-A04", b"S-A05").replace(b"Okoye^Daniel", b"Okoye^David"))
        assert deliver(runtime) == [("ADT^A31", True)]
        (theirs,) = found(second, "Patient", "identifier=P-1002")
        assert theirs["name"] == [{"family": "Okoye", "given": ["David"]}]
        with transaction(runtime.pool) as session:
            one, other = sorted({record.subject or 0 for record in search(session, "Patient", "")})
            identity.merge(session, history.open_change_set(session, "tester"), one, other)
        assert deliver(runtime) == [("ADT^A40", True)]
    (loser,) = found(second, "Patient", "identifier=P-1002")
    assert (loser["active"], loser["link"][0]["type"]) == (False, "replaced-by")
    with transaction(second.pool) as session:
        assert len({record.subject for record in search(session, "Patient", "")}) == 1
    assert [line[:3] for line in last_out(runtime).split(b"\r") if line] == [b"MSH", b"EVN", b"PID", b"MRG"]


def test_results_arrive_as_they_are_here(runtime: Runtime, second: Runtime) -> None:
    """ORU^R01 for a report that was written: the observations are equal in both hubs, digits and all."""
    with connected(runtime, second, {"ORU": ["DiagnosticReport"]}), wire(runtime) as send:
        send(sample("oru_r01"))
        assert deliver(runtime) == [("ORU^R01", True)]
    ours, theirs = (
        sorted((one["code"], one.get("valueQuantity"), one["status"]) for one in map(told, found(hub, "Observation")))
        for hub in (runtime, second)
    )
    assert theirs == ours


def told(observation: dict[str, Any]) -> dict[str, Any]:
    """What an observation says, as text that sorts."""
    return {name: repr(observation.get(name)) for name in ("code", "valueQuantity", "status")}


def test_a_peer_is_told_in_its_own_version_and_codes(runtime: Runtime, second: Runtime) -> None:
    """Version, segments, codes, character set and zone are the peer's."""
    settings = {
        "version": "2.3.1",
        "segments": ["PV1"],
        "values": {"PID-8": "urn:map:sex", "PV1-2": {"I": "stationary"}, "PID-5": "urn:map:none"},
        "charset": "8859/1",
        "zone": "Africa/Nairobi",
        "register": "A04",
    }
    element = {"code": "F", "target": [{"code": "2", "equivalence": "equivalent"}]}
    group = {"source": "http://terminology.hl7.org/CodeSystem/v2-0001", "target": "urn:sexes", "element": [element]}
    sexes = {"resourceType": "ConceptMap", "url": "urn:map:sex", "name": "Sex", "status": "active", "group": [group]}
    with transaction(runtime.pool) as session:
        published.save(session, [sexes])
    with connected(runtime, second, {"ADT": ["Patient"]}, **settings), wire(runtime) as send:
        send(sample("adt_a08_latin1"))
        assert [type for type, _ in deliver(runtime)] == ["ADT^A04"]
    header, event, person, *rest = last_out(runtime).decode("latin-1").split("\r")
    assert "|2.3.1|" in header
    assert "8859/1" in header
    assert header.split("|")[6].endswith("+0300")
    assert event.startswith("EVN|A04|")
    assert "Élodie" in person
    assert person.split("|")[8] == "2"
    assert [line[:3] for line in rest if line] == ["PV1"]


def test_what_has_no_message_is_not_queued(runtime: Runtime, second: Runtime) -> None:
    """A deletion is told by no event here; a merge whose loser is not known any more is refused when it is written."""
    with connected(runtime, second, {"ADT": ["Patient"]}), wire(runtime) as send:
        send(sample("adt_a01").replace(b"ADT^A01^ADT_A01", b"ADT^A28^ADT_A05"))
        deliver(runtime)
        with transaction(runtime.pool) as session:
            session.execute("update message set state = 'done' where direction = 'out'")
            peer = peers.read(session, "HUB|TWO")
            about = '{"person": 1, "replaces": 2}'
            (person,) = {record.subject for record in search(session, "Patient", "")}
            session.execute(
                "insert into message (direction, peer, format, type, about) values ('out', %s, 'hl7v2', 'ADT^A40', %s)",
                (peer.id, about.replace("1", str(person), 1)),
            )
        assert deliver(runtime) == [("ADT^A40", False)]


def put(runtime: Runtime, *documents: dict[str, Any]) -> None:
    """Write records of this hub itself."""
    with transaction(runtime.pool) as session:
        context = history.open_change_set(session, "tester")
        applied = records.apply(
            session, context, [RecordChange(d["resourceType"], d, "put", id=d["id"]) for d in documents]
        )
        assert applied.issues == []


PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {
            "system": "urn:nid",
            "value": "N-1",
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "NI"}]},
        }
    ],
    "name": [{"family": "Mbeki"}],
}
APPOINTMENT = {
    "resourceType": "Appointment",
    "id": "a1",
    "identifier": [{"system": "urn:visits", "value": "AP-1"}],
    "status": "booked",
    "start": "2026-05-01T09:00:00+02:00",
    "end": "2026-05-01T09:30:00+02:00",
    "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
}
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "o1",
    "identifier": [{"system": "urn:orders", "value": "ORD-1"}],
    "status": "active",
    "intent": "order",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]},
    "subject": {"reference": "Patient/p1"},
}


def test_an_appointment_is_made_moved_and_cancelled_at_the_peer(runtime: Runtime, second: Runtime) -> None:
    """S12, S13, S15 by what happened to it; the second hub has the same appointment, cancelled at the end."""
    with connected(runtime, second, {"SIU": ["Appointment"]}):
        put(runtime, PATIENT, APPOINTMENT)
        assert deliver(runtime) == [("SIU^S12", True)]
        (theirs,) = found(second, "Appointment")
        assert (theirs["start"], theirs["status"]) == (APPOINTMENT["start"], "booked")
        put(runtime, {**APPOINTMENT, "start": "2026-05-02T09:00:00+02:00", "end": "2026-05-02T09:30:00+02:00"})
        assert deliver(runtime) == [("SIU^S13", True)]
        put(runtime, {**APPOINTMENT, "status": "cancelled"})
        assert deliver(runtime) == [("SIU^S15", True)]
        (theirs,) = found(second, "Appointment")
        assert theirs["status"] == "cancelled"
        nameless = {name: value for name, value in APPOINTMENT.items() if name != "identifier"} | {"id": "a2"}
        put(runtime, nameless)
        put(runtime, {**nameless, "status": "noshow"})
        assert deliver(runtime) == [("SIU^S26", True)]
    assert sorted(one["status"] for one in found(second, "Appointment")) == ["cancelled", "noshow"]


def test_an_order_is_placed_and_taken_back_at_the_peer(runtime: Runtime, second: Runtime) -> None:
    """OML^O21 with order control NW, then CA; the second hub has the same order."""
    with connected(runtime, second, {"OML": ["ServiceRequest"]}):
        put(runtime, PATIENT, ORDER)
        assert deliver(runtime) == [("OML^O21", True)]
        assert b"\rORC|NW|" in last_out(runtime)
        (theirs,) = found(second, "ServiceRequest")
        assert theirs["code"] == ORDER["code"]
        put(runtime, {**ORDER, "status": "revoked"})
        assert deliver(runtime) == [("OML^O21", True)]
        assert b"\rORC|CA|" in last_out(runtime)
    (theirs,) = found(second, "ServiceRequest")
    assert theirs["status"] == "revoked"


def test_a_vaccination_arrives_at_the_peer(runtime: Runtime, second: Runtime) -> None:
    """VXU^V04: vaccine, time and dose are the same in the second hub."""
    vaccination = {
        "resourceType": "Immunization",
        "id": "i1",
        "status": "completed",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "03", "display": "MMR"}]},
        "patient": {"reference": "Patient/p1"},
        "occurrenceDateTime": "2026-03-05T09:00:00+02:00",
        "lotNumber": "L77",
    }
    with connected(runtime, second, {"VXU": ["Immunization"]}):
        put(runtime, PATIENT, vaccination)
        assert deliver(runtime) == [("VXU^V04", True)]
    (theirs,) = found(second, "Immunization")
    for element in ("status", "vaccineCode", "occurrenceDateTime", "lotNumber"):
        assert theirs[element] == vaccination[element]


def test_a_visit_that_a_program_plans_is_an_appointment_at_the_peer(pool: Pool, second: Runtime) -> None:
    """A case makes the program plan a follow-up: the second hub is told of an appointment, and of the person."""
    runtime = Runtime(pool=pool, adapters=ADAPTERS)
    with transaction(pool) as session:
        district = settle(session)
        district.receive(patient(), encounter("2026-03-05"), condition("B50.9", "2026-03-05"))
    with connected(runtime, second, {"SIU": ["Appointment"], "ADT": ["Patient"]}):
        sent = deliver(runtime)
    assert set(sent) == {("SIU^S12", True), ("ADT^A28", True)}
    (appointment,) = found(second, "Appointment")
    assert appointment["start"].startswith("2026-03-08")
    with transaction(second.pool) as session:
        assert len(search(session, "Patient", "")) == 1


def test_a_route_without_a_type_is_written_as_what_it_is_about(runtime: Runtime, second: Runtime) -> None:
    """The records say what they are sent as: a person without results as an update."""
    with connected(runtime, second, {"": ["Patient"]}):
        put(runtime, PATIENT)
        assert deliver(runtime) == [("", True)]
    assert b"|ADT^A08^ADT_A01|" in last_out(runtime)
