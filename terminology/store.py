"""Code systems in the database, by version. A load is one transaction: either the new version is served, or the old."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import psycopg

from terminology.concepts import Concept, Edition, Loaded
from terminology.errors import Refused

Session: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_SYSTEM = "select pk, url, version, name, source, current, concepts from code_system"


def load(session: Session, edition: Edition, concepts: Iterable[Concept]) -> Loaded:
    """Store `concepts` as `edition` and make it the version served; an edition loaded before is replaced.

    Streams by COPY. Raises `Refused` with the place of a duplicate code, a missing parent or a circle; the caller
    rolls back and what was served stays served.
    """
    session.execute("delete from code_system where (url, version) = (%s, %s)", (edition.url, edition.version))
    insert = "insert into code_system (url, version, name, source) values (%s, %s, %s, %s) returning pk"
    values = (edition.url, edition.version, edition.name, edition.source)
    pk: int = session.execute(insert, values).fetchall()[0][0]
    parents = _copy(session, pk, concepts)
    _check_tree(parents)
    session.execute("update code_system set current = false where url = %s and current", (edition.url,))
    session.execute("update code_system set current = true, concepts = %s where pk = %s", (len(parents), pk))
    return Loaded(pk, edition, current=True, concepts=len(parents))


def listed(session: Session) -> list[Loaded]:
    """Return every loaded edition, by url, then oldest load first."""
    return [_loaded(row) for row in session.execute(f"{_SYSTEM} order by url, pk")]


def current(session: Session, url: str) -> Loaded | None:
    """Return the edition of `url` that is served, or None when none is loaded."""
    row = session.execute(f"{_SYSTEM} where url = %s and current", (url,)).fetchone()
    return _loaded(row) if row else None


def concepts(session: Session, pk: int) -> Iterator[Concept]:
    """Yield the concepts of one loaded edition in the order of its source."""
    select = "select code, display, parent, kind, properties from concept where system = %s order by position"
    for code, display, parent, kind, properties in session.execute(select, (pk,)):
        yield Concept(code, display, parent or "", kind or "", properties or {})


def _copy(session: Session, pk: int, concepts: Iterable[Concept]) -> dict[str, Concept]:
    """Write the concepts and return them by code."""
    seen: dict[str, Concept] = {}
    columns = "system, code, position, display, parent, kind, properties"
    with session.cursor() as cursor, cursor.copy(f"copy concept ({columns}) from stdin") as copy:
        for position, concept in enumerate(concepts):
            if concept.code in seen:
                raise Refused(f"code {concept.code} is there twice", concept.where)
            seen[concept.code] = concept
            properties = json.dumps(concept.properties) if concept.properties else None
            parent, kind = concept.parent or None, concept.kind or None
            copy.write_row((pk, concept.code, position, concept.display, parent, kind, properties))
    if not seen:
        raise Refused("there is no code in this content")
    return seen


def _check_tree(concepts: dict[str, Concept]) -> None:
    """Refuse a parent that is not there, and a code that lies above itself."""
    safe: set[str] = {""}
    for concept in concepts.values():
        path: list[str] = []
        code = concept.code
        while code not in safe:
            if code not in concepts:
                raise Refused(f"the code {code} above {path[-1]} is not there", concepts[path[-1]].where)
            if code in path:
                raise Refused(f"the code {code} lies above itself: {' < '.join([*path, code])}", concept.where)
            path.append(code)
            code = concepts[code].parent
        safe.update(path)


def _loaded(row: tuple[Any, ...]) -> Loaded:
    pk, url, version, name, source, is_current, count = row
    return Loaded(pk, Edition(url, version, name, source), is_current, count)
