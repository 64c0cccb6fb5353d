"""Users as metadata documents: created, changed, refused, and given back without their passwords."""

from typing import Any

import pytest

from tracker_core import history, users
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.users.writing import Plan

AMINA = {
    "id": "UsAmina0001",
    "username": "amina",
    "password": "Very-good-1",
    "firstName": "Amina",
    "surname": "Test",
    "userRoles": [{"id": "UrDataEntry"}],
    "organisationUnits": [{"id": "OuClinic001"}],
    "interests": "weaving",
}


def given(session: Session, context: Context, *docs: dict[str, Any]) -> Plan:
    """Plan and, without issues, write."""
    made = users.plan(session, docs)
    if not made.issues:
        users.write(session, context, made)
    return made


def test_a_user_comes_and_changes(session: Session, context: Context) -> None:
    """A document makes an account that logs in; the same once more changes nothing; a new password counts."""
    assert [o.action for o in given(session, context, AMINA).outcomes] == ["created"]
    assert users.verify(session, "amina", "Very-good-1") is not None
    bare = {k: v for k, v in AMINA.items() if k != "password"}
    assert [o.action for o in given(session, context, bare).outcomes] == ["unchanged"]
    account = users.find(session, "amina")
    assert account is not None
    token = users.open_session(session, account)
    assert [o.action for o in given(session, context, {**AMINA, "password": "Other-good-1"}).outcomes] == ["updated"]
    assert users.verify(session, "amina", "Other-good-1") is not None
    assert users.find_session(session, token) is None
    assert [o.action for o in given(session, context, {**bare, "disabled": True}).outcomes] == ["updated"]
    assert users.find(session, "amina") is None


def test_a_document_is_given_back_without_the_password(session: Session, context: Context) -> None:
    """Unknown properties stay; the password does not; lists are there though empty."""
    given(session, context, AMINA)
    (found,) = users.documents(session, ["UsAmina0001"])
    assert {k: v for k, v in AMINA.items() if k != "password"}.items() <= found.items()
    assert "password" not in str(found)
    assert found["name"] == found["displayName"] == "Amina Test"
    assert found["teiSearchOrganisationUnits"] == []
    assert found["disabled"] is False
    users.create(session, "machine", "secret")
    assert [doc["name"] for doc in users.documents(session)] == ["Amina Test", "machine"]


def test_the_older_form(session: Session, context: Context) -> None:
    """What older versions write into `userCredentials` counts, and without a password nobody gets in."""
    older = {
        "id": "UsOlder0001",
        "firstName": "Older",
        "surname": "Form",
        "userCredentials": {"username": "older", "userRoles": [{"id": "UrDataEntry"}], "disabled": True},
    }
    assert given(session, context, older).issues == []
    (found,) = users.documents(session, ["UsOlder0001"])
    assert (found["username"], found["disabled"], found["userRoles"]) == ("older", True, [{"id": "UrDataEntry"}])
    assert users.verify(session, "older", "!") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": ""}, "E4000"),
        ({"username": "a b c d"}, "E4049"),
        ({"username": "abc"}, "E4049"),
        ({"username": "mllp"}, "E4049"),
        ({"username": "bola"}, "E4054"),
        ({"firstName": ""}, "E4000"),
        ({"surname": None}, "E4000"),
        ({"userRoles": []}, "E4055"),
        ({"password": "easy"}, "E4005"),
        ({"id": "UsBola00001", "username": "other"}, "E4056"),
    ],
)
def test_what_is_refused(session: Session, context: Context, change: dict[str, Any], code: str) -> None:
    """Each fault has DHIS2's code, and nothing is written."""
    given(session, context, {**AMINA, "id": "UsBola00001", "username": "bola"})
    before = users.documents(session)
    assert [issue.code for issue in given(session, context, {**AMINA, **change}).issues] == [code]
    assert users.documents(session) == before


def test_two_of_one_name_in_a_payload(session: Session, context: Context) -> None:
    """A name may come once."""
    made = given(session, context, AMINA, {**AMINA, "id": "UsOther0001"})
    assert [issue.code for issue in made.issues] == ["E4054"]


def test_an_account_of_the_hub_needs_no_role(session: Session, context: Context) -> None:
    """The administrator made at the first start, known by name, may be written without a role."""
    users.ensure_admin(session, "secret")
    made = given(session, context, {"username": "admin", "firstName": "Ad", "surname": "Min", "email": "a@b.example"})
    assert (made.issues, [o.action for o in made.outcomes]) == ([], ["updated"])
    assert users.verify(session, "admin", "secret") is not None


def test_an_account_without_units_shows_the_roots(session: Session, metadata_here: Metadata) -> None:
    """What it works with is what it shows, so that writing it back takes nothing away."""
    users.ensure_admin(session, "secret")
    (found,) = users.documents(session)
    roots = sorted(unit.uid for unit in metadata_here.org_units.values() if unit.level == 1)
    assert found["organisationUnits"] == [{"id": uid} for uid in roots]


def test_a_user_goes_with_what_is_theirs(session: Session, context: Context) -> None:
    """Deleting an account leaves a change row and no account."""
    given(session, context, AMINA)
    users.remove(session, history.open_change_set(session, "admin"), ["UsAmina0001"])
    assert users.documents(session) == []
    actions = session.execute("select action from change where kind = 'user' order by id").fetchall()
    assert actions == [("create",), ("delete",)]
