"""What change sets wrote, and whom and what an deed was about, as references to records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tracker_core.database import Session
from tracker_core.records.definitions import resource_types, type_names
from tracker_core.records.stored import Stored

# A change set names at most so many versions: a bulk import is known by its message.
MOST_TARGETS = 1_000


@dataclass(slots=True)
class Written:
    """What one change set wrote: record versions (`Patient/1`, version, whether it deleted) and the persons touched.

    `more` counts the versions beyond the thousand that are named.
    """

    versions: list[tuple[str, int, bool]] = field(default_factory=list)
    persons: list[int] = field(default_factory=list)
    more: int = 0
    mapping: str = ""


def written(session: Session, change_sets: Sequence[int]) -> dict[int, Written]:
    """Return what each of these change sets wrote."""
    found = {one: Written() for one in change_sets}
    rows = session.execute(
        """select s.id, coalesce(s.mapping, ''), v.type, v.id, v.version, v.deleted, v.subject, v.n from change_set s
        left join lateral (select r.type, r.id, v.version, v.deleted, r.subject, count(*) over () as n
            from record_version v join record r on r.pk = v.pk where v.change_set = s.id
            order by r.type, r.id limit %s) v on true
        where s.id = any(%b) order by s.id, v.type, v.id""",
        (MOST_TARGETS, list(change_sets)),
    )
    names = type_names()
    for set_, mapping, type_, id, version, deleted, subject, total in rows:
        one = found[set_]
        one.mapping = mapping
        if type_ is not None:
            one.versions.append((f"{names[type_]}/{id}", version, deleted))
            one.more = max(0, total - MOST_TARGETS)
            if subject is not None and subject not in one.persons:
                one.persons.append(subject)
    for set_, subject in session.execute(
        "select distinct change_set, subject from change where change_set = any(%b) and subject is not null",
        (list(change_sets),),
    ):
        if subject not in found[set_].persons:
            found[set_].persons.append(subject)
    return found


def change_sets_of(session: Session, versions: Iterable[Stored]) -> list[int]:
    """Return the change sets that wrote these versions, each once, newest first."""
    pairs = [(one.pk, one.version) for one in versions]
    rows = session.execute(
        "select distinct v.change_set from unnest(%b::bigint[], %b::int[]) w (pk, version)"
        " join record_version v on v.pk = w.pk and v.version = w.version order by 1 desc",
        ([pk for pk, _ in pairs], [version for _, version in pairs]),
    )
    return [row[0] for row in rows]


def related(session: Session, person: int) -> list[int]:
    """Return the keys of everything that is of a person: records, tracked entity, enrollments, events."""
    rows = session.execute(
        "select pk from record where subject = %(person)s union all select pk from enrollment where entity = %(person)s"
        " union all select pk from event where entity = %(person)s",
        {"person": person},
    )
    return [person, *(row[0] for row in rows)]


def patients_of(session: Session, persons: Sequence[int]) -> dict[int, list[str]]:
    """Return the references of the Patient records of each person, as they stand."""
    found: dict[int, list[str]] = {}
    rows = session.execute(
        "select subject, id from record where subject = any(%b) and type = %s and not deleted order by subject, pk",
        (list(persons), resource_types()["Patient"]),
    )
    for person, id in rows:
        found.setdefault(person, []).append(f"Patient/{id}")
    return found


def names_of(session: Session, pks: Sequence[int]) -> dict[int, str]:
    """Return the references of records by their keys; keys of other things are not among them."""
    names = type_names()
    rows = session.execute("select pk, type, id from record where pk = any(%b)", (list(pks),))
    return {pk: f"{names[type_]}/{id}" for pk, type_, id in rows}
