"""What is stored, as the terminology operations see it: loaded content, built-in content, records of the FHIR API.

A process keeps one shelf per state of a database. What was taken from it once is in memory until anything changes.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import orjson

from terminology import core, published, snapshots, store
from terminology.code_system import CodeSystem, compile_system
from terminology.concepts import Concept, Edition
from terminology.library import Document, Library, compile_document
from terminology.translating import ConceptMap, compile_map
from tracker_core import metadata, records
from tracker_core.database import AsyncSession, Session
from tracker_core.records import Stored

# An option set of the tracker is the code system of this url and its uid.
OPTION_SET = "urn:tracker-hub:option-set:"
_KEPT = 4
_shelves: "OrderedDict[Hashable, Shelf]" = OrderedDict()
_lock = Lock()


class NotAtHandError(Exception):
    """What a request needs was not taken from the database yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What was asked for since the database came into its state: by url, and value sets composed."""

    systems: dict[str, Mapping[str, CodeSystem]] = field(default_factory=dict)
    value_sets: dict[str, Mapping[str, Document]] = field(default_factory=dict)
    maps: dict[str, list[ConceptMap]] = field(default_factory=dict)
    composed: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """A shelf as one request reads it; without a `session` only what is in memory, else `NotAtHandError`."""

    shelf: Shelf
    session: Session | None = None

    @property
    def library(self) -> Library:
        """Return what is stored, read as it is asked for."""
        return Library(stored_systems=self._systems, stored_value_sets=self._value_sets, kept=self.shelf.composed)

    def maps(self, url: str) -> list[ConceptMap]:
        """Return the ConceptMaps stored under `url`, all when it is empty, the newest version of a map first."""
        found = self.shelf.maps.get(url)
        if found is None:
            session = self._opened()
            docs = _recorded(session, "ConceptMap", url)
            docs += [doc for _, doc in published.served(session, "ConceptMap") if url in ("", doc["url"])]
            found = sorted(map(compile_map, docs), key=lambda one: (one.url, one.version), reverse=True)
            self.shelf.maps[url] = found
        return found

    def _systems(self, url: str) -> Mapping[str, CodeSystem]:
        found = self.shelf.systems.get(url)
        if found is None:
            session = self._opened()
            if url.startswith(OPTION_SET):
                return self.shelf.systems.setdefault(url, _option_set(session, url))
            compiled = [compile_document(doc) for doc in _recorded(session, "CodeSystem", url) if _has_codes(doc)]
            recorded = {one.edition.version: one for one in compiled}
            found = {**core.systems(url), **recorded, **snapshots.versions(session, url)}
            self.shelf.systems[url] = found
        return found

    def _value_sets(self, url: str) -> Mapping[str, Document]:
        found = self.shelf.value_sets.get(url)
        if found is None:
            session = self._opened()
            recorded = {doc.get("version", ""): doc for doc in _recorded(session, "ValueSet", url)}
            found = {**core.value_sets(url), **recorded, **published.versions(session, "ValueSet", url)}
            self.shelf.value_sets[url] = found
        return found

    def _opened(self) -> Session:
        if self.session is None:
            raise NotAtHandError
        return self.session


def reader(session: Session) -> Reader:
    """Return the shelf of the database as it is now."""
    return Reader(_shelf(_key(session, store.state(session))), session)


async def remembered(session: AsyncSession) -> Reader:
    """Return the same in the event loop, where it gives only what is in memory."""
    cursor = await session.execute(store.STATE)
    return Reader(_shelf(_key(session, await cursor.fetchone())))


def _key(session: Session | AsyncSession, state: Any) -> Hashable:
    return session.info.host, session.info.port, session.info.dbname, state


def _shelf(key: Hashable) -> Shelf:
    with _lock:
        found = _shelves.setdefault(key, Shelf())
        _shelves.move_to_end(key)
        while len(_shelves) > _KEPT:
            _shelves.popitem(last=False)
        return found


def _option_set(session: Session, url: str) -> Mapping[str, CodeSystem]:
    """Return an option set of the tracker as a code system, empty when there is no such option set."""
    found = metadata.load(session).option_sets.get(url.removeprefix(OPTION_SET))
    if found is None:
        return {}
    edition = Edition(url, "", found.name, "option set")
    return {"": compile_system(edition, (Concept(code, name) for code, name in found.options.items()))}


def _recorded(session: Session, type_: str, url: str) -> list[Document]:
    pairs = [("url", url.replace(",", "\\,"))] if url else []
    found = records.search(session, type_, [*pairs, ("_count", "1000")]).matches
    return [_document(one) for one in found if not one.deleted]


def _document(one: Stored) -> Document:
    doc: Document = orjson.loads(one.doc)
    return doc


def _has_codes(doc: Document) -> bool:
    return str(doc.get("content")) != "not-present"
