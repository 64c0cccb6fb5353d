"""What holds for any bytes that come as HL7 v2, on a wire or as a message; `make fuzz` looks for bytes that break it.

Run as a script this is a fuzzer led by the branches that its inputs reach (atheris, libFuzzer): first of the codec, or
with `wire` as its first argument of the framing. Further arguments are libFuzzer's. A crash, an input that takes longer
than five seconds and more than 1 GiB of memory end it with the input in a file.
"""

import sys
from collections.abc import Callable

from adapters.contract import Envelope
from adapters.hl7v2.format import answer, identify, parse
from adapters.hl7v2.framing import KEPT, Deframer, Piece
from mappings import er7
from tracker_core.errors import HubError
from tracker_core.issues import Report

ENVELOPE = Envelope("application/hl7-v2")
LIMIT = 512
BOUNDS = ("-timeout=5", "-rss_limit_mb=1024", "-max_len=4096")


def check_codec(data: bytes) -> None:
    """Bytes are read or refused in the hub's words, always answered, and what was read is written stably."""
    identify(data, ENVELOPE)
    error: HubError | None = None
    try:
        document = parse(data, ENVELOPE)
    except HubError as refused:
        error = refused
    else:
        for part in document.parts:
            once = er7.render(part.message)
            again = er7.parse(once)
            assert er7.render(again) == once
            for segment in again.segments:
                for field in segment[1:]:
                    er7.unescape(field, again.encoding)
    answer(data, ENVELOPE, Report(rejected=error is not None), error)


def check_wire(data: bytes) -> None:
    """However a stream is cut, the same blocks come out of it, and no more than the limit is held."""
    size, stream = data[0] % 64 + 1 if data else 1, data[1:]
    whole, cut = Deframer(LIMIT), Deframer(LIMIT)
    expected = blocks(whole.feed(stream))
    found: list[bytes] = []
    for n in range(0, len(stream), size):
        found += blocks(cut.feed(stream[n : n + size]))
        assert len(cut.buffer) <= max(KEPT, LIMIT)
    assert found == expected
    assert all(len(one) <= LIMIT for one in found)


def blocks(pieces: list[Piece]) -> list[bytes]:
    """Return the messages among the pieces."""
    return [piece.data for piece in pieces if piece.kind == "frame"]


CHECKS: dict[str, Callable[[bytes], None]] = {"codec": check_codec, "wire": check_wire}


def main() -> None:
    """Look for bytes that break a check."""
    import atheris

    name, *arguments = sys.argv[1:]
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *BOUNDS, *arguments], CHECKS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
