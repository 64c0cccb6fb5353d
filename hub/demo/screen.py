"""What the demonstration shows: a bar while it runs, tables at its end."""

from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from hub.demo.sending import FORMATS
from hub.demo.story import Story

SHOWN_CASES = 8
SHOWN_BYTES = 1200


def show(console: Console, story: Story) -> None:
    """Print everything the story found, ending with why one reported number is what it is."""
    console.print(_messages(story))
    console.print(_people(story))
    console.print(_times(story))
    console.print(_delta(story))
    _show_why(console, story.found["why"])


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right")
    return table


def _messages(story: Story) -> Table:
    table = _table("What arrived", "format", "in", "accepted", "rejected")
    tally = story.tally
    for key, name in FORMATS.items():
        table.add_row(name, *(str(counter[key]) for counter in (tally.sent, tally.accepted, tally.rejected)))
    table.caption = "messages; rows for EMR files. One of each was broken on purpose: refused, told why, and kept."
    return table


def _people(story: Story) -> Table:
    counts = story.found["counts"]
    table = _table("What the hub understood", "", "count")
    rows = (
        ("visits in the day's four systems", sum(len(visits) for visits in story.day.visits.values())),
        ("persons after identity resolution", counts["persons"]),
        ("  of them known to two systems", story.day.known_twice),
        ("  registered twice and merged (ADT^A40)", counts["merged"]),
        ("possible duplicates for a person to decide", counts["possibleDuplicates"]),
        ("enrolled: malaria", counts["programs"].get("MALARIA_CASE", 0)),
        ("enrolled: tuberculosis", counts["programs"].get("TB_CASE", 0)),
        ("events", counts["events"]),
        ("visits planned", counts["planned"]),
        ("reminders handed to the SMS gateway", story.found["reminders"]),
        ("messages to the laboratory (ADT^A08, ORU^R01)", story.found["laboratory"]),
        ("values sent to the national hub and acknowledged", story.found["cells"]),
    )
    for label, count in rows:
        table.add_row(label, str(count))
    return table


def _times(story: Story) -> Table:
    table = _table("How long it took", "step", "seconds")
    for title, seconds in story.seconds.items():
        table.add_row(title, f"{seconds:.1f}")
    table.add_row("[bold]in all[/bold]", f"[bold]{sum(story.seconds.values()):.1f}[/bold]")
    return table


def _delta(story: Story) -> Table:
    table = _table("One case corrected late: what went out", "cell", "before", "after")
    for (element, unit, combo), before, after in story.found["delta"]:
        table.add_row(f"{element} · {unit} · {combo}", before, after)
    return table


def _show_why(console: Console, why: dict[str, Any]) -> None:
    element, unit, combo = why["key"]
    facts = why["facts"]
    table = _table(
        f"Why is {element} at {unit} ({combo}) {why['value']}? Its cases", "case", "person", "day", "message"
    )
    for fact in facts[:SHOWN_CASES]:
        origin = fact["origin"]
        came = f"{origin['message']}: {origin['type']} from {origin['peer']}, {origin['size']} bytes"
        table.add_row(f"{fact['kind']}/{fact['id']}", fact["person"], fact["day"], came)
    if len(facts) > SHOWN_CASES:
        table.caption = f"and {len(facts) - SHOWN_CASES} more"
    console.print(table)
    origin = facts[0]["origin"]
    text = why["body"].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    shown = text if len(text) <= SHOWN_BYTES else text[:SHOWN_BYTES] + f"\n… {len(text) - SHOWN_BYTES} more characters"
    title = f"The bytes of message {origin['message']}, sha256 {origin['digest'][:16]}…"
    console.print(Panel(Syntax(shown, "text", word_wrap=True, background_color="default"), title=title))
