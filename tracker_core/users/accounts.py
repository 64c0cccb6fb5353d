"""User accounts: passwords kept as scrypt hashes, checked fast when the same login comes again and again."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

import orjson

from tracker_core.access.actor import MACHINES
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed, NotFound
from tracker_core.uids import new_uid
from tracker_core.users.passwords import hash_password, is_right, nobodys_hash

ADMIN = "admin"
# HTTP Basic sends the password with every request. A login that was right stays known to this process for so long, as
# a keyed digest only; a changed password or a disabled account counts at once, because the row is read every time.
_KNOWN_SECONDS = 600.0
_KNOWN_MOST = 10_000
_key = secrets.token_bytes(32)
_known: dict[bytes, float] = {}
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Account:
    """A user who may log in. `authorities` are DHIS2's (`ALL`, `F_…`); `peer` ties a machine account to its peer."""

    pk: int
    uid: str
    username: str
    authorities: tuple[str, ...]
    peer: int | None
    doc: dict[str, Any]

    def may(self, authority: str) -> bool:
        """Tell whether the account has `authority`, or all of them."""
        return "ALL" in self.authorities or authority in self.authorities


def create(
    session: Session,
    username: str,
    password: str,
    authorities: Sequence[str] = (),
    peer: int | None = None,
    doc: dict[str, Any] | None = None,
    actor: str = "system",
) -> Account:
    """Create an account.

    Raises `Conflict` when the name is taken or the hub's own, `Malformed` when name or password is empty.
    """
    if username in MACHINES:
        raise Conflict(f"the user name {username} is the hub's own")
    if not username or not password or ":" in username:
        raise Malformed("a user needs a name without a colon, and a password")
    row = session.execute(
        "insert into user_account (uid, username, password, authorities, peer, doc, created_by, updated_by)"
        " values (%s, %s, %s, %b::text[], %s, %s::jsonb, %s, %s) on conflict (username) do nothing"
        " returning pk, uid, username, authorities, peer, doc",
        (
            new_uid(),
            username,
            hash_password(password),
            list(authorities),
            peer,
            orjson.dumps(doc or {}).decode(),
            actor,
            actor,
        ),
    ).fetchone()
    if row is None:
        raise Conflict(f"the user name {username} is taken")
    return _account(row)


def ensure_admin(session: Session, password: str | None = None) -> str | None:
    """On a database without any account create `admin` with all authorities; return its password, else None.

    Without `password` one of 120 random bits is made up: the caller shows it once.
    """
    if session.execute("select from user_account limit 1").fetchone() is not None:
        return None
    chosen = password or secrets.token_urlsafe(15)
    create(session, ADMIN, chosen, ["ALL"], doc={"firstName": "Hub", "surname": "Administrator"})
    return chosen


def find(session: Session, username: str) -> Account | None:
    """Return the account `username` when it exists and is not disabled."""
    row = session.execute(
        "select pk, uid, username, authorities, peer, doc from user_account where username = %s and not disabled",
        (username,),
    ).fetchone()
    return _account(row) if row else None


def verify(session: Session, username: str, password: str) -> Account | None:
    """Return the account when the password is right and the account enabled, else None.

    The first check costs a scrypt hash, repeats within minutes a keyed digest. An unknown name costs the same as a
    wrong password.
    """
    row = session.execute(
        "select pk, uid, username, authorities, peer, doc, password from user_account"
        " where username = %s and not disabled",
        (username,),
    ).fetchone()
    stored = row[6] if row else nobodys_hash()
    proof = hmac.digest(_key, f"{username}\0{stored}\0{password}".encode(), "sha256")
    if row is not None and _known.get(proof, 0.0) > monotonic():
        return _account(row)
    if not is_right(password, stored) or row is None:
        return None
    _remember(proof)
    return _account(row)


def set_password(session: Session, username: str, password: str, actor: str = "system") -> None:
    """Replace the password of `username`; logins with the old one, and browsers' sessions, end at once.

    Raises `Malformed` for an empty password, `NotFound` for a name that nobody has.
    """
    if not password:
        raise Malformed("a password must not be empty")
    changed = session.execute(
        "update user_account set password = %s, updated = now(), updated_by = %s where username = %s",
        (hash_password(password), actor, username),
    )
    if not changed.rowcount:
        raise NotFound(f"there is no user {username}")
    session.execute(
        "delete from login_session s using user_account a where a.pk = s.account and a.username = %s", (username,)
    )


def _remember(proof: bytes) -> None:
    with _lock:
        if len(_known) >= _KNOWN_MOST:
            _known.clear()
        _known[proof] = monotonic() + _KNOWN_SECONDS


def _account(row: tuple[Any, ...]) -> Account:
    return Account(row[0], row[1], row[2], tuple(row[3]), row[4], row[5])
