"""Accounts: who may log in, and how soon a change counts."""

import pytest

from tracker_core import users
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed


def test_the_right_password_gives_the_account(session: Session) -> None:
    """First and repeated checks agree; a wrong password and an unknown name give nothing."""
    made = users.create(session, "nurse", "secret words", ["F_X"], doc={"surname": "Aba"})
    for _ in range(2):
        assert users.verify(session, "nurse", "secret words") == made
        assert users.verify(session, "nurse", "other words") is None
    assert users.verify(session, "nobody", "secret words") is None
    assert made.may("F_X")
    assert not made.may("F_Y")
    assert users.find(session, "nurse") == made


def test_a_new_password_ends_the_old_one_at_once(session: Session) -> None:
    """The process's memory of right logins never outlives the stored hash."""
    users.create(session, "nurse", "old")
    assert users.verify(session, "nurse", "old")
    users.set_password(session, "nurse", "new")
    assert users.verify(session, "nurse", "old") is None
    assert users.verify(session, "nurse", "new")


def test_a_disabled_account_is_out_at_once(session: Session) -> None:
    """Disabling counts for the next request, whatever the process remembers."""
    users.create(session, "nurse", "words")
    assert users.verify(session, "nurse", "words")
    session.execute("update user_account set disabled = true")
    assert users.verify(session, "nurse", "words") is None
    assert users.find(session, "nurse") is None


def test_passwords_are_not_stored(session: Session) -> None:
    """The row holds a salted hash: equal passwords look different."""
    users.create(session, "a", "same")
    users.create(session, "b", "same")
    stored = [row[0] for row in session.execute("select password from user_account").fetchall()]
    assert len(set(stored)) == 2
    assert all(text.startswith("scrypt$16384$8$1$") for text in stored)


def test_names_are_unique_and_usable_in_http_basic(session: Session) -> None:
    """A taken name is a conflict; an empty name, a colon or an empty password is refused."""
    users.create(session, "nurse", "x")
    with pytest.raises(Conflict):
        users.create(session, "nurse", "y")
    for name, password in (("", "x"), ("a:b", "x"), ("c", "")):
        with pytest.raises(Malformed):
            users.create(session, name, password)


def test_the_first_start_makes_an_administrator(session: Session) -> None:
    """Only an empty account table gets `admin`; a password that was not given is made up and returned once."""
    password = users.ensure_admin(session)
    assert password is not None
    admin = users.verify(session, "admin", password)
    assert admin is not None
    assert admin.may("F_ANYTHING")
    assert users.ensure_admin(session, "other") is None
    assert users.verify(session, "admin", "other") is None


def test_the_administrators_password_may_be_given(session: Session) -> None:
    """The given password is the one that works."""
    assert users.ensure_admin(session, "given") == "given"
    assert users.verify(session, "admin", "given")
