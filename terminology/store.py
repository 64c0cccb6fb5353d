"""Code systems in the database, by version. A load is one transaction: either the new version is served, or the old."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import psycopg
from psycopg.types.json import Jsonb

from terminology.concepts import Concept, Designation, Edition, Loaded, Traits
from terminology.errors import Refused

Session: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_SYSTEM = "select pk, url, version, name, source, traits, current, concepts from code_system"
_CONCEPT = "code, display, parents, kind, properties, definition, designations"


def load(session: Session, edition: Edition, concepts: Iterable[Concept]) -> Loaded:
    """Store `concepts` as `edition` and make it the version served; an edition loaded before is replaced.

    Streams by COPY. Raises `Refused` with the place of a duplicate code, a missing parent or a circle; the caller
    rolls back and what was served stays served.
    """
    session.execute("delete from code_system where (url, version) = (%s, %s)", (edition.url, edition.version))
    insert = "insert into code_system (url, version, name, source, traits) values (%s, %s, %s, %s, %s) returning pk"
    values = (edition.url, edition.version, edition.name, edition.source, Jsonb(asdict(edition.traits)))
    pk: int = session.execute(insert, values).fetchall()[0][0]
    stored = _copy(session, pk, concepts)
    check_hierarchy(stored)
    session.execute("update code_system set current = false where url = %s and current", (edition.url,))
    touch(session)
    session.execute("update code_system set current = true, concepts = %s where pk = %s", (len(stored), pk))
    return Loaded(pk, edition, current=True, concepts=len(stored))


def touch(session: Session) -> None:
    """Tell every process that something of the terminology changed."""
    session.execute("update terminology_version set version = nextval('object_pk')")


def version(session: Session) -> int:
    """Return the number of the last load: it differs whenever something was loaded since."""
    found: int = session.execute("select version from terminology_version").fetchall()[0][0]
    return found


STATE = "select * from terminology_state"


def state(session: Session) -> tuple[Any, ...]:
    """Return what differs whenever a load, or a record of a terminology resource, was committed since."""
    return session.execute(STATE).fetchall()[0]


def listed(session: Session, url: str = "") -> list[Loaded]:
    """Return every loaded edition, by url, then oldest load first; only those of `url` where it is given."""
    where = "where url = %s" if url else ""
    return [_loaded(row) for row in session.execute(f"{_SYSTEM} {where} order by url, pk", (url,) if url else ())]


def current(session: Session, url: str) -> Loaded | None:
    """Return the edition of `url` that is served, or None when none is loaded."""
    row = session.execute(f"{_SYSTEM} where url = %s and current", (url,)).fetchone()
    return _loaded(row) if row else None


def concepts(session: Session, pk: int) -> Iterator[Concept]:
    """Yield the concepts of one loaded edition in the order of its source."""
    select = f"select {_CONCEPT} from concept where system = %s order by position"
    for code, display, parents, kind, properties, definition, designations in session.execute(select, (pk,)):
        said = tuple(Designation(*one) for one in designations or ())
        yield Concept(code, display, tuple(parents), kind or "", properties or {}, "", definition or "", said)


def _copy(session: Session, pk: int, concepts: Iterable[Concept]) -> dict[str, Concept]:
    """Write the concepts and return them by code."""
    seen: dict[str, Concept] = {}
    with session.cursor() as cursor, cursor.copy(f"copy concept (system, position, {_CONCEPT}) from stdin") as copy:
        for position, concept in enumerate(concepts):
            if concept.code in seen:
                raise Refused(f"code {concept.code} is there twice", concept.where)
            seen[concept.code] = concept
            copy.write_row((pk, position, *_row(concept)))
    if not seen:
        raise Refused("there is no code in this content")
    return seen


def _row(concept: Concept) -> tuple[Any, ...]:
    said = [[one.value, one.language, one.use] for one in concept.designations]
    return (
        concept.code,
        concept.display,
        list(concept.parents),
        concept.kind or None,
        json.dumps(concept.properties) if concept.properties else None,
        concept.definition or None,
        json.dumps(said) if said else None,
    )


def check_hierarchy(concepts: Mapping[str, Concept]) -> None:
    """Refuse a parent that is not there, and a code that lies above itself, with the place."""
    for concept in concepts.values():
        for code in concept.parents:
            if code not in concepts:
                raise Refused(f"the code {code} above {concept.code} is not there", concept.where)
    try:
        TopologicalSorter({code: concept.parents for code, concept in concepts.items()}).prepare()
    except CycleError as error:
        circle = list(dict.fromkeys(error.args[1]))
        text = f"the code {circle[0]} lies above itself: {' < '.join([*circle, circle[0]])}"
        raise Refused(text, concepts[circle[0]].where) from error


def _loaded(row: tuple[Any, ...]) -> Loaded:
    pk, url, version, name, source, traits, is_current, count = row
    return Loaded(pk, Edition(url, version, name, source, Traits(**traits)), is_current, count)
