"""Messages that are processed together: all is as if each had been processed by itself, one after the other."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adapters.contract import Envelope
from hub import flow
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.together import process_together
from tracker_core import identity, metadata, peers
from tracker_core.database import Apart, Pool, Rollback, Session, transaction
from tracker_core.messages import Message

ENVELOPE = Envelope("application/hl7-v2")
PEOPLE = ("Okello^Anna", "Okello^Ana", "Banda^Joseph", "Mensah^Kofi")

HEAD = "MSH|^~\\&|LAB|{peer}|HUB|MOH|20260302133100+0200||{type}|{id}|P|2.5.1\r"
PERSON = "PID|1||{mrn}^^^{peer}^MR{more}||{name}||19{year}0712|{sex}\r"


def _message(draw: st.DrawFn, number: int) -> bytes:
    """Some message about one of a few patients, with a doctor that several of them share."""
    who = draw(st.integers(0, 3))
    peer = draw(st.sampled_from(("CLINIC1", "CLINIC2")))
    kind = draw(st.sampled_from(("ADT^A08", "ORU^R01", "ORU^R01", "ADT^A01", "ADT^A40")))
    more = draw(st.sampled_from(("", "", f"~N{who}^^^NID^NI", "~N0^^^NID^NI")))
    values = {"peer": peer, "type": kind, "id": f"M{number}", "mrn": f"P{who}", "more": more, "name": PEOPLE[who]}
    values |= {"year": str(70 + who // 2), "sex": draw(st.sampled_from("FM"))}
    doctor = draw(st.sampled_from(("", "D1^Doe^Jane", "D1^Doe^Janet", "D2^Roe^Jo")))
    text = (HEAD + PERSON).format(**values)
    if kind == "ADT^A40":
        return (text + f"MRG|P{draw(st.integers(0, 3))}^^^{peer}^MR\r").encode()
    visit = draw(st.integers(1, 2))
    text += f"PV1|1|O|OPD^^^{peer}||||{doctor}||||||||||||V{who}{visit}^^^{peer}^VN\r"
    if kind == "ORU^R01":
        order = draw(st.integers(1, 3))
        status = draw(st.sampled_from("FC"))
        text += f"OBR|1||R{order}^LAB|34566-0^Results^LN|||202603021331|||||||||{doctor}||||||202603021331|||{status}\r"
        text += f"OBX|1|NM|8310-5^^LN||3{draw(st.integers(6, 9))}.5|Cel^^UCUM|||||{status}|||202603021331\r"
    return text.encode()


@st.composite
def batches(draw: st.DrawFn) -> list[list[bytes]]:
    """A few batches of messages; a person may come in several of them."""
    sizes = draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    numbers = iter(range(100))
    return [[_message(draw, next(numbers)) for _ in range(size)] for size in sizes]


@pytest.fixture
def opened(pool: Pool) -> Iterator[Session]:
    """A session on a database of two clinics who share the national id, undone at the end."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        for code in ("CLINIC1", "CLINIC2"):
            peers.save(session, code, "hl7v2", actor="test")
        identity.trust(session, ["urn:id:NID"])
        yield session


def _kept(session: Session, runtime: Runtime, batch: Sequence[bytes]) -> list[Message]:
    known = {code: peers.ensure(session, code, "hl7v2") for code in ("CLINIC1", "CLINIC2")}
    sent = [(known["CLINIC1" if b"CLINIC1" in raw else "CLINIC2"], raw) for raw in batch]
    return flow.receive(session, [flow.arrival_of(runtime, peer, raw, ENVELOPE, "test") for peer, raw in sent])


def _apart(session: Session, runtime: Runtime, batch: Sequence[Message]) -> list[Message]:
    for message in batch:
        with session.transaction():
            flow.process(session, runtime, message)
    return list(batch)


def _together(session: Session, runtime: Runtime, batch: Sequence[Message]) -> list[Message]:
    """Process as workers do; return the messages in the order that this amounts to."""
    ended: set[int] = set()
    try:
        with session.transaction():
            ended = set(process_together(session, runtime, batch))
    except Apart:
        event("apart")
    event(f"{len(ended)} of {len(batch)} together")
    first = [message for message in batch if message.id in ended]
    return first + _apart(session, runtime, [message for message in batch if message.id not in ended])


# What is compared: the columns that hold keys, and the query
_MADE = "join change_set c on c.id = {} join message m on m.id = c.message"
ROWS: dict[str, tuple[tuple[int, ...], str]] = {
    "person": (
        (0, 3),
        (
            f"select t.pk, m.control_id, u.name, t.merged_into from tracked_entity t {_MADE.format('t.created_in')}"
            " join org_unit u on u.pk = t.org_unit order by t.pk"
        ),
    ),
    "record": (
        (0, 6),
        (
            "select r.pk, m.control_id, r.type, r.id, r.version, r.deleted, r.subject, r.source, cardinality(r.tokens)"
            f" from record r {_MADE.format('r.created_in')} order by r.pk"
        ),
    ),
    "touch": ((0,), f"select r.pk, m.control_id from record r {_MADE.format('r.updated_in')}"),
    "version": (
        (0,),
        f"select v.pk, v.version, m.control_id, v.deleted, v.doc from record_version v {_MADE.format('v.change_set')}",
    ),
    "string": ((0,), "select pk, param, value from record_string"),
    "date": ((0,), "select pk, param, lo, hi from record_date"),
    "number": ((0,), "select pk, param, unit, value from record_number"),
    "facts": ((0, 1), "select record, person, family, given, birth_date, sex from person_facts"),
    "key": ((0,), "select record, key from person_key"),
    "double": (
        (0, 1),
        "select d.original, d.duplicate, d.score, d.status, d.reasons, m.control_id from potential_duplicate d "
        + _MADE.format("d.created_in"),
    ),
    "change": (
        (0, 1),
        f"select x.target, x.subject, x.kind, x.action, m.control_id from change x {_MADE.format('x.change_set')}",
    ),
    "message": ((), "select control_id, state, report from message"),
}
STAMP = re.compile(rb'"lastUpdated":"[^"]*"|"updated":"[^"]*"')


def _state(session: Session) -> dict[str, list[Any]]:
    """Everything the messages left, its keys and ids replaced by the message that made it and a number in that."""
    found = {name: session.execute(sql.encode()).fetchall() for name, (_, sql) in ROWS.items()}
    labels: dict[Any, str] = {}
    for kind in ("person", "record"):
        counted: dict[str, int] = {}
        for pk, maker, *rest in found[kind]:
            counted[maker] = counted.get(maker, 0) + 1
            labels[pk] = f"{kind} {maker}.{counted[maker]}"
            if kind == "record":
                labels[rest[1]] = labels[pk]
    uids = dict(session.execute("select uid, pk from tracked_entity").fetchall())
    labels |= {uid: labels[pk] for uid, pk in uids.items()}
    return {name: sorted(repr(_plain(row, ROWS[name][0], labels)) for row in rows) for name, rows in found.items()}


def _plain(row: Sequence[Any], keys: Sequence[int], labels: dict[Any, str]) -> list[Any]:
    return [labels.get(value, value) if n in keys else _labelled(value, labels) for n, value in enumerate(row)]


def _labelled(value: Any, labels: dict[Any, str]) -> Any:
    if isinstance(value, dict | list):
        value = orjson.dumps(value)
    if isinstance(value, bytes):
        text = STAMP.sub(b"", value).decode()
        return re.sub(r"[A-Za-z0-9]{11}", lambda match: labels.get(match[0], match[0]), text)
    return labels.get(value, value) if isinstance(value, str) else value


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=batches())
def test_together_is_as_one_after_the_other(opened: Session, pool: Pool, wanted: list[list[bytes]]) -> None:
    """Records and their versions, persons, suspicions, the log and the messages' ends are the same."""
    runtime = Runtime(pool=pool, adapters=ADAPTERS)
    order: list[list[bytes]] = []
    states: list[dict[str, list[Any]]] = []
    with opened.transaction() as attempt:
        for batch in wanted:
            messages = _together(opened, runtime, _kept(opened, runtime, batch))
            order.append([message.body or b"" for message in messages])
        states.append(_state(opened))
        raise Rollback(attempt)
    with opened.transaction() as attempt:
        for batch in order:
            _apart(opened, runtime, _kept(opened, runtime, batch))
        states.append(_state(opened))
        raise Rollback(attempt)
    for name, rows in states[0].items():
        assert rows == states[1][name]
