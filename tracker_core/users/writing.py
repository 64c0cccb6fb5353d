"""Writing users: the documents of `/api/users` and of packages, which are the accounts that log in.

Like org units, users live in rows of their own. What a document says of logging in (`username`, `password`, `disabled`)
goes to columns, and the password never comes back.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from tracker_core import history, settings
from tracker_core.access.actor import MACHINES
from tracker_core.context import Context, User
from tracker_core.database import Session, next_pks
from tracker_core.issues import Issue, Outcome
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.model import Metadata
from tracker_core.metadata.snapshot import bump
from tracker_core.uids import new_uid
from tracker_core.users import groups, passwords
from tracker_core.users.passwords import LOCKED, hash_password
from tracker_core.users.reading import UNITS

TYPE = "users"
_USERNAME = re.compile(r"(?=.{4,255}\Z)(?![_.@])(?!.*[_.@-]{2})[A-Za-z0-9_.@-]+(?<![_.@])\Z")
# Columns of their own, what is computed when a user is read, and what other objects hold.
_APART = frozenset(
    "id username password disabled created lastUpdated createdBy lastUpdatedBy user name displayName access href"
    " authorities settings userCredentials userGroups patTokens programs dataSets twoFactorEnabled twoFactorType"
    " userAccesses userGroupAccesses externalAccess publicAccess favorite favorites".split()
)


@dataclass(slots=True)
class Writing:
    """One user to write; an empty `password` keeps the old one.

    `old` is what is stored: the document and whether the account is disabled, None for a new one. `own` are authorities
    that the account has without a role. `groups` are those that are to list the user and no others, None to leave them.
    """

    uid: str
    username: str
    doc: dict[str, Any]
    disabled: bool = False
    password: str = ""
    pk: int = 0
    old: tuple[dict[str, Any], bool] | None = None
    own: Sequence[str] = ()
    groups: Sequence[str] | None = None

    @property
    def action(self) -> Literal["created", "updated", "unchanged"]:
        """What writing it comes to."""
        if self.old is None:
            return "created"
        same = self.old == (self.doc, self.disabled) and not self.password
        return "unchanged" if same else "updated"


@dataclass(slots=True)
class Plan:
    """What an import of users will do."""

    users: list[Writing] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Outcome]:
        """One outcome per user, in the order given."""
        return [Outcome(TYPE, user.uid, user.action) for user in self.users]


@dataclass(frozen=True, slots=True)
class _Row:
    pk: int
    uid: str
    username: str
    disabled: bool
    authorities: Sequence[str]
    doc: dict[str, Any]


def plan(session: Session, docs: Sequence[Mapping[str, Any]]) -> Plan:
    """Match `docs` with the accounts, by id and else by name, and check them (DHIS2's codes E4005, E4049, E4054 …)."""
    made = Plan()
    if not docs:
        return made
    rows = _read(session, docs)
    by_uid, by_name = {row.uid: row for row in rows}, {row.username: row for row in rows}
    lengths = _lengths(session)
    for doc in docs:
        given = _given(doc)
        row = by_uid.get(str(given.get("id") or "")) or (None if given.get("id") else by_name.get(given["username"]))
        user = _writing(given, row)
        made.users.append(user)
        made.issues += _wrong(user, given, row, by_name)
        if user.password and (text := passwords.fault(user.password, user.username, *lengths)):
            made.issues.append(_issue("E4005", f"Property `password` requires a valid password, `{text}`", user))
    made.issues += _repeated(made.users)
    return made


def overreach(known: Metadata, made: Plan, user: User) -> Iterable[Issue]:
    """Yield an issue for every user of a plan who has, or would get, an authority that `user` has not.

    So nobody rises by writing users: not by giving roles, and not by changing the account of somebody mightier.
    """
    for writing in made.users:
        before = writing.old[0] if writing.old else {}
        roles = {reference(role) for doc in (before, writing.doc) for role in doc.get("userRoles") or ()}
        found = (known.get("userRoles", role) for role in roles)
        needed = {*writing.own}.union(*(each.doc.get("authorities") or () for each in found if each))
        if writing.action != "unchanged" and needed - user.authorities and "ALL" not in user.authorities:
            code = "E3000" if writing.old is None else "E3001"
            what = "create objects of type User" if writing.old is None else f"update object `{writing.username}`"
            yield _issue(code, f"User `{user.username}` is not allowed to {what}", writing)


def fault(session: Session, password: str, username: str) -> str:
    """Return what DHIS2's rules and the system settings find wrong with a new password, or the empty text."""
    return passwords.fault(password, username, *_lengths(session))


def _lengths(session: Session) -> tuple[int, int]:
    rules = settings.read_system(session)
    return int(rules["minPasswordLength"] or 0), int(rules["maxPasswordLength"] or 0)


def write(session: Session, context: Context, made: Plan) -> None:
    """Store the created and updated users of a plan without issues. New passwords end every session."""
    created = [user for user in made.users if user.action == "created"]
    updated = [user for user in made.users if user.action == "updated"]
    for user, pk in zip(created, next_pks(session, len(created)), strict=True):
        user.pk = pk
    session.execute(
        "insert into user_account (pk, uid, username, password, disabled, doc, created, updated, created_by,"
        " updated_by) select a.pk, a.uid, a.username, a.password, a.disabled, a.doc::jsonb, %s, %s, %s, %s from"
        " unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::bool[], %b::text[])"
        " as a (pk, uid, username, password, disabled, doc)",
        (context.at, context.at, context.actor, context.actor, *_columns(created)),
    )
    session.execute(
        "update user_account u set doc = a.doc::jsonb, disabled = a.disabled, updated = %s, updated_by = %s,"
        " password = case when a.password = %s then u.password else a.password end"
        " from unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::bool[], %b::text[])"
        " as a (pk, uid, username, password, disabled, doc) where u.pk = a.pk",
        (context.at, context.actor, LOCKED, *_columns(updated)),
    )
    changed = [user.pk for user in updated if user.password or user.disabled]
    session.execute("delete from login_session where account = any(%b)", (changed,))
    groups.join(session, context, {user.uid: user.groups for user in made.users if user.groups is not None})
    if created or updated:
        bump(session)
    noted = [history.Change("user", u.pk, "create" if u.old is None else "update") for u in [*created, *updated]]
    history.note_changes(session, context, noted)


def remove(session: Session, context: Context, uids: Iterable[str]) -> None:
    """Delete accounts with what is theirs alone: settings, their own data store, sessions."""
    rows = session.execute("delete from user_account where uid = any(%b) returning pk", (list(uids),)).fetchall()
    bump(session)
    history.note_changes(session, context, [history.Change("user", row[0], "delete") for row in rows])


def _read(session: Session, docs: Sequence[Mapping[str, Any]]) -> list[_Row]:
    given = [_given(doc) for doc in docs]
    rows = session.execute(
        "select pk, uid, username, disabled, authorities, doc from user_account"
        " where uid = any(%b) or username = any(%b)",
        ([str(doc.get("id") or "") for doc in given], [str(doc["username"]) for doc in given]),
    )
    return [_Row(*row) for row in rows]


def _given(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with what older versions keep in `userCredentials` at its place."""
    older = doc.get("userCredentials")
    older = older if isinstance(older, Mapping) else {}
    moved = {k: older[k] for k in ("username", "password", "disabled", "userRoles") if older.get(k) is not None}
    found = {**moved, **{k: v for k, v in doc.items() if v is not None}}
    return {**found, "username": str(found.get("username") or "")}


def _writing(given: Mapping[str, Any], row: _Row | None) -> Writing:
    kept = {k: v for k, v in given.items() if k not in _APART}
    kept = {**{name: [] for name in UNITS}, **kept}
    password = given.get("password")
    return Writing(
        uid=str(given.get("id") or (row.uid if row else new_uid())),
        username=str(given["username"] or (row.username if row else "")),
        doc=kept,
        disabled=bool(given.get("disabled")),
        password=password if isinstance(password, str) else "",
        pk=row.pk if row else 0,
        old=(row.doc, row.disabled) if row else None,
        own=row.authorities if row else (),
        groups=[reference(group) for group in given["userGroups"]] if given.get("userGroups") is not None else None,
    )


def _wrong(user: Writing, given: Mapping[str, Any], row: _Row | None, by_name: Mapping[str, _Row]) -> Iterable[Issue]:
    found = []
    if not user.username:
        found.append(_issue("E4000", "Missing required property `username`", user))
    elif row is None and (_USERNAME.match(user.username) is None or user.username in MACHINES):
        text = f"Property `username` requires a valid username, was given `{user.username}`"
        found.append(_issue("E4049", text, user, user.username))
    elif row is not None and user.username != row.username:
        text = f"Property `username` can not be changed, was given `{user.username}`."
        found.append(_issue("E4056", text, user, user.username))
    elif (owner := by_name.get(user.username)) is not None and owner.uid != user.uid:
        text = f"Property `username` already exists, was given `{user.username}`."
        found.append(_issue("E4054", text, user, user.username))
    found += [
        _issue("E4000", f"Missing required property `{name}`", user)
        for name in ("firstName", "surname")
        if row is None and not given.get(name)
    ]
    if not user.doc.get("userRoles") and not (row and row.authorities):
        found.append(_issue("E4055", "User needs to have at least one user role associated with it", user))
    return found


def _repeated(users: Iterable[Writing]) -> Iterable[Issue]:
    names: dict[str, str] = {}
    for user in users:
        if user.username and names.setdefault(user.username, user.uid) != user.uid:
            text = f"Property `username` already exists, was given `{user.username}`."
            yield _issue("E4054", text, user, user.username)


def _issue(code: str, text: str, user: Writing, value: str = "") -> Issue:
    return Issue(code, text, where=f"{TYPE} {user.uid}", value=value)


def _columns(users: Iterable[Writing]) -> tuple[list[Any], ...]:
    listed = list(users)
    return (
        [user.pk for user in listed],
        [user.uid for user in listed],
        [user.username for user in listed],
        [hash_password(user.password) if user.password else LOCKED for user in listed],
        [user.disabled for user in listed],
        [orjson.dumps(user.doc).decode() for user in listed],
    )
