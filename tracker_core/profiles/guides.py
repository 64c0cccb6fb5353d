"""Which implementation guides were loaded, and what each brought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tracker_core.database import Session


@dataclass(frozen=True, slots=True)
class Guide:
    """A package that was loaded. `contents` counts resources by type."""

    name: str
    version: str
    loaded: datetime
    loaded_by: str
    contents: dict[str, Any]


def note(session: Session, name: str, version: str, actor: str, contents: Mapping[str, int]) -> None:
    """Remember that a package was loaded; loaded again, it counts as loaded now."""
    session.execute(
        "insert into guide (name, version, loaded_by, contents) values (%s, %s, %s, %s) on conflict (name, version)"
        " do update set loaded = now(), loaded_by = excluded.loaded_by, contents = excluded.contents",
        (name, version, actor, Jsonb(dict(contents))),
    )


def listed(session: Session) -> list[Guide]:
    """Return what was loaded, by name and version."""
    rows = session.execute("select name, version, loaded, loaded_by, contents from guide order by name, version")
    return [Guide(*row) for row in rows]
