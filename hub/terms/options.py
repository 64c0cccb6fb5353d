"""What every command of `terms` takes, and the session it works in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.settings import load as load_settings
from terminology.errors import NotInstalled, TerminologyError
from tracker_core.errors import Malformed, Unsupported

Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Data folder of the hub.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", metavar="URL", help="External PostgreSQL.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file (TOML).")]
System = Annotated[str, typer.Option("--system", metavar="URL", help="The code system.")]


@contextmanager
def session_of(config: Path | None, data: str | None, database_url: str | None) -> Iterator[Any]:
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
