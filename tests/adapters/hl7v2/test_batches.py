"""Batches, with every part of their envelope missing in turn."""

import pytest

from adapters.hl7v2 import batches
from adapters.hl7v2.batches import Found
from tests.adapters.hl7v2.wire import sample

ONE = b"MSH|^~\\&|L|K|H|M|2026||ADT^A08|1|P|2.5\rPID|||1\r"
TWO = ONE.replace(b"|1|P", b"|2|P")


def split(raw: bytes, size: int = 1 << 20) -> tuple[list[bytes], Found]:
    """The messages of `raw` read in pieces of `size`, and what was found beside them."""
    found = Found()
    return list(batches.split((raw[n : n + size] for n in range(0, len(raw), size)), found)), found


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize(
    "raw",
    [
        ONE + TWO,
        b"BHS|^~\\&\r" + ONE + TWO + b"BTS|2\r",
        b"\xef\xbb\xbfFHS|^~\\&\r\n" + ONE + b"\r\n" + TWO + b"FTS|1",
        b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + b"BTS|1\rBHS|^~\\&\r" + TWO + b"BTS|1\rFTS|2\r",
        b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r",
    ],
)
def test_messages_come_out_of_any_envelope_and_any_pieces(raw: bytes, size: int) -> None:
    """FHS, BHS, BTS and FTS may each be missing, and the pieces of a stream may end anywhere."""
    messages, found = split(raw, size)
    assert messages == [ONE, TWO]
    assert found.issues == []


def test_a_count_that_does_not_hold_is_reported() -> None:
    """The sample announces three messages and holds two."""
    messages, found = split(sample("batch"))
    assert len(messages) == 2
    assert [(issue.where, issue.value) for issue in found.issues] == [("BTS-1", "3")]


def test_one_message_is_no_batch() -> None:
    """Only an envelope or a second MSH makes a batch."""
    assert not batches.is_batch(ONE)
    assert batches.is_batch(ONE + TWO)
    assert batches.is_batch(b"\xef\xbb\xbfFHS|^~\\&")
    assert not batches.is_batch(b"hello")


def test_every_message_of_a_batch_is_answered_in_a_batch() -> None:
    """The answers stand between BHS and BTS with their count and the remark about the sender's count."""
    answer = batches.answer_all(sample("batch"), lambda message: b"MSH|^~\\&\rMSA|AA|%b\r" % message[60:63])
    lines = answer.decode().split("\r")
    assert lines[0].startswith("BHS|^~\\&|HUB|MOH|LAB|KIVU|")
    assert lines[0].endswith("|B1")
    assert [line[:3] for line in lines[1:5]] == ["MSH", "MSA", "MSH", "MSA"]
    assert lines[5] == "BTS|2|BTS-1 announces 3, and 2 came"


def test_lines_outside_any_message_are_taken_by_themselves() -> None:
    """A stray segment in a batch is handed on to be refused, and the messages around it are still read."""
    taken: list[bytes] = []
    answer = batches.answer_all(b"FHS|^~\\&\rPID|1\r" + ONE, lambda message: taken.append(message) or b"x\r")
    assert taken == [b"PID|1\r", ONE]
    assert answer.endswith(b"x\rx\rBTS|2\r")


def test_messages_without_an_envelope_are_answered_without_one() -> None:
    """Two messages in a row get two answers in a row; one message gets its own answer."""
    assert batches.answer_all(ONE + TWO, lambda _: b"x\r") == b"x\rx\r"
    assert batches.answer_all(ONE, lambda message: message) == ONE
