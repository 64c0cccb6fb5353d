"""The commands `tracker-hub emr …`: files of EMRs from the command line."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.settings import load
from tracker_core.database import Session
from tracker_core.errors import NotFound
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


def _write_result(session: Session, found: Import, path: Path) -> None:
    from adapters.emr.importing import result_file

    if str(path) == "-":
        for block in result_file(session, found):
            sys.stdout.buffer.write(block)
        return
    with path.open("wb") as out:
        out.writelines(result_file(session, found))
