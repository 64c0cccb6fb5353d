"""Users, roles and groups written over HTTP: accounts that log in, and nobody who rises by writing them."""

from typing import Any

import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import users
from tracker_core.database import transaction

ROLE, MIGHTY, GROUP, CEDAR = "UrDataEntry", "UrSuperuser", "UgNurses001", "OuClinicC00"
AMINA: dict[str, Any] = {
    "id": "UsAmina0001",
    "username": "amina",
    "password": "Very-good-1",
    "firstName": "Amina",
    "surname": "Test",
    "userRoles": [{"id": ROLE}],
    "userGroups": [{"id": GROUP}],
    "organisationUnits": [{"id": CEDAR}],
}
PATCH = {"Content-Type": "application/json-patch+json"}


@pytest.fixture
def roles(client: Client) -> Client:
    """The administrator's client, with a role for data entry, one for everything, and a group."""
    payload = {
        "userRoles": [
            {"id": ROLE, "name": "Data entry", "authorities": ["F_VIEW_EVENT_ANALYTICS"]},
            {"id": MIGHTY, "name": "Superuser", "authorities": ["ALL"]},
        ],
        "userGroups": [{"id": GROUP, "name": "Nurses", "users": []}],
    }
    answer = client.post("/api/metadata", json=payload)
    assert answer.status_code == 200, answer.text
    return client


@pytest.fixture
def keeper(way: HubAccess, roles: Client) -> Client:
    """A client whose user may write users and roles, and do what data entry does."""
    able = ["F_USER_ADD", "F_USER_DELETE", "F_USERROLE_PUBLIC_ADD", "F_VIEW_EVENT_ANALYTICS", "F_METADATA_IMPORT"]
    with transaction(way.runtime.pool) as session:
        users.create(session, "keeper", "secret", able)
    return client_of(way, able, "keeper")


def test_a_user_from_beginning_to_end(roles: Client, way: HubAccess) -> None:
    """Created, in groups, able to log in, changed whole and in parts, found in lists, deleted."""
    made = roles.post("/api/users", json=AMINA)
    assert (made.status_code, made.json()["response"]["uid"]) == (201, "UsAmina0001")
    with transaction(way.runtime.pool) as session:
        assert users.verify(session, "amina", "Very-good-1") is not None
    fields = "username,userRoles[id],userGroups[id],organisationUnits[id],disabled"
    found = roles.get(f"/api/users/UsAmina0001?fields={fields}").json()
    assert found == {
        "username": "amina",
        "userRoles": [{"id": ROLE}],
        "userGroups": [{"id": GROUP}],
        "organisationUnits": [{"id": CEDAR}],
        "disabled": False,
    }
    assert roles.get(f"/api/userGroups/{GROUP}?fields=users[id,username]").json() == {
        "users": [{"id": "UsAmina0001", "username": "amina"}]
    }
    whole = {k: v for k, v in AMINA.items() if k != "password"} | {"surname": "Changed", "userGroups": []}
    assert roles.put("/api/users/UsAmina0001", json=whole).status_code == 200
    assert roles.get(f"/api/userGroups/{GROUP}?fields=users").json() == {"users": []}
    operations = [{"op": "replace", "path": "/disabled", "value": True}]
    assert roles.patch("/api/users/UsAmina0001", json=operations, headers=PATCH).status_code == 200
    listed = roles.get("/api/users?filter=username:eq:amina&fields=surname,disabled").json()["users"]
    assert listed == [{"surname": "Changed", "disabled": True}]
    assert "assword" not in roles.get("/api/users/UsAmina0001").text.replace("passwordLastUpdated", "")
    assert roles.delete("/api/users/UsAmina0001").status_code == 200
    assert roles.get("/api/users/UsAmina0001").status_code == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": "a b"}, "E4049"),
        ({"username": "tester"}, "E4054"),
        ({"password": "easy"}, "E4005"),
        ({"userRoles": []}, "E4055"),
        ({"firstName": None}, "E4000"),
    ],
)
def test_what_is_refused(roles: Client, change: dict[str, Any], code: str) -> None:
    """DHIS2's codes, and no user."""
    answer = roles.post("/api/users", json={**AMINA, **change})
    assert answer.status_code == 409
    assert code in answer.text
    assert roles.get("/api/users/UsAmina0001").status_code == 404


def test_without_the_authority(limited: Client, roles: Client) -> None:
    """Who may not write users is refused."""
    assert limited.post("/api/users", json=AMINA).status_code == 403


def test_nobody_rises_by_writing_users(keeper: Client, roles: Client) -> None:
    """A keeper of users gives no role beyond his own authorities, and does not touch those who have more."""
    assert keeper.post("/api/users", json=AMINA).status_code == 201
    raised = {**AMINA, "userRoles": [{"id": MIGHTY}]}
    for answer in (
        keeper.put("/api/users/UsAmina0001", json=raised),
        keeper.post("/api/users", json={**raised, "id": "UsMighty001", "username": "mighty"}),
        keeper.post("/api/metadata", json={"users": [{**raised, "id": "UsMighty001", "username": "mighty"}]}),
    ):
        assert answer.status_code in (403, 409), answer.text
        assert "E300" in answer.text
    tester = roles.get("/api/me?fields=id").json()["id"]
    stolen = {"id": tester, "username": "tester", "password": "Mine-now-1", "firstName": "T", "surname": "R"}
    assert keeper.put(f"/api/users/{tester}", json=stolen).status_code in (403, 409)
    assert roles.get("/api/users/UsAmina0001?fields=userRoles[id]").json() == {"userRoles": [{"id": ROLE}]}


def test_nobody_rises_by_writing_roles(keeper: Client) -> None:
    """A role with more than one's own authorities can be neither made nor changed."""
    more = {"id": "UrSneaky001", "name": "Sneaky", "authorities": ["ALL"]}
    assert keeper.post("/api/userRoles", json=more).status_code in (403, 409)
    able = {"id": "UrFair00001", "name": "Fair", "authorities": ["F_VIEW_EVENT_ANALYTICS"]}
    assert keeper.post("/api/userRoles", json=able).status_code == 201
    assert keeper.put("/api/userRoles/UrFair00001", json={**able, "authorities": ["ALL"]}).status_code in (403, 409)


def test_a_package_brings_users_twice(roles: Client) -> None:
    """Users in a package are accounts; the second import changes nothing."""
    bare = {k: v for k, v in AMINA.items() if k not in ("password", "userGroups")}
    for counted in ("created", "ignored"):
        answer = roles.post("/api/metadata", json={"users": [bare]})
        assert answer.status_code == 200, answer.text
        assert answer.json()["response"]["stats"][counted] == 1
    exported = roles.get("/api/metadata?users=true").json()["users"]
    assert "amina" in [user["username"] for user in exported]
