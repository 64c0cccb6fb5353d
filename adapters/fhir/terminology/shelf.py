"""What is stored, as the terminology operations see it: loaded code systems, and the records of the FHIR API."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import orjson

from terminology import core, published, snapshots
from terminology.code_system import CodeSystem, compile_system
from terminology.library import Document, Library
from terminology.loaders.fhir import read_concepts, read_edition
from terminology.translating import ConceptMap, compile_map
from tracker_core import records
from tracker_core.database import Session
from tracker_core.records import Stored

T = TypeVar("T")
_KEPT = 256


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Things made of records, remembered by record and version: a version never changes."""

    made: "OrderedDict[tuple[int, int], Any]"
    lock: Lock

    def of(self, one: Stored, make: Callable[[Document], T]) -> T:
        """Return what `make` makes of a record, made once."""
        key = (one.pk, one.version)
        with self.lock:
            if key in self.made:
                self.made.move_to_end(key)
                found: T = self.made[key]
                return found
        fresh = make(orjson.loads(one.doc))
        with self.lock:
            self.made[key] = fresh
            while len(self.made) > _KEPT:
                self.made.popitem(last=False)
        return fresh


_kept = Kept(OrderedDict(), Lock())


def library(session: Session) -> Library:
    """Return what is stored, read as it is asked for."""
    return Library(
        stored_systems=lambda url: _systems(session, url),
        stored_value_sets=lambda url: _value_sets(session, url),
    )


def maps(session: Session, url: str) -> list[ConceptMap]:
    """Return the ConceptMaps stored under `url`, every one when it is empty, newest version of each first."""
    found = [_kept.of(one, compile_map) for one in _by_url(session, "ConceptMap", url)]
    found += [compile_map(doc) for _, doc in published.served(session, "ConceptMap") if not url or doc["url"] == url]
    return sorted(found, key=lambda one: (one.url, one.version), reverse=True)


def _systems(session: Session, url: str) -> Mapping[str, CodeSystem]:
    recorded = (_kept.of(one, _compiled) for one in _by_url(session, "CodeSystem", url))
    held = {
        one.edition.version: one for one in recorded if one.edition.traits.content not in ("supplement", "not-present")
    }
    return {**core.systems(url), **held, **snapshots.versions(session, url)}


def _compiled(doc: Document) -> CodeSystem:
    return compile_system(read_edition(doc), read_concepts(doc))


def _value_sets(session: Session, url: str) -> Mapping[str, Document]:
    recorded = (orjson.loads(one.doc) for one in _by_url(session, "ValueSet", url))
    held = {doc.get("version", ""): doc for doc in recorded}
    return {**core.value_sets(url), **held, **published.versions(session, "ValueSet", url)}


def _by_url(session: Session, type_: str, url: str) -> list[Stored]:
    pairs = [("url", url.replace(",", "\\,"))] if url else []
    found = records.search(session, type_, [*pairs, ("_count", "1000")]).matches
    return [one for one in found if not one.deleted]
