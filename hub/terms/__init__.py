"""The commands `tracker-hub terms …`: load code systems and what goes with them, look codes up, translate them."""

from pathlib import Path
from typing import Annotated

import typer

from hub.terms.loading import load_app
from hub.terms.options import Config, Data, DatabaseUrl, System, session_of
from terminology.code_system import CodeSystem
from terminology.icd10 import SYSTEM, normal
from tracker_core.errors import NotFound

terms_app = typer.Typer(help="Load, look up and translate codes.", no_args_is_help=True, rich_markup_mode=None)
terms_app.add_typer(load_app, name="load")


@terms_app.command("list")
def list_(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """List the code systems that are loaded; `*` marks the version that is served."""
    from terminology import store

    with session_of(config, data, database_url) as session:
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
    compiled = _served(system, data, database_url, config)
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
    compiled = _served(system, data, database_url, config)
    for concept in compiled.search(text, limit):
        typer.echo(f"{concept.code}  {concept.display}")


@terms_app.command()
def translate(
    code: Annotated[str, typer.Argument(help="The code to translate.")],
    system: System = SYSTEM,
    url: Annotated[str, typer.Option("--map", metavar="URL", help="Only this concept map; else every one.")] = "",
    reverse: Annotated[bool, typer.Option("--reverse", help="Show what maps to the code.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Translate a code by the concept maps that are loaded."""
    from terminology import published
    from terminology.translating import compile_map

    with session_of(config, data, database_url) as session:
        maps = [compile_map(doc) for _, doc in published.served(session, "ConceptMap")]
    asked = [one for one in maps if not url or one.url == url]
    found = [m for one in asked for m in (one.back(system, code) if reverse else one.translate(system, code))]
    if not found:
        raise NotFound(f"no concept map that is loaded says anything of {code} of {system}")
    for match in found:
        typer.echo(f"{match.equivalence}  {match.system}  {match.code}  {match.display}".rstrip())


def _served(system: str, data: str | None, database_url: str | None, config: Path | None) -> CodeSystem:
    """Return the version of a code system that is served. Raises `NotFound`."""
    from terminology import snapshots

    with session_of(config, data, database_url) as session:
        found = snapshots.current(session, system)
    if found is None:
        raise NotFound(f"no version of {system} is loaded")
    return found
