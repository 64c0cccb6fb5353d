"""The persons that queries find, each as one Patient: what all senders say of somebody, without what was replaced."""

from collections.abc import Iterable, Sequence
from typing import Any

from adapters.hl7v2.queries.asked import Query
from adapters.hl7v2.queries.replies import Found
from adapters.hl7v2.writing import united
from mappings.er7 import Repetition, Segment
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound, TooCostly
from tracker_core.records.documents import decode

Doc = dict[str, Any]
PAGE, MOST = 1000, 5000


def with_number(session: Session, query: Query, number: Repetition, where: str) -> list[int]:
    """Return the persons who have this number (CX).

    Raises `NotFound` for an authority that nobody uses and a number that nobody has, `Malformed` for half a number.
    """
    value, system = number[0][0] or "", query.system(number)
    if not value or not system:
        raise Malformed("a number and its assigning authority are needed", where)
    check_domain(session, query, system, f"{where}.4")
    found = matching(session, [("identifier", records.token(system, value))])
    if not found:
        raise NotFound(f"nobody is known by the number {value}", f"{where}.1")
    return found


def domains(session: Session, query: Query, field: int) -> list[str]:
    """Return the systems of the domains (CX.4) that a field of QPD asks for; empty means all. Raises `NotFound`."""
    systems = []
    for place, one in enumerate(query.repetitions(field), 1):
        system = query.system(one)
        check_domain(session, query, system, f"QPD-{field}({place})")
        systems.append(system)
    return systems


def check_domain(session: Session, query: Query, system: str, where: str) -> None:
    """Raise `NotFound` for a domain that neither the peer's settings nor any patient has."""
    if system and system in query.profile.naming.values():
        return
    pairs = [("identifier", records.token(system, "")), ("_count", "1")]
    if not system or not records.search(session, "Patient", pairs).matches:
        raise NotFound("the assigning authority is not known (the peer's authorities may name it)", where)


def matching(session: Session, pairs: Sequence[tuple[str, str]]) -> list[int]:
    """Return the persons of all Patient records that a search finds, in the order of their keys.

    Raises `TooCostly` when there are too many records to go through.
    """
    people: set[int] = set()
    cursor, seen = "", 0
    while seen < MOST:
        asked = [*pairs, ("_count", str(PAGE)), *([("_cursor", cursor)] if cursor else [])]
        page = records.search(session, "Patient", asked)
        people.update(one.subject for one in page.matches if one.subject is not None)
        seen, cursor = seen + len(page.matches), page.next
        if not cursor:
            return sorted(people)
    raise TooCostly(f"more than {MOST} patients match; say more of who is meant", "QPD-3")


def patients(session: Session, people: Sequence[int]) -> dict[int, Doc]:
    """Return one Patient for each person, the newest with the current identifiers of all."""
    held: dict[int, list[records.Stored]] = {}
    for one in records.of_subject(session, people, ["Patient"]):
        held.setdefault(one.subject or 0, []).append(one)
    return {person: united([current(doc) for doc in living(held[person])])[0] for person in people if person in held}


def living(found: list[records.Stored]) -> list[Doc]:
    """Return the documents of Patient records, newest first, without those that others have replaced."""
    newest = [decode(one.doc) for one in sorted(found, key=lambda one: (-one.updated.timestamp(), one.pk))]
    kept = [doc for doc in newest if not any(link.get("type") == "replaced-by" for link in doc.get("link", ()))]
    return kept or newest[:1]


def current(document: Doc) -> Doc:
    """Return a Patient without the identifiers of the past."""
    numbers = [one for one in document.get("identifier", ()) if one.get("use") != "old"]
    return {**document, "identifier": numbers}


def within(document: Doc, systems: Iterable[str]) -> Doc:
    """Return a Patient with the identifiers of these systems only; of all where none is named."""
    wanted = set(systems)
    if not wanted:
        return document
    return {**document, "identifier": [one for one in document["identifier"] if one.get("system") in wanted]}


def pid(query: Query, document: Doc, place: int) -> Segment:
    """Return a Patient as the PID at this place of an answer."""
    written = query.written("ADT_A01", [document])
    segment = next((one for one in written if one[0] == "PID"), ["PID", ""])
    return ["PID", str(place), *segment[2:]]


def page_of(session: Session, query: Query, people: Sequence[int], systems: Sequence[str]) -> Found:
    """Return the next answer about these persons: one PID each, up to the quantity, and where to go on."""
    ahead = [person for person in people if person > query.after]
    chosen, rest = ahead[: query.quantity], ahead[query.quantity :]
    known = patients(session, chosen)
    segments = [pid(query, within(known[person], systems), n) for n, person in enumerate(known, 1)]
    pointer = f"after-{chosen[-1]}" if rest else ""
    return Found(segments, len(segments), len(people), len(rest), pointer)
