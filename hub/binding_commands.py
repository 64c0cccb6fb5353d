"""The commands `tracker-hub bindings …`: files that bind programs to records, checked, tried, stored, replayed."""

from pathlib import Path
from typing import Annotated

import typer

from hub.inputs import read_text
from hub.terms.options import Config, Data, DatabaseUrl, session_of

bindings_app = typer.Typer(help="Bind programs to records.", no_args_is_help=True, rich_markup_mode=None)
File = Annotated[Path, typer.Argument(help="A binding file.")]
Name = Annotated[str, typer.Argument(help="The binding's name.")]


@bindings_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Binding files.")],
) -> None:
    """Tell everything that the language refuses in files, each with its line. No hub is needed."""
    from mappings.binding.checking import problems_of

    problems = [problem for file in files for problem in problems_of(read_text(file), file.name)]
    for problem in problems:
        typer.echo(problem)
    raise typer.Exit(1 if problems else 0)


@bindings_app.command("list")
def list_(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """List the bindings with their programs, and the programs that no file binds."""
    from hub import bound

    with session_of(config, data, database_url) as session:
        origins = bound.texts(session)
        for one, (name, (_, origin)) in zip(bound.current(session), origins.items(), strict=False):
            program = one.program.name if one.program else one.binding.program or "(persons)"
            typer.echo(f"{name}  {origin}  {program}{'' if one.program or not one.binding.program else '  (not here)'}")
            for issue in one.issues:
                typer.echo(f"  {issue.row or name}: {issue.text}")
        for one in bound.current(session):
            if one.derived and one.program:
                typer.echo(f"-  made of the metadata  {one.program.name}")


@bindings_app.command()
def put(name: Name, file: File, data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Store a binding, in effect from the next message on."""
    from hub import bound
    from tracker_core import history

    text = read_text(file)
    with session_of(config, data, database_url) as session:
        saved = bound.save(session, history.open_change_set(session, "system"), text, name)
    for issue in saved.issues:
        typer.echo(f"{issue.row or name}: {issue.text}")
    typer.echo(f"{name} is stored")


@bindings_app.command("try")
def try_(
    name: Name,
    file: Annotated[Path | None, typer.Argument(help="A file; without it the binding that is here.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many records at most.")] = 20_000,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Tell what a binding would do to the records that are here; nothing is stored."""
    from hub import bound

    with session_of(config, data, database_url) as session:
        tied = bound.tie(session, read_text(file), name) if file else bound.find(session, name)
        trial = bound.rehearse(session, tied, "system", most)
    typer.echo(f"{trial.seen:,} records{'' if trial.complete else ', not all'}")
    for what, count in sorted(trial.counts.items()):
        typer.echo(f"  {count:>8,}  {what}")
    for sample in trial.samples:
        typer.echo(
            f"  {sample['kind']} {sample['uid']} {sample['action']} {sample.get('delta') or sample.get('data') or ''}"
        )
    for issue in [*tied.issues, *trial.issues][:20]:
        typer.echo(f"  {issue.row or issue.where}: {issue.text} {issue.value}")


@bindings_app.command()
def replay(name: Name, data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Apply a binding to the records that are here, page by page; after a crash the same command begins anew."""
    import os

    from hub import replays
    from hub.database import database
    from hub.settings import load
    from tracker_core import replays as stored
    from tracker_core.database import open_pool, transaction

    settings = load({"data": data, "database_url": database_url}, os.environ, config)
    with database(settings, shared=True) as url:
        pool = open_pool(url, size=1)
        try:
            with transaction(pool) as session:
                order = replays.order(session, name, "system")
            while order.state in ("waiting", "running"):
                with transaction(pool) as session:
                    if stored.hold(session, order.pk):
                        replays.work_off(session, stored.read(session, order.pk))
                    order = stored.read(session, order.pk)
                typer.echo(f"{order.seen:,} of {order.total:,} records", err=True)
        finally:
            pool.close()
    counts = ", ".join(f"{count:,} {what}" for what, count in sorted(order.counts.items())) or "nothing new"
    typer.echo(f"{name} is replayed: {counts}; {order.issues} warnings")
    for example in order.examples:
        typer.echo(f"  {example}")
