"""Value sets, concept maps and naming systems in the database, by url and version, as FHIR writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from terminology.errors import Refused
from terminology.library import Document
from terminology.store import Session, touch

TABLES: Mapping[str, str] = {"ValueSet": "value_set", "ConceptMap": "concept_map", "NamingSystem": "naming_system"}


def save(session: Session, docs: Iterable[Document]) -> int:
    """Store resources and serve them from now on; the same url and version is replaced. Returns how many.

    Raises `Refused` for one without a url. A NamingSystem has none in R4: its first identifying uri stands for it.
    """
    by_table: dict[str, dict[tuple[str, str], tuple[str, str, str, str]]] = {}
    for doc in docs:
        url, version = _url(doc), str(doc.get("version", ""))
        row = (url, version, str(doc.get("name", "")), orjson.dumps(doc).decode())
        by_table.setdefault(TABLES[doc["resourceType"]], {})[url, version] = row
    touch(session)
    for table, rows in by_table.items():
        _write(session, table, list(rows.values()))
    return sum(map(len, by_table.values()))


def _write(session: Session, table: str, rows: list[tuple[str, str, str, str]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    # What arrives last for a url is what is served.
    last = {url: version for url, version, _, _ in rows}
    session.execute(f"update {table} set current = false where current and url = any(%b)", (list(last),))
    session.execute(
        f"insert into {table} (url, version, name, doc) select url, version, name, doc::jsonb"
        " from unnest(%b::text[], %b::text[], %b::text[], %b::text[]) as n (url, version, name, doc)"
        " on conflict (url, version) do update set name = excluded.name, doc = excluded.doc",
        columns,
    )
    session.execute(
        f"update {table} t set current = true from unnest(%b::text[], %b::text[]) as n (url, version)"
        " where (t.url, t.version) = (n.url, n.version)",
        (list(last), list(last.values())),
    )


def versions(session: Session, kind: str, url: str) -> dict[str, Document]:
    """Return version -> resource, for every version stored under `url`."""
    query = f"select version, doc from {TABLES[kind]} where url = %s"
    return dict(session.execute(query, (url,)).fetchall())


def served(session: Session, kind: str, prefix: str = "") -> list[tuple[int, Document]]:
    """Return (key, resource) of everything of a kind that is served, whose url starts with `prefix`."""
    query = f"select pk, doc from {TABLES[kind]} where current and starts_with(url, %s) order by url"
    found: list[tuple[Any, ...]] = session.execute(query, (prefix,)).fetchall()
    return [(pk, doc) for pk, doc in found]


def _url(doc: Document) -> str:
    url = doc.get("url")
    if not url and doc.get("resourceType") == "NamingSystem":
        unique = doc.get("uniqueId", [])
        url = next((one["value"] for one in unique if one.get("type") == "uri"), None) or doc.get("name")
    if not url:
        raise Refused(f"a {doc.get('resourceType')} needs a url", str(doc.get("id", "")))
    return str(url)
