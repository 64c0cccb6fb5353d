"""Who set a value, and when: read off the change log, so that values themselves stay plain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core.database import Session

_PREFIX = "dataValues."


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and in which change set a value appeared and last changed. `created` is None: with its object."""

    created: datetime | None
    created_in: int
    updated: datetime
    updated_in: int


def value_stamps(session: Session, pks: list[int]) -> dict[int, dict[str, Stamp]]:
    """Return, by pk, the stamps of those data values that changed after their event was created."""
    stamps: dict[int, dict[str, Stamp]] = {}
    for pk, delta, at, change_set in session.execute(
        "select c.target, c.delta, s.at, s.id from change c join change_set s on s.id = c.change_set"
        " where c.target = any(%b) and c.action = 'update' order by c.id",
        (pks,),
    ):
        own = stamps.setdefault(pk, {})
        for name, (old, _) in (delta or {}).items():
            if name.startswith(_PREFIX):
                element = name[len(_PREFIX) :]
                known = own.get(element)
                created, created_in = (known.created, known.created_in) if known else (None, 0)
                if old is None:
                    created, created_in = at, change_set
                own[element] = Stamp(created, created_in, at, change_set)
    return stamps


def actors(session: Session, change_sets: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return, by change set, its user in DHIS2's form: uid, username, firstName, surname."""
    rows = session.execute(
        "select s.id, s.actor, u.uid, u.doc->>'firstName', u.doc->>'surname' from change_set s"
        " left join user_account u on u.username = s.actor where s.id = any(%b)",
        (list(change_sets),),
    )
    return {
        id: {"uid": uid, "username": actor, "firstName": first, "surname": last} for id, actor, uid, first, last in rows
    }


def user_of(session: Session, username: str) -> dict[str, Any]:
    """Return a user in DHIS2's form; of one who is no more only the name."""
    return users_of(session, [username])[username]


def users_of(session: Session, usernames: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return users in DHIS2's form by name; of those who are no more only the name."""
    rows = session.execute(
        "select a.username, u.uid, u.doc->>'firstName', u.doc->>'surname' from unnest(%b::text[]) as a (username)"
        " left join user_account u on u.username = a.username",
        (sorted(set(usernames)),),
    )
    return {
        username: {"uid": uid, "username": username, "firstName": first, "surname": last}
        for username, uid, first, last in rows
    }
