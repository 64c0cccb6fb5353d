"""The commands `tracker-hub fhir …`."""

from pathlib import Path
from typing import Annotated

import typer

from hub.terms.options import Config, Data, DatabaseUrl, session_of

fhir_app = typer.Typer(help="Load implementation guides.", no_args_is_help=True, rich_markup_mode=None)


@fhir_app.command()
def load(
    packages: Annotated[list[Path], typer.Argument(help="Packages (.tgz), base ones first.", exists=True)],
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Load FHIR packages: profiles, extensions, search parameters, value sets. Each is one transaction."""
    from hub.guides.loading import load_guide

    for path in packages:
        with session_of(config, data, database_url) as session:
            brought = load_guide(session, path.read_bytes(), "system")
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(brought.counts.items()))
        typer.echo(f"{brought.name} {brought.version} is loaded: {counts or 'nothing'}")
        for place, reason in brought.left:
            typer.echo(f"left out: {place}: {reason}")
        for name in brought.missing:
            typer.echo(f"it refers to {name}, which is not loaded")


@fhir_app.command("list")
def list_(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """List the packages that were loaded."""
    from tracker_core.profiles import guides

    with session_of(config, data, database_url) as session:
        for one in guides.listed(session):
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(one.contents.items()))
            typer.echo(f"{one.name}  {one.version}  {one.loaded:%Y-%m-%d}  {counts}")
