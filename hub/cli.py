"""The command `tracker-hub`. Each command imports what it needs when it runs: `--help` is quick."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub import VERSION
from hub.binding_commands import bindings_app
from hub.emr import emr_app
from hub.guides.commands import fhir_app
from hub.hl7v2 import hl7v2_app
from hub.inputs import read_bytes, read_text
from hub.settings import Settings, describe, load
from hub.terms import terms_app
from tracker_core.errors import HubError, Malformed, NotFound, Unsupported

ABOUT = """Individual-level health records between EMRs, health information exchanges and national reporting.

\b
Try it:   tracker-hub serve --data hub-data     (then open http://127.0.0.1:8080)
          tracker-hub demo                      (one day of a district, between two hubs)

\b
Paths:    /fhir    FHIR R4                      /hl7v2   HL7v2 over HTTP
          /api     DHIS2 Tracker                /hub     administration
          /health/live  /health/ready           /metrics /

\b
Settings: a flag beats a variable, a variable beats the configuration file (--config, TRACKER_HUB_CONFIG, DIR/hub.toml;
          keys are the names below in lower case without TRACKER_HUB_). NAME_FILE=path reads the value from a file.
{settings}

\b
Exit:     0 done, 1 the result holds errors, 2 a wrong request or a wrong world: one line on stderr says which.
"""

app = typer.Typer(
    help=ABOUT.format(settings="\n".join(f"          {line}" for line in describe().splitlines())),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
mappings_app = typer.Typer(help="Look at the mapping tables.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(mappings_app, name="mappings")
app.add_typer(bindings_app, name="bindings")
app.add_typer(terms_app, name="terms")
app.add_typer(hl7v2_app, name="hl7v2")
app.add_typer(fhir_app, name="fhir")
app.add_typer(emr_app, name="emr")

Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Data folder, made when absent.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", metavar="URL", help="External PostgreSQL (15 or newer).")
]
RedisUrl = Annotated[str | None, typer.Option("--redis-url", metavar="URL", help="Redis for Celery workers.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file (TOML).")]


def main() -> None:
    """Run the command line; end the process with its exit code."""
    try:
        app()
    except HubError as error:
        place = f"{error.where}: " if error.where else ""
        sys.stderr.write(f"tracker-hub: {place}{error.detail}\n")
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"tracker-hub: {error.filename}: {error.strerror}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"Tracker Hub {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def _settings(config: Path | None, **flags: str | None) -> Settings:
    return load(flags, os.environ, config)


@app.command()
def serve(
    data: Data = None,
    http: Annotated[str | None, typer.Option("--http", metavar="HOST:PORT", help="Where to serve HTTP.")] = None,
    mllp: Annotated[str | None, typer.Option("--mllp", metavar="HOST:PORT", help="Where to serve MLLP.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="all, api (no MLLP, no worker) or mllp.")] = None,
    database_url: DatabaseUrl = None,
    redis_url: RedisUrl = None,
    config: Config = None,
) -> None:
    """Run a hub: database, HTTP, MLLP and worker in one process."""
    settings = _settings(
        config, data=data, http=http, mllp=mllp, role=role, database_url=database_url, redis_url=redis_url
    )
    from hub.serve import serve as run

    run(settings)


@app.command()
def worker(
    database_url: DatabaseUrl = None,
    redis_url: RedisUrl = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Messages sent at the same time.")] = 4,
    config: Config = None,
) -> None:
    """Run a worker process of a split installation: Celery's when a Redis is set."""
    settings = _settings(config, database_url=database_url, redis_url=redis_url)
    from hub.queue.workers import run_worker

    run_worker(settings, concurrency)


@app.command()
def beat(redis_url: RedisUrl = None, config: Config = None) -> None:
    """Run the clock of Celery workers: exactly one per installation."""
    settings = _settings(config, redis_url=redis_url)
    from hub.queue.workers import run_beat

    run_beat(settings)


@app.command()
def health(
    process: Annotated[
        str | None, typer.Option("--process", metavar="KIND", help="worker or beat of this machine.")
    ] = None,
    http: Annotated[str | None, typer.Option("--http", metavar="HOST:PORT", help="Where the hub serves HTTP.")] = None,
    config: Config = None,
) -> None:
    """Tell whether a running hub is ready (exit 0) or not (exit 1): for container health checks."""
    from hub.queue import pulse
    from hub.ready import ask

    if process:
        if process not in pulse.PROCESSES:
            raise Malformed(f"--process is {' or '.join(pulse.PROCESSES)}, not {process!r}")
        shown = pulse.is_shown(process)
        typer.echo(f"{process}: {'up' if shown else 'has shown no sign of life within the last minute'}")
        raise typer.Exit(0 if shown else 1)
    ready, text = ask(_settings(config, http=http).http)
    typer.echo(text)
    raise typer.Exit(0 if ready else 1)


@app.command()
def migrate(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Bring the database to the newest schema; serve does so by itself."""
    settings = _settings(config, data=data, database_url=database_url)
    from hub.database import database, prepare

    with database(settings, shared=True) as url:
        prepare(url)
    typer.echo("the schema is up to date")


@app.command()
def password(
    username: Annotated[str, typer.Argument(help="Whose password.")] = "admin",
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Set a user's password, asked for or read from a pipe; works while the hub runs."""
    settings = _settings(config, data=data, database_url=database_url)
    from hub.database import session_on
    from tracker_core import users

    if sys.stdin.isatty():
        chosen = typer.prompt(f"New password of {username}", hide_input=True, confirmation_prompt=True)
    else:
        chosen = sys.stdin.readline().rstrip("\n")
    with session_on(settings) as session:
        users.set_password(session, username, chosen)
    typer.echo(f"the password of {username} is set")


@app.command()
def demo(keep: Annotated[bool, typer.Option("--keep", help="Leave the two hubs running.")] = False) -> None:
    """One day of a district through every format, between two hubs."""
    from hub.demo.run import run

    raise typer.Exit(run(keep=keep))


@mappings_app.command()
def check(
    overlay: Annotated[
        Path | None, typer.Argument(help="Folder of tables to lay over the built-in ones, or one table of an EMR file.")
    ] = None,
) -> None:
    """Load every mapping table, overlaid or not, and tell what is there, or the file and line that does not fit."""
    import mappings
    from adapters.emr import tables

    if overlay and overlay.is_file():
        try:
            found = tables.compile_layout(read_text(overlay), overlay.name, str(overlay.parent)).table
        except mappings.BadRow as bad:
            raise Malformed(str(bad)) from bad
        typer.echo(f"{len(found.rules)} rows over {len(found.columns)} columns: all fit together")
        return
    if overlay and not overlay.is_dir():
        raise NotFound(f"there is no folder {overlay}")
    try:
        loaded = mappings.load([overlay] if overlay else [])
    except mappings.BadRow as bad:
        raise Malformed(str(bad)) from bad
    parts = {
        "segment and type tables": len(loaded.tables) + len(loaded.types),
        "message structures": len(loaded.structures),
    }
    parts["concept maps"] = len(loaded.concepts)
    parts["tables of EMR files"] = tables.check_all()
    typer.echo(", ".join(f"{count} {what}" for what, count in parts.items()) + ": all fit together")


@mappings_app.command()
def coverage(
    source: Annotated[str, typer.Argument(metavar="FORMAT", help="hl7v2")],
    guide: Annotated[Path | None, typer.Option(help="Folder of the v2-to-FHIR guide's maps as CSV.")] = None,
    segments: Annotated[str, typer.Option(help="Only these segments: PID,PV1,OBX")] = "",
    missing: Annotated[bool, typer.Option("--missing", help="List the rows that are not mapped, and why.")] = False,
) -> None:
    """Tell how many rows of the official segment maps the tables declare, and which were decided against.

    The maps are HL7's: the CSV files of the v2-to-FHIR guide (github.com/HL7/v2-to-fhir, folder mappings), of which
    FOLDER/segments/*.csv are read.
    """
    import mappings
    from mappings.coverage import declared

    if source != "hl7v2":
        raise Unsupported(f"there is no official map for {source}")
    if guide is None:
        what = "HL7's v2-to-FHIR guide (github.com/HL7/v2-to-fhir, folder mappings)"
        raise NotFound(f"--guide DIR is needed: a folder with the segment maps of {what} as segments/*.csv")
    try:
        found = declared(mappings.load(), guide, segments.split(",") if segments else ())
    except FileNotFoundError as absent:
        raise NotFound(str(absent)) from absent
    for one in found:
        prose = f"  {len(one.manual)} by prose only" if one.manual else ""
        against = f"  {len(one.against)} decided against" if one.against else ""
        typer.echo(f"{one.map:34} {one.covered:4} of {one.rows:4}{against}{prose}")
        for name in one.missing if missing else ():
            typer.echo(f"    {name}")
        for name, reason in one.against if missing else ():
            typer.echo(f"    {name}: {reason}")
    rows = sum(one.rows for one in found)
    covered = sum(one.covered for one in found)
    against_all = sum(len(one.against) for one in found)
    decided = f", {against_all} decided against" if against_all else ""
    typer.echo(f"{'all':34} {covered:4} of {rows:4}  {covered / max(rows, 1):.0%}{decided}")


@app.command()
def convert(
    source: Annotated[str, typer.Option("--from", metavar="FORMAT", help="What the input is: hl7v2, fhir, emr …")],
    target: Annotated[str, typer.Option("--to", metavar="FORMAT", help="What to make of it.")],
    file: Annotated[Path | None, typer.Argument(help="The input; standard input when absent.")] = None,
    type_: Annotated[str, typer.Option("--type", help="Message type of the target, ADT^A08 …")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Convert a message from one format to another; issues go to stderr, nothing is stored.

    To and from the tracker (--to tracker, --from dhis2) it asks the programs of the hub in --data or --database-url.
    """
    from hub import trying
    from hub.convert import convert as run
    from hub.registry import ADAPTERS

    raw = read_bytes(file) if file else sys.stdin.buffer.read()
    if trying.needs_a_hub(source, target):
        from hub.database import session_on

        with session_on(_settings(config, data=data, database_url=database_url)) as session:
            result = trying.convert(session, ADAPTERS, raw, source, target, type=type_)
    else:
        result = run(ADAPTERS, raw, source, target, type=type_)
    sys.stdout.buffer.write(result.body)
    for issue in result.issues:
        typer.echo(f"{issue.severity} {issue.code} {issue.where} {issue.text}", err=True)
    raise typer.Exit(1 if any(issue.severity == "error" for issue in result.issues) else 0)
