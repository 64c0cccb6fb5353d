"""Who an export is limited to: the members of a Group, or the patients that were named."""

from collections.abc import Sequence
from typing import Any

import orjson

from tracker_core.bulk.versions import Members
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.records import forms
from tracker_core.records.definitions import resource_types
from tracker_core.records.stored import read

SLICE = 200


def of_group(session: Session, id: str) -> list[str]:
    """Return the ids of the patients who are members of a Group now. Raises `NotFound`."""
    found = read(session, [("Group", id)]).get(("Group", id))
    if found is None or found.deleted:
        raise NotFound(f"there is no Group/{id}")
    group: dict[str, Any] = orjson.loads(found.doc)
    targets = [forms.target(_reference(one)) for one in group.get("member", ()) if one.get("inactive") is not True]
    return [target[1] for target in targets if target and target[0] == "Patient"]


def _reference(member: dict[str, Any]) -> str:
    return str(member.get("entity", {}).get("reference", ""))


def keep(session: Session, order: str, patients: Sequence[str]) -> int:
    """Keep the persons behind these Patients (ids) as the members of an order; return how many there are.

    Ids of nobody are passed over.
    """
    return session.execute(
        "insert into bulk_member (bulk, person, patients) select %s, subject, array_agg(pk) from record"
        " where type = %s and id = any(%b::text[]) and not deleted and subject is not null group by subject",
        (order, resource_types()["Patient"], list(patients)),
    ).rowcount


def following(session: Session, order: str, after: int) -> Members:
    """Return the next members of an order, those with keys above `after`."""
    rows = session.execute(
        "select person, patients from bulk_member where bulk = %s and person > %s order by person limit %s",
        (order, after, SLICE),
    ).fetchall()
    persons = [person for person, _ in rows]
    named = {pk: person for person, pks in rows for pk in pks}
    others = session.execute(
        "select distinct subject from record where subject = any(%b::bigint[]) and type = %s and not deleted"
        " and pk <> all(%b::bigint[]) order by 1",
        (persons, resource_types()["Patient"], list(named)),
    ).fetchall()
    shared = [row[0] for row in others]
    return Members(persons, shared, [pk for pk, person in named.items() if person in set(shared)])
