"""How fast ER7 text becomes segments and fields, beside the PyPI `hl7` package on the same messages in the same run.

`python -m benchmarks.er7`: one core, no database. "Read" also splits and decodes five fields of each clinical segment.
"""

import time
from collections.abc import Callable
from pathlib import Path

import hl7
from rich.console import Console
from rich.table import Table

from adapters.hl7v2 import charset
from mappings import er7
from mappings.er7 import Message

SAMPLES = Path(__file__).parent.parent / "tests" / "adapters" / "hl7v2" / "samples"
READ = {"PID": (3, 5, 7, 8, 11), "PV1": (2, 3, 7, 19, 44), "OBR": (2, 3, 4, 7, 25), "OBX": (2, 3, 5, 6, 11)}
SECONDS = 1.0


def rate(work: Callable[[bytes], object], raw: bytes) -> float:
    """Return how often `work` is done with `raw` in a second: the best of three rounds."""
    best = 0.0
    for _ in range(3):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS / 3:
            for _ in range(50):
                work(raw)
            count += 50
        best = max(best, count / (time.perf_counter() - start))
    return best


def parse(raw: bytes) -> Message:
    """Parse, charset included."""
    return charset.parse_message(raw)[0]


def read(raw: bytes) -> None:
    """Parse, then split and decode what a mapping commonly asks for."""
    message = parse(raw)
    for segment in message.segments:
        for field in READ.get(segment[0], ()):
            er7.split_field(er7.get(segment, field), message.encoding)


def settle(raw: bytes) -> bytes:
    """Parse and render."""
    return charset.render_message(parse(raw))


def by_the_package(raw: bytes) -> object:
    """Parse with the other library."""
    return hl7.parse(raw.decode())


def main() -> None:
    """Measure and print."""
    table = Table(title="ER7, messages per second on one core", header_style="bold")
    for name in ("message", "bytes", "parsed", "parsed and read", "parsed and rendered", "hl7 package", "ratio"):
        table.add_column(name, justify="left" if name == "message" else "right")
    for name in ("adt_a01", "oru_r01"):
        raw = (SAMPLES / f"{name}.hl7").read_bytes()
        ours, theirs = rate(parse, raw), rate(by_the_package, raw)
        figures = (ours, rate(read, raw), rate(settle, raw), theirs)
        table.add_row(name, str(len(raw)), *(f"{figure:,.0f}" for figure in figures), f"{ours / theirs:,.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
