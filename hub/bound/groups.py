"""The records of persons, grouped by encounter: the documents that a binding reads."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mappings.binding.cases import case_day
from mappings.binding.definitions import GROUPED
from tracker_core import records
from tracker_core.database import Session
from tracker_core.records import Stored
from tracker_core.records.documents import decode

# What marks records that were made from tracker objects; the value is the object's uid.
EVENT_SYSTEM = "urn:tracker-hub:event"
ENROLLMENT_SYSTEM = "urn:tracker-hub:enrollment"
ORG_UNIT_SYSTEM = "urn:tracker-hub:org-unit"


@dataclass(slots=True)
class Group:
    """The records of one encounter of one person.

    `key` is the pk of the Encounter, or of the first record where there is none; `day` the local day it happened.
    `documents` are by type, `stored` finds the record of a document by its `id()`.
    """

    key: int
    person: int
    day: str = ""
    encounter: Stored | None = None
    documents: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stored: dict[int, Stored] = field(default_factory=dict)

    @property
    def pks(self) -> set[int]:
        """The keys of all its records."""
        return {record.pk for record in self.stored.values()}

    @property
    def event(self) -> str:
        """The uid of the event that its records were made from, if they were made here."""
        found = (marked(document, EVENT_SYSTEM) for documents in self.documents.values() for document in documents)
        return next((uid for uid in found if uid), "")

    def add(self, record: Stored, document: dict[str, Any]) -> None:
        """Take a record in."""
        self.documents.setdefault(record.type, []).append(document)
        self.stored[id(document)] = record
        self.day = self.day or happened(document) or record.updated.date().isoformat()


def parse(record: Stored) -> dict[str, Any]:
    """Return a record's document as an object; decimals keep their digits."""
    return decode(record.doc)


def marked(document: dict[str, Any], system: str) -> str:
    """Return the uid under which a record was made from a tracker object, or nothing."""
    found = (one.get("value", "") for one in document.get("identifier") or () if one.get("system") == system)
    return next(found, "")


def happened(document: dict[str, Any]) -> str:
    """Return the day of a record: when an encounter began, a fact held, a condition set in or was recorded."""
    if document.get("resourceType") == "Condition":
        return case_day({key: value for key, value in document.items() if not key.startswith("onset")}) or case_day(
            document
        )
    period = document.get("period") or document.get("effectivePeriod") or {}
    times = (period.get("start"), document.get("effectiveDateTime"), document.get("effectiveInstant"))
    others = (document.get("occurrenceDateTime"), document.get("issued"))
    found = next((str(time)[:10] for time in (*times, *others) if time), "")
    return found if len(found) == len("2000-01-01") else ""


def gather(session: Session, persons: Iterable[int]) -> list[Group]:
    """Return the groups of these persons' live records.

    What names no encounter joins one of the same person and day, else a group of that day.
    """
    found = [(record, parse(record)) for record in records.of_subject(session, sorted(set(persons)), GROUPED)]
    groups: dict[Any, Group] = {}
    for record, document in found:
        if record.type == "Encounter" and record.subject is not None:
            group = groups[record.subject, record.reference] = Group(record.pk, record.subject, encounter=record)
            group.add(record, document)
    by_day = {(group.person, group.day): group for group in reversed(groups.values())}
    for record, document in found:
        if record.type == "Encounter" or record.subject is None:
            continue
        group_of = groups.get((record.subject, encounter_of(document)))
        if group_of is None:
            day = happened(document) or record.updated.date().isoformat()
            group_of = by_day.setdefault((record.subject, day), Group(record.pk, record.subject))
        group_of.add(record, document)
    return list({group.key: group for group in (*groups.values(), *by_day.values())}.values())


def encounter_of(document: dict[str, Any]) -> str:
    """Return `Encounter/id` where a record names its encounter."""
    reference = (document.get("encounter") or {}).get("reference") or ""
    return "/".join(str(reference).split("/_history/")[0].split("/")[-2:])
