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


def persons(session: Session, patients: Sequence[str]) -> list[int]:
    """Return the persons (keys) behind these Patient ids, in ascending order; ids of nobody are passed over."""
    found = read(session, [("Patient", id) for id in patients])
    return sorted({one.subject for one in found.values() if one.subject is not None and not one.deleted})


def slice_of(session: Session, persons: Sequence[int], patients: Sequence[str]) -> Members:
    """Return some of the persons behind the Patients with these ids as a slice of an export."""
    named = {one.pk: one.subject for one in read(session, [("Patient", id) for id in patients]).values()}
    rows = session.execute(
        "select pk, subject from record where subject = any(%b::bigint[]) and type = %s and not deleted",
        (list(persons), resource_types()["Patient"]),
    ).fetchall()
    shared = {subject for pk, subject in rows if pk not in named}
    return Members(list(persons), sorted(shared), [pk for pk, subject in named.items() if subject in shared])
