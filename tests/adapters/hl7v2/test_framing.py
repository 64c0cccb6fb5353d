"""MLLP blocks out of bytes that come in any pieces."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.framing import KEPT, Deframer, frame


def pieces(*chunks: bytes, limit: int = 1000) -> list[tuple[str, bytes]]:
    """What comes out of `chunks`, and is left at their end."""
    frames = Deframer(limit)
    found = [piece for chunk in chunks for piece in frames.feed(chunk)]
    return [(piece.kind, piece.data) for piece in [*found, *frames.leftover()]]


def test_junk_before_a_block_is_told_apart() -> None:
    """Bytes before VT are junk; white space and a missing CR between blocks are nothing."""
    assert pieces(b"hello\x0ba\x1c\x0bb\x1c\r\n \x0bc\x1c\r") == [
        ("junk", b"hello"),
        ("frame", b"a"),
        ("frame", b"b"),
        ("frame", b"c"),
    ]


def test_a_block_that_begins_again_or_never_ends_is_a_fragment() -> None:
    """VT inside a block begins a new one, and the end of the connection leaves the rest."""
    assert pieces(b"\x0bhalf\x0b\x0bwhole\x1c\r\x0bend") == [
        ("fragment", b"half"),
        ("frame", b"whole"),
        ("fragment", b"end"),
    ]


def test_an_oversize_block_is_cut_and_the_next_one_is_whole() -> None:
    """Beyond the limit only the beginning is held, however long the block, and the size is counted."""
    frames = Deframer(KEPT * 2)
    assert frames.feed(b"\x0b" + b"x" * KEPT) == []
    for _ in range(40):
        assert frames.feed(b"y" * KEPT) == []
        assert len(frames.buffer) <= KEPT * 2
    over, after = frames.feed(b"z\x1c\r\x0bnext\x1c\r")
    assert (over.kind, over.size, over.data) == ("oversize", KEPT * 41 + 1, b"x" * KEPT)
    assert (after.kind, after.data) == ("frame", b"next")


def test_endless_junk_is_reported_before_it_ends() -> None:
    """Junk is not collected without bound: what exceeds 64 KiB comes out at once."""
    frames = Deframer()
    (junk,) = frames.feed(b"G" * (KEPT + 1))
    assert (junk.kind, junk.size, len(junk.data)) == ("junk", KEPT + 1, KEPT)
    assert frames.leftover() == []


@given(st.lists(st.binary(max_size=40).map(lambda b: b.translate(None, b"\x0b\x1c")), max_size=5), st.data())
def test_blocks_do_not_depend_on_how_they_arrive(messages: list[bytes], data: st.DataObject) -> None:
    """Whatever the TCP segments, the same messages come out, down to one byte at a time."""
    stream = b"".join(frame(message) for message in messages)
    size = data.draw(st.integers(1, max(len(stream), 1)))
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert pieces(*chunks) == [("frame", message) for message in messages]
