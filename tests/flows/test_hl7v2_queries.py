"""Queries over the wire: who is that, under which numbers, and what was given to them."""

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from adapters.hl7v2 import mllp
from adapters.hl7v2.framing import frame
from hub.runtime import Runtime
from hub.wire import listen
from mappings import er7
from mappings.er7 import Message
from tests.adapters.hl7v2.wire import connected, listening, receive, sample
from tests.flows.test_hl7v2 import WIRE, wire
from tracker_core import peers
from tracker_core.database import transaction
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted

Ask = Callable[..., Message]
HEAD = "MSH|^~\\&|CLINIC|KIVU-HC|HUB|MOH|20260305081500+0200||%s|%s|P|2.5.1\r"
PIX, PDQ = "IHE PIX Query", "Q22^Find Candidates^HL7"
AUTHORITIES = {"urn:oid:1.2.3.4": ["NID"]}


@pytest.fixture
def ask(runtime: Runtime) -> Iterator[Ask]:
    """What asks the hub a query (trigger, then segments) and returns the answer; the sender has two patients there."""
    with transaction(runtime.pool) as session:
        peers.save(session, "CLINIC|KIVU-HC", "hl7v2", settings={"authorities": AUTHORITIES})
    with (
        ThreadPoolExecutor(2) as threads,
        listening(mllp.threaded(listen(runtime, WIRE), threads)) as server,
        connected(server.port) as sender,
    ):
        for name in ("adt_a01", "adt_a04"):
            assert b"MSA|AA" in tell(sender, sample(name))

        def asking(event: str, *segments: str, control_id: str = "Q1") -> Message:
            kind = "QCN" if event == "J01" else "QBP"
            raw = HEAD % (f"{kind}^{event}", control_id) + "".join(f"{segment}\r" for segment in segments)
            return er7.parse(tell(sender, raw.encode()).decode())

        yield asking


def tell(sender: socket.socket, raw: bytes) -> bytes:
    """Send a message; return the answer."""
    sender.sendall(frame(raw))
    (answer,) = receive(sender)
    return answer


def said(answer: Message, segment: str, field: int, component: int = 1) -> str:
    """One value of an answer."""
    return er7.value(answer.first(segment), answer.encoding, field, component)


def numbers(answer: Message) -> list[str]:
    """Every number in PID-3, with its authority's namespace."""
    found = [one for pid in answer.all("PID") for one in er7.split_field(er7.get(pid, 3), answer.encoding)]
    return sorted(f"{one[0][0]}@{one[3][0]}" for one in found if one[0][0])


def test_candidates_by_what_is_known(ask: Ask) -> None:
    """Q22 by a name: RSP^K22 echoes the query and holds one PID with everything known of the person."""
    answer = ask("Q22", f"QPD|{PDQ}|T1|@PID.5.1^mbek*~@PID.7^19850714~@PID.8^F", "RCP|I|10^RD")
    assert er7.get(answer.segments[0], 9) == "RSP^K22^RSP_K21"
    assert (said(answer, "MSA", 1), said(answer, "MSA", 2)) == ("AA", "Q1")
    assert er7.get(answer.first("QAK") or [], 1) == "T1"
    assert (answer.first("QAK") or [])[2:] == ["OK", PDQ, "1", "1", "0"]
    assert er7.get(answer.first("QPD") or [], 3) == "@PID.5.1^mbek*~@PID.7^19850714~@PID.8^F"
    (pid,) = answer.all("PID")
    assert (pid[1], said(answer, "PID", 5), said(answer, "PID", 5, 2)) == ("1", "Mbeki", "Amara")
    assert numbers(answer) == ["19850714-22@NID", "P-1001@KIVU-HC"]
    assert answer.first("DSC") is None


@pytest.mark.parametrize(
    "parameter", ["@PID.3.1^P-1001~@PID.3.4^KIVU-HC", "@PID.3.1^P-1001", "@PID.11.3^goma", "PID.5.2^Amara"]
)
def test_candidates_by_other_parameters(ask: Ask, parameter: str) -> None:
    """Numbers with or without authority, addresses and given names find the same person."""
    assert said(ask("Q22", f"QPD|{PDQ}|T1|{parameter}"), "PID", 5) == "Mbeki"


def test_nobody_found_is_no_error(ask: Ask) -> None:
    """NF with AA."""
    answer = ask("Q22", f"QPD|{PDQ}|T1|@PID.5.1^Nobody")
    assert (said(answer, "MSA", 1), said(answer, "QAK", 2), answer.first("PID")) == ("AA", "NF", None)


def test_only_numbers_of_the_domains_that_were_asked_for(ask: Ask) -> None:
    """QPD-8 by namespace or by OID narrows PID-3."""
    for control_id, domain in (("Q1", "^^^NID"), ("Q2", "^^^&1.2.3.4&ISO")):
        answer = ask("Q22", f"QPD|{PDQ}|T1|@PID.5.1^Mbeki|||||{domain}", control_id=control_id)
        assert numbers(answer) == ["19850714-22@NID"]


@pytest.mark.parametrize(
    ("event", "qpd", "place"),
    [
        ("Q22", f"{PDQ}|T|@PID.5.1^Mbeki|||||^^^NOWHERE", "QPD^1^8^1"),
        ("Q22", f"{PDQ}|T|@PID.5.1^Mbeki~@PID.22^x", "QPD^1^3^2"),
        ("Q22", f"{PDQ}|T|@PID.3.1^1~@PID.3.4^NOWHERE", "QPD^1^3^2"),
        ("Q22", f"{PDQ}|T|@PID.8^X", "QPD^1^3^1"),
        ("Q22", f"{PDQ}|T|@PID.7^soon", "QPD^1^3^1"),
        ("Q22", f"{PDQ}|T|@PID.3.4^NID", "QPD^1^3^1"),
        ("Q22", f"{PDQ}|T|", "QPD^1^3^1"),
        ("Q23", f"{PIX}|T|P-1001^^^NOWHERE", "QPD^1^3^1^4"),
        ("Q23", f"{PIX}|T|P-9999^^^KIVU-HC", "QPD^1^3^1^1"),
        ("Q23", f"{PIX}|T|P-1001^^^KIVU-HC|^^^NID~^^^NOWHERE", "QPD^1^4^2"),
        ("Q23", f"{PIX}|T|P-1001", "QPD^1^3^1"),
        ("Q23", f"{PIX}|T|", "QPD^1^3^1"),
        ("Q21", "Q21|T|", "QPD^1^3^1"),
        ("Q11", "Z44^Request Evaluated History and Forecast^CDCPHINVS|T|P-1001^^^KIVU-HC", "QPD^1^1^1"),
        ("Q11", "Z99|T|P-1001^^^KIVU-HC", "QPD^1^1^1"),
        ("Q11", "Z34|T||", "QPD^1^3^1"),
    ],
)
def test_what_is_wrong_names_its_field(ask: Ask, event: str, qpd: str, place: str) -> None:
    """AE in MSA and QAK, and an ERR with the place; the query comes back as it was."""
    answer = ask(event, f"QPD|{qpd}")
    assert (said(answer, "MSA", 1), said(answer, "QAK", 2)) == ("AE", "AE")
    assert er7.get(answer.first("ERR") or [], 2) == place
    assert answer.first("PID") is None


@pytest.mark.parametrize(("segment", "place"), [("RCP|I|many", "RCP^1^2"), ("DSC|elsewhere|I", "DSC^1^1")])
def test_wrong_quantities_and_pointers(ask: Ask, segment: str, place: str) -> None:
    """RCP-2 is a number, DSC-1 a pointer of ours."""
    answer = ask("Q22", f"QPD|{PDQ}|T1|@PID.5.1^Mbeki", segment)
    assert er7.get(answer.first("ERR") or [], 2).startswith(place)
    assert said(ask("Q22", control_id="Q2"), "ERR", 2) == "QPD"


def test_answers_go_on_where_the_last_one_ended(ask: Ask, runtime: Runtime) -> None:
    """RCP-2 limits an answer, DSC-1 says where the next one goes on: everybody comes once. QCN^J01 is accepted."""
    another = sample("adt_a04").replace(b"S-A04", b"S-A09").replace(b"P-1002", b"P-1009").replace(b"Okoye", b"Mbekis")
    with wire(runtime) as send:
        assert send(another) == "AA"
    everyone = f"QPD|{PDQ}|T1|@PID.5.1^Mbeki"
    first = ask("Q22", everyone, "RCP|I|1^RD", control_id="Q2")
    assert (first.first("QAK") or [])[4:] == ["2", "1", "1"]
    pointer = said(first, "DSC", 1)
    second = ask("Q22", everyone, "RCP|I|1^RD", f"DSC|{pointer}|I", control_id="Q3")
    assert (second.first("QAK") or [])[4:] == ["2", "1", "0"]
    assert second.first("DSC") is None
    assert sorted(said(one, "PID", 5) for one in (first, second)) == ["Mbeki", "Mbekis"]
    assert said(ask("J01", "QID|T1|Q22", control_id="Q4"), "MSA", 1) == "AA"


def test_cross_references(ask: Ask) -> None:
    """Q23 gives the other numbers, never the one that was asked with, nor those of other domains; else NF."""
    answer = ask("Q23", f"QPD|{PIX}|T1|P-1001^^^KIVU-HC^MR")
    assert er7.get(answer.segments[0], 9) == "RSP^K23^RSP_K23"
    assert (said(answer, "QAK", 2), numbers(answer)) == ("OK", ["19850714-22@NID"])
    assert er7.get(answer.first("PID") or [], 5) == "~^^^^^^S"
    back = ask("Q23", f"QPD|{PIX}|T1|19850714-22^^^NID&1.2.3.4&ISO|^^^KIVU-HC", control_id="Q2")
    assert numbers(back) == ["P-1001@KIVU-HC"]
    none = ask("Q23", f"QPD|{PIX}|T1|P-1001^^^KIVU-HC|^^^KIVU-HC", control_id="Q3")
    assert (said(none, "MSA", 1), said(none, "QAK", 2), none.first("PID")) == ("AA", "NF", None)


def test_a_merged_number_leads_to_the_survivor(ask: Ask, runtime: Runtime) -> None:
    """After A40 the losing number is answered with the one person, once."""
    assert numbers(ask("Q21", "QPD|Q21|T1|P-1002^^^KIVU-HC")) == ["P-1002@KIVU-HC"]
    with wire(runtime) as send:
        merge = HEAD % ("ADT^A40^ADT_A39", "M1") + "EVN|A40|2026\rPID|1||P-1001^^^KIVU-HC^MR\rMRG|P-1002^^^KIVU-HC^MR\r"
        assert send(merge.encode()) == "AA"
    answer = ask("Q21", "QPD|Q21|T1|P-1002^^^KIVU-HC", control_id="Q2")
    assert er7.get(answer.segments[0], 9) == "RSP^K21^RSP_K21"
    assert len(answer.all("PID")) == 1
    assert "P-1001@KIVU-HC" in numbers(answer)
    assert "P-1002@KIVU-HC" not in numbers(answer)


VACCINATION = (
    "PID|1||P-1001^^^KIVU-HC^MR||Mbeki^Amara||19850714|F\r"
    "ORC|RE|V1^KIVU|V1^KIVU\rRXA|0|1|20260301|20260301|08^HepB^CVX|0.5|mL\rRXR|IM^Intramuscular^HL70162\r"
)


def test_immunisation_history(ask: Ask, runtime: Runtime) -> None:
    """Z34: Z32 with the history of a certain person, one that says none, candidates as Z31, nobody as Z33."""
    by_number = "QPD|Z34^Request Immunization History^CDCPHINVS|T1|P-1001^^^KIVU-HC^MR|Mbeki^Amara"
    none = ask("Q11", by_number)
    assert er7.get(none.segments[0], 21) == "Z32^CDCPHINVS"
    assert (said(none, "RXA", 5), said(none, "RXA", 20)) == ("998", "NA")
    with wire(runtime) as send:
        assert send((HEAD % ("VXU^V04^VXU_V04", "V1") + VACCINATION).encode()) == "AA"
    history = ask("Q11", by_number, control_id="Q2")
    assert [segment[0] for segment in history.segments][-4:] == ["PID", "ORC", "RXA", "RXR"]
    assert (said(history, "RXA", 5), said(history, "RXA", 3)[:8]) == ("08", "20260301")
    likely = ask("Q11", "QPD|Z34|T1|X9^^^ELSEWHERE|Mbeki^Amara^Ruth||19850714|F", control_id="Q3")
    assert (er7.get(likely.segments[0], 21), said(likely, "PID", 5)) == ("Z31^CDCPHINVS", "Mbeki")
    nobody = ask("Q11", "QPD|Z34|T1||Nobody^Nowhere||19010101|M", control_id="Q4")
    assert (er7.get(nobody.segments[0], 21), said(nobody, "QAK", 2)) == ("Z33^CDCPHINVS", "NF")


def test_a_peer_that_may_not_ask(ask: Ask, runtime: Runtime) -> None:
    """A filter of the peer turns answers off; the refusal tells nothing of anybody."""
    with transaction(runtime.pool) as session:
        peers.save(session, "CLINIC|KIVU-HC", "hl7v2", settings={"filters": [{"types": ["QBP*"], "then": "refuse"}]})
    answer = ask("Q22", f"QPD|{PDQ}|T1|@PID.5.1^Mbeki")
    assert (said(answer, "MSA", 1), answer.first("PID")) == ("AE", None)


def test_queries_are_kept_and_answered_over_http(ask: Ask, runtime: Runtime, client: httpx.Client) -> None:
    """The same over HTTP; with `acknowledge: stored` too the answer is the found one. Query and answer are kept."""
    with transaction(runtime.pool) as session:
        peers.save(session, "CLINIC|KIVU-HC", "hl7v2", settings={"acknowledge": "stored"})
    raw = HEAD % ("QBP^Q22", "H1") + f"QPD|{PDQ}|T1|@PID.5.1^Okoye\r"
    response = client.post("/hl7v2", content=raw, headers={"content-type": "application/hl7-v2"})
    assert response.status_code == 200
    assert re.search(r"\rPID\|1\|\|P-1002", response.text)
    assert said(ask("Q22", f"QPD|{PDQ}|T1|@PID.5.1^Okoye"), "QAK", 2) == "OK"
    with transaction(runtime.pool) as session:
        kept = searching.search(session, Wanted(direction="in", type="QBP^Q22")).messages
    assert [one["state"] for one in kept] == ["done", "done"]
