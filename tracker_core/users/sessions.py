"""Sessions of browsers: a random token in a cookie, known here by its digest."""

import hashlib
import secrets

from tracker_core.database import Session
from tracker_core.users.accounts import Account

HOURS = 12
COOKIE = "JSESSIONID"


def open_session(session: Session, account: Account) -> str:
    """Return a fresh token under which `account` is known for `HOURS`; sessions that ended are swept away."""
    token = secrets.token_urlsafe(32)
    session.execute("delete from login_session where expires < now()")
    session.execute(
        "insert into login_session (digest, account, expires) values (%s, %s, now() + make_interval(hours => %s))",
        (_digest(token), account.pk, HOURS),
    )
    return token


def find_session(session: Session, token: str) -> Account | None:
    """Return the account behind a token while the session lasts and the account is enabled."""
    row = session.execute(
        "select a.pk, a.uid, a.username, a.authorities, a.peer, a.doc from login_session s"
        " join user_account a on a.pk = s.account where s.digest = %s and s.expires > now() and not a.disabled",
        (_digest(token),),
    ).fetchone()
    return Account(row[0], row[1], row[2], tuple(row[3]), row[4], row[5]) if row else None


def close_session(session: Session, token: str) -> None:
    """End one session."""
    session.execute("delete from login_session where digest = %s", (_digest(token),))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
