"""The commands `tracker-hub emr …`: files of EMRs from the command line."""

import getpass
import os
import secrets
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hub.inputs import read_bytes
from hub.settings import load
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.imports import Import

emr_app = typer.Typer(help="Files of EMRs: import, results, export.", no_args_is_help=True, rich_markup_mode=None)

Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Data folder of the hub.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", metavar="URL", help="External PostgreSQL.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file (TOML).")]
PeerCode = Annotated[str, typer.Option("--peer", metavar="CODE", help="The EMR that the rows are of.")]


@emr_app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="One file of rows, or the files of a set: a zip, a folder.")],
    peer: PeerCode,
    table: Annotated[str, typer.Option(help="The mapping table, where it is not the peer's.")] = "",
    result: Annotated[Path | None, typer.Option(help="Where to write the result file, - for standard output.")] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Import a file of any size, in chunks; after a crash the same command goes on where it was."""
    for file in files:
        if not file.exists():
            raise NotFound(f"there is no file {file}")
    from adapters.contract import Envelope
    from hub.database import database
    from hub.imports import cut_files, work_off_all
    from hub.registry import ADAPTERS
    from hub.runtime import Runtime
    from tracker_core import imports, peers
    from tracker_core.database import open_pool, transaction

    settings = load({"data": data, "database_url": database_url}, os.environ, config)
    with database(settings, shared=True) as url:
        pool = open_pool(url, size=2)
        try:
            with transaction(pool) as session:
                sender = peers.read(session, peer)
            envelope = Envelope(parameters={"table": table} if table else {})
            found = cut_files(Runtime(pool, ADAPTERS), sender, files, envelope, "command line")
            work_off_all(url, found)
            with transaction(pool) as session:
                done = imports.progress(session, found.id)
                if result:
                    _write_result(session, found, result)
        finally:
            pool.close()
    typer.echo(f"import {found.id}: {done.ended:,} of {done.rows:,} rows, {done.state}", err=True)
    raise typer.Exit(0 if done.state == "done" and not done.rejected else 1)


@emr_app.command()
def infer(
    sample: Annotated[Path, typer.Argument(help="A file as the EMR writes it, some rows of it are enough.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the table; else it is printed.")] = None,
    sheet: Annotated[str, typer.Option(help="Which sheet of a workbook.")] = "",
) -> None:
    """Propose a mapping table from the headers and values of a sample; say how sure each column is."""
    if not sample.is_file():
        raise NotFound(f"there is no file {sample}")
    from adapters.contract import Envelope
    from adapters.emr.formats import open_file
    from adapters.emr.proposing import propose

    name = out.stem if out else "visits"
    with open_file(sample, Envelope(parameters={"sheet": sheet} if sheet else {})) as rows:
        text, lines = propose(rows, name)
    for line in lines:
        typer.echo(line, err=True)
    if out:
        out.write_text(text, "utf-8")
        typer.echo(f"written to {out}: tracker-hub mappings check {out}", err=True)
    else:
        typer.echo(text, nl=False)


@emr_app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to write the files; made when absent.")],
    peer: PeerCode,
    table: Annotated[str, typer.Option(help="The layout: synthea, omop, long.")] = "synthea",
    since: Annotated[str, typer.Option(help="Only what changed since (ISO 8601 with offset).")] = "",
    everyone: Annotated[bool, typer.Option("--everyone", help="The records of all senders.")] = False,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Disguise, by a secret that is thrown away.")] = False,
    secret_file: Annotated[Path | None, typer.Option(help="Disguise by the secret of a project, in a file.")] = None,
    shift: Annotated[int, typer.Option(min=1, help="Most days that the dates of a person move.")] = 180,
    band: Annotated[int, typer.Option(min=1, help="Years of birth that become one.")] = 5,
    geography: Annotated[
        str, typer.Option(help="Finest level of addresses: none, country, state, district.")
    ] = "state",
    quasi: Annotated[str, typer.Option(help="Columns of the persons' file that may tell a person: GENDER,STATE")] = "",
    k: Annotated[int, typer.Option(min=2, help="How many persons must share them.")] = 5,
    suppress: Annotated[bool, typer.Option("--suppress", help="Leave out persons of cells with fewer.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Write records as files in the layout of an EMR, as they are or disguised for research; it is audited.

    Exit 1 when persons of cells with fewer than K were written.
    """
    from adapters.emr.disguise import Disguise
    from adapters.emr.exporting import Wanted
    from adapters.emr.releasing import export_files
    from adapters.emr.words import report
    from hub.database import session_on

    settings = load({"data": data, "database_url": database_url}, os.environ, config)
    secret = read_bytes(secret_file).strip() if secret_file else secrets.token_bytes(32) if anonymous else b""
    how = Disguise(secret, shift, band, geography) if secret else None
    moment = _moment(since) if since else None
    columns = tuple(word for word in quasi.split(",") if word)
    wanted = Wanted(table, moment, everyone, how, columns, k, suppress)
    folder.mkdir(parents=True, exist_ok=True)
    with session_on(settings) as session:
        done = export_files(session, peer, wanted, folder, getpass.getuser())
    for name, count in done.rows.items():
        typer.echo(f"{name}: {count:,} rows")
    for line in report(done.untold):
        typer.echo(line, err=True)
    failing = done.anonymity is not None and bool(done.anonymity.failing)
    for line in done.anonymity.report() if done.anonymity else ():
        typer.echo(line, err=True)
    raise typer.Exit(1 if failing and not suppress else 0)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"--since is a moment as 2026-03-05T00:00:00Z, not {text!r}") from error


def _write_result(session: Session, found: Import, path: Path) -> None:
    from adapters.emr.importing import result_file

    if str(path) == "-":
        for block in result_file(session, found):
            sys.stdout.buffer.write(block)
        return
    with path.open("wb") as out:
        out.writelines(result_file(session, found))
