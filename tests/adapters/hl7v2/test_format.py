"""What messages say of themselves, and which are not taken in."""

from datetime import UTC, datetime

import pytest

from adapters.contract import Envelope, Sender
from adapters.hl7v2 import ADAPTER
from mappings import er7
from tests.adapters.hl7v2.wire import SAMPLES, sample
from tracker_core.context import Peer
from tracker_core.errors import HubError, Malformed, Unsupported
from tracker_core.issues import Report

SENDER = Sender(Peer(1, "LAB|KIVU", "", "hl7v2", None, {}), datetime(2026, 3, 5, tzinfo=UTC))
MLLP = Envelope("application/hl7-v2")
HEAD = b"MSH|^~\\&|LAB|KIVU|HUB|MOH|20260305||%b|%b|P|%b\rPID|||1^^^K\r"


@pytest.mark.parametrize(
    ("name", "type", "control_id"),
    [("adt_a01", "ADT^A01", "S-A01"), ("oru_r01", "ORU^R01", "S-R01"), ("adt_a40", "ADT^A40", "S-A40")],
)
def test_a_message_is_known_by_sender_and_control_id(name: str, type: str, control_id: str) -> None:
    """Type, control id, the key of repeats, and the patient as lane."""
    identity = ADAPTER.identify(sample(name), MLLP)
    assert (identity.type, identity.control_id) == (type, control_id)
    assert identity.dedup == f"CLINIC|KIVU-HC|{control_id}"
    assert identity.lane == "P-1001^KIVU-HC"


@pytest.mark.parametrize("raw", [b"", b"hello", b"MSH", b"MSH|&&&&|", b"\xff\xfe\x00", b"FHS|^~\\&\rMSH|^~\\&|"])
def test_identify_never_raises(raw: bytes) -> None:
    """Whatever the bytes, there is an identity, and without control id no key."""
    assert ADAPTER.identify(raw, MLLP).dedup == ""


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.hl7")), ids=lambda path: path.stem)
def test_the_samples_are_taken_in_without_loss(path: SAMPLES.__class__) -> None:
    """Every sample parses, and renders as it was but for its line ends."""
    document = ADAPTER.parse(path.read_bytes(), MLLP)
    for part in document.parts:
        text = part.raw.decode(part.message.encoding.charset)
        assert er7.render(part.message) == text.replace("\r\n", "\r").replace("\n", "\r")


def test_a_batch_is_several_messages() -> None:
    """Both messages are parsed, and the wrong count is an issue."""
    document = ADAPTER.parse(sample("batch"), MLLP)
    assert len(document.parts) == 2
    assert [issue.code for issue in document.issues] == ["batch-count"]
    assert ADAPTER.identify(sample("batch"), MLLP).type == "batch"


@pytest.mark.parametrize(
    ("type", "control_id", "version", "error", "where", "condition"),
    [
        ("", "1", "2.5", Malformed, "MSH-9", "101"),
        ("ADT^A08", "", "2.5", Malformed, "MSH-10", "101"),
        ("ADT^A08", "1", "3", Unsupported, "MSH-12", "203"),
        ("EAN^U09", "1", "2.5", Unsupported, "MSH-9.1", "200"),
        ("ADT^A17", "1", "2.5", Unsupported, "MSH-9.2", "201"),
        ("ADT", "1", "2.5", Unsupported, "MSH-9.2", "201"),
    ],
)
def test_what_is_not_taken_in_is_refused_with_its_place(
    type: str, control_id: str, version: str, error: type[HubError], where: str, condition: str
) -> None:
    """Each refusal is AR with the place and the condition of table 0357, and names what is offered."""
    raw = HEAD % (type.encode(), control_id.encode(), version.encode())
    with pytest.raises(error) as caught:
        ADAPTER.read(ADAPTER.parse(raw, MLLP), SENDER)
    assert caught.value.where == where
    answer = er7.parse(ADAPTER.answer(raw, MLLP, Report(rejected=True), caught.value).decode())
    assert answer.segments[1][1] == "AR"
    assert answer.segments[2][3].startswith(f"{condition}^")


def test_an_acknowledgement_is_never_acknowledged() -> None:
    """An ACK that arrives as a message is a receipt, and has no answer, whatever came of it."""
    raw = HEAD % (b"ACK^A08^ACK", b"1", b"2.5")
    assert len(ADAPTER.parse(raw, MLLP).parts) == 1
    assert ADAPTER.answer(raw, MLLP, Report(), None) == ADAPTER.answer(raw, MLLP, Report(), Unsupported("x")) == b""


def test_silence_is_kept_only_where_it_is_agreed() -> None:
    """MSH-15 and 16 NE are obeyed in enhanced mode, and answered all the same by default."""
    raw = b"MSH|^~\\&|LAB|KIVU|HUB|MOH|20260305||ADT^A08|1|P|2.5|||NE|NE\r"
    assert ADAPTER.answer(raw, Envelope(parameters={"acks": "enhanced"}), Report(), None) == b""
    assert b"MSA|AA|1" in ADAPTER.answer(raw, MLLP, Report(), None)


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope('application/hl7-v2; charset="iso-8859-1"'),
        Envelope(parameters={"charset": "8859/1"}),
    ],
)
def test_the_request_can_name_the_charset(envelope: Envelope) -> None:
    """A message without MSH-18 is read in the set that came with it."""
    raw = HEAD % (b"ADT^A08", b"1", b"2.5") + "PD1|Noël".encode("iso8859-1")
    part = ADAPTER.parse(raw, envelope).parts[0]
    assert part.message.segments[2][1] == "Noël"
    assert part.issues == ()
    assert ADAPTER.parse(raw, Envelope("text/plain; format=flowed")).parts[0].issues
