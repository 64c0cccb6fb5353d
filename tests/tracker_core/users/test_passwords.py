"""DHIS2's rules for new passwords, accounts without one, and browsers' sessions."""

import pytest

from tracker_core import users
from tracker_core.database import Session
from tracker_core.users import passwords


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("Sh0rt-", "at least 8"),
        ("L0ng-" + "x" * 70, "at most 72"),
        ("No-digits-here", "digit"),
        ("no-upper-1-here", "upper"),
        ("NO-LOWER-1-HERE", "lower"),
        ("NoSpecial1here", "special"),
        ("Xamina-1234", "Username"),
        ("Good-enough-1", ""),
    ],
)
def test_rules(password: str, text: str) -> None:
    """Each rule has its own words; a good password has none."""
    fault = passwords.fault(password, "amina")
    assert text in fault
    assert bool(fault) is bool(text)


def test_an_account_without_a_password_lets_nobody_in(session: Session) -> None:
    """The mark of a missing password is no password."""
    assert not passwords.is_right("!", passwords.LOCKED)


def test_sessions(session: Session) -> None:
    """A token stands for its account until it is closed, it runs out, or the password changes."""
    account = users.create(session, "amina", "enough-Secret1")
    first, second, third = (users.open_session(session, account) for _ in range(3))
    found = users.find_session(session, first)
    assert found is not None
    assert found.username == "amina"
    users.close_session(session, first)
    assert users.find_session(session, first) is None
    session.execute("update login_session set expires = now() - interval '1 second'")
    assert users.find_session(session, second) is None
    fourth = users.open_session(session, account)
    assert session.execute("select count(*) from login_session").fetchall() == [(1,)]
    users.set_password(session, "amina", "other-Secret1")
    assert users.find_session(session, fourth) is None
    assert users.find_session(session, third) is None
