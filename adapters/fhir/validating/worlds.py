"""What validation asks of a hub: its profiles, its terminology, and the records that are referred to."""

from collections.abc import Iterable
from typing import Any

from adapters.fhir.terminology.shelf import reader
from adapters.fhir.validating.codes import Lookup
from tracker_core import records
from tracker_core.database import Session
from tracker_core.profiles import World
from tracker_core.profiles.stored import library
from tracker_core.records import documents, forms


def world(session: Session, bodies: Iterable[bytes] = (), stored: bool = True) -> World:
    """Return the surroundings of documents; what `bodies` refer to is read in one query.

    `stored` lets references that lead nowhere be told; without it nothing is read.
    """
    wanted = {key for body in bodies for _, _, text in documents.references(body) if (key := _local(text))}
    found = records.read(session, sorted(wanted)) if stored and wanted else {}
    read: dict[tuple[str, str], dict[str, Any]] = {}

    def fetch(reference: str) -> dict[str, Any] | None:
        key = _local(reference)
        one = found.get(key) if key else None
        if key is None or one is None or one.deleted:
            return None
        return read.setdefault(key, documents.decode(one.doc))

    lookup = Lookup(reader(session).library)
    return World(library(session), lookup, fetch, stored, lookup.known)


def _local(reference: str) -> tuple[str, str] | None:
    return None if "://" in reference else forms.target(reference)
