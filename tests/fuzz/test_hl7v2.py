"""The checks that fuzzing goes by hold for real messages, and for what is left of them in the middle."""

from pathlib import Path

import pytest

from adapters.hl7v2.framing import frame
from tests.fuzz.hl7v2 import check_codec, check_wire

SAMPLES = sorted((Path(__file__).parent.parent / "adapters" / "hl7v2" / "samples").glob("*.hl7"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_whole_and_broken_messages(path: Path) -> None:
    """A message, each of its beginnings, and the message with one byte turned around."""
    raw = path.read_bytes()
    check_codec(raw)
    for n in range(0, len(raw), 7):
        check_codec(raw[:n])
        check_codec(raw[:n] + bytes([raw[n] ^ 0x55]) + raw[n + 1 :])


def test_streams() -> None:
    """Blocks one behind the other, with rubbish between them, within them and in place of them."""
    stream = frame(b"MSH|^~\\&|A") + b"rubbish" + frame(b"x" * 600) + b"\x0bhalf" + frame(b"MSH|^~\\&|B") + b"\x1c\x0b"
    for size in range(64):
        check_wire(bytes([size]) + stream)
