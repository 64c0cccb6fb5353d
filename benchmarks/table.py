"""One line per path: our rate, the ceiling measured in the same run, and the ratio of the two."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured. Rates are per second of `unit`; `beside` says what the ceiling is, `ran` what else ran."""

    path: str
    unit: str
    ours: float
    ceiling: float
    beside: str
    ran: str


def show(rows: list[Row]) -> None:
    """Print the rows."""
    table = Table(title="Rates beside their ceilings, one run", title_justify="left", header_style="bold")
    for name in ("path", "ours /s", "ceiling /s", "ratio", "ceiling is", "what ran"):
        table.add_column(name, justify="right" if "/s" in name or name == "ratio" else "left")
    for row in rows:
        ratio = f"{row.ours / row.ceiling:.2f}" if row.ceiling else "–"
        table.add_row(
            f"{row.path}\n({row.unit})", f"{row.ours:,.0f}", f"{row.ceiling:,.0f}", ratio, row.beside, row.ran
        )
    Console(width=150).print(table)
