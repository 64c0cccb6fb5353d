"""`tracker-hub demo`: two hubs, one day, every step checked."""

import shutil
import signal
from datetime import date

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hub import embedded
from hub.demo import screen
from hub.demo.people import make_day
from hub.demo.processes import PASSWORD, Gateway, HubProcess, Laboratory
from hub.demo.story import Failed, Story, tell


def run(keep: bool = False) -> int:
    """Run the demonstration; return 0 when every step's check held, else 1. `keep` leaves the two hubs running."""
    console = Console()
    folder = embedded.make_scratch()
    today = date.today()  # noqa: DTZ011 - the day where the demonstration is watched
    hubs = HubProcess("district", folder / "district"), HubProcess("national", folder / "national")
    gateway, laboratory = Gateway(), Laboratory()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        screen.show(console, _tell(console, hubs, gateway, laboratory, today))
        console.print("[bold green]Every step's check held.[/bold green]")
        if keep:
            _leave_running(console, hubs)
    except (Failed, RuntimeError, OSError, httpx.HTTPError) as error:
        console.print(f"[bold red]The demonstration failed:[/bold red] {error}", highlight=False)
        for hub in hubs:
            console.print(f"The log of the {hub.name} hub: {hub.log}", highlight=False)
        code = 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        code = 0 if keep else 130
    finally:
        for part in (*hubs, gateway, laboratory):
            part.stop()
    if code != 1:  # the logs of a failure are worth keeping
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _tell(
    console: Console,
    hubs: tuple[HubProcess, HubProcess],
    gateway: Gateway,
    laboratory: Laboratory,
    today: date,
) -> Story:
    visits = sum(len(visits) for visits in make_day(today).visits.values())
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f} visits")
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("starting", total=visits)
        story = Story(
            *hubs,
            gateway,
            laboratory,
            today,
            say=lambda title: progress.update(bar, description=title),
            advance=lambda count: progress.update(bar, advance=count),
        )
        tell(story)
        progress.update(bar, description="done")
    return story


def _leave_running(console: Console, hubs: tuple[HubProcess, HubProcess]) -> None:
    for hub in hubs:
        console.print(f"The {hub.name} hub: {hub.url} (MLLP on port {hub.mllp}), user admin, password {PASSWORD}")
    console.print("Ctrl-C stops both and removes their data.")
    signal.pause()
