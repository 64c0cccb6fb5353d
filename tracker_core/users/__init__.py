"""Users: the accounts that log in, their passwords, and the sessions of browsers."""

from tracker_core.users.accounts import (
    ADMIN,
    Account,
    create,
    ensure_admin,
    find,
    set_password,
    verify,
)
from tracker_core.users.passwords import hash_password
from tracker_core.users.reading import documents, names_of, uids_of
from tracker_core.users.sessions import COOKIE, HOURS, close_session, find_session, open_session
from tracker_core.users.writing import Plan, fault, plan, remove, write

__all__ = [
    "ADMIN",
    "COOKIE",
    "HOURS",
    "Account",
    "Plan",
    "close_session",
    "create",
    "documents",
    "ensure_admin",
    "fault",
    "find",
    "find_session",
    "hash_password",
    "names_of",
    "open_session",
    "plan",
    "remove",
    "set_password",
    "uids_of",
    "verify",
    "write",
]
