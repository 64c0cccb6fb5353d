"""How fast messages become records and records messages, without database: `python -m benchmarks.mappings`, one core.

The targets are 3,000 ordinary ADT and 1,000 ORU a second. Measured on two shared cores, Python 3.11, in this order of
columns (records of the message; read, with parsing; written; segments written back without a change, each):

    adt_small    183 bytes     4 records     8,000 /s    3,300 /s
    adt-a01    1,120 bytes    11 records     1,700 /s      850 /s
    oru-r01    1,430 bytes    26 records     1,000 /s      500 /s
    vxu-v04      460 bytes     6 records     4,200 /s    2,000 /s
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mappings import Mappings, Profile, load, read_message, structure_of, write_message, write_segment
from mappings.er7 import Message, parse
from mappings.grouping import place
from mappings.places import Doc
from mappings.reading import scope_of

SAMPLES = Path(__file__).parent.parent / "tests" / "samples" / "hl7v2"
SMALL = """MSH|^~\\&|PAS|LAKESIDE|||20240301101500+0300||ADT^A08|A1|P|2.5.1
PID|1||4711^^^LAKESIDE^MR||Otieno^Achieng||19880517|F|||12 Palm Rd^^Kisumu^^40100
PV1|1|O|W3^12||||77^Mwangi^Peter
"""
PROFILE = Profile(domain="pas")
ROUNDS = 7


def rate(work: Callable[[], object], times: int) -> float:
    """Return how often `work` is done in a second: the median of some rounds."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(times):
            work()
        found.append(times / (time.perf_counter() - start))
    return statistics.median(found)


def quiet(tables: Mappings, message: Message) -> Callable[[], int]:
    """Return the work of writing every segment back as it was read; it gives the number of segments."""
    pieces = []
    for placed in place(tables.structures[structure_of(tables, message)], message.segments):
        for feed in placed.slot.feeds if placed.slot else ():
            record: Doc = {"resourceType": feed.type}
            segment = message.segments[placed.index]
            feed.table.read(segment, record, scope_of(message, PROFILE))
            pieces.append((feed.table, segment, record))

    def work() -> int:
        for table, segment, record in pieces:
            write_segment(table, list(segment), record, scope_of(message, PROFILE), {})
        return len(pieces)

    return work


def main() -> None:
    """Measure and print."""
    shown = Table(title="Mappings, per second on one core", header_style="bold")
    for name in ("message", "bytes", "records", "read /s", "written /s", "segments unchanged /s"):
        shown.add_column(name, justify="left" if name == "message" else "right")
    tables = load()
    texts = {"adt_small": SMALL, **{path.stem: path.read_text("utf-8") for path in sorted(SAMPLES.glob("*.hl7"))}}
    for name, text in texts.items():
        message = parse(text)
        changes, _ = read_message(tables, message, PROFILE)
        records = {c.name: {**c.defaults, **c.document} for c in changes if c.document and isinstance(c.document, dict)}
        structure, unchanged = structure_of(tables, message), quiet(tables, message)
        figures = (
            rate(lambda text=text: read_message(tables, parse(text), PROFILE), 200),  # type: ignore[misc] # bound now
            rate(lambda s=structure, r=records: write_message(tables, s, r, PROFILE), 50),  # type: ignore[misc] # bound now
            rate(unchanged, 20) * unchanged(),
        )
        shown.add_row(name, str(len(text)), str(len(changes)), *(f"{figure:,.0f}" for figure in figures))
    Console(width=120).print(shown)


if __name__ == "__main__":
    main()
