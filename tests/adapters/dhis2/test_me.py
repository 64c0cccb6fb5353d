"""The user who asks, and users beside reading and writing them."""

from typing import Any

import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import history, metadata, users
from tracker_core.database import transaction

ROLE, GROUP, CEDAR = "UrDataEntry", "UgNurses001", "OuClinicC00"


@pytest.fixture
def nurse(way: HubAccess) -> Client:
    """A nurse at Clinic Cedar with a role and a group."""
    doc = {"firstName": "Amina", "surname": "Test", "userRoles": [{"id": ROLE}], "organisationUnits": [{"id": CEDAR}]}
    with transaction(way.runtime.pool) as session:
        context = history.open_change_set(session, "tester")
        payload = {
            "userRoles": [{"id": ROLE, "name": "Data entry", "authorities": ["F_VIEW_EVENT_ANALYTICS"]}],
            "userGroups": [{"id": GROUP, "name": "Nurses", "users": [{"id": "UsAmina0001"}]}],
        }
        made = users.plan(session, [{**doc, "id": "UsAmina0001", "username": "amina", "password": "Very-good-1"}])
        users.write(session, context, made)
        report = metadata.import_objects(session, context, payload)
        assert report.errors == []
    return client_of(way, ["F_VIEW_EVENT_ANALYTICS"], "amina")


def test_what_capture_asks_of_me(nurse: Client) -> None:
    """The fields of the start-up requests, with references as deep as they are asked for."""
    fields = (
        "id,firstName,surname,userRoles[id],userGroups[id],organisationUnits[id,path],"
        "teiSearchOrganisationUnits[id,path],settings"
    )
    assert nurse.get(f"/api/42/me?fields={fields}").json() == {
        "id": "UsAmina0001",
        "firstName": "Amina",
        "surname": "Test",
        "userRoles": [{"id": ROLE}],
        "userGroups": [{"id": GROUP}],
        "organisationUnits": [{"id": CEDAR, "path": f"/OuCountry00/OuSouth0000/{CEDAR}"}],
        "teiSearchOrganisationUnits": [],
        "settings": {
            "keyUiLocale": "en",
            "keyDbLocale": "en",
            "keyStyle": "light_blue/light_blue.css",
            "keyAnalysisDisplayProperty": "name",
            "keyMessageEmailNotification": True,
            "keyMessageSmsNotification": True,
            "keyTrackerDashboardLayout": None,
        },
    }
    found = nurse.get("/api/me?fields=authorities,avatar,email,name,settings[keyUiLocale]").json()
    assert found == {"authorities": ["F_VIEW_EVENT_ANALYTICS"], "name": "Amina Test", "settings": {"keyUiLocale": "en"}}
    assert nurse.get("/api/me.json?fields=userCredentials[userRoles]").json() == {
        "userCredentials": {"userRoles": [{"id": ROLE}]}
    }
    roles = nurse.get("/api/me?fields=userRoles[id,name,authorities]").json()["userRoles"]
    assert roles == [{"id": ROLE, "name": "Data entry", "authorities": ["F_VIEW_EVENT_ANALYTICS"]}]


def test_all_of_me(nurse: Client) -> None:
    """Without fields everything comes, and no password."""
    answer = nurse.get("/api/me")
    found = answer.json()
    assert {"id", "username", "programs", "dataSets", "authorities", "settings", "patTokens", "displayName"} <= set(
        found
    )
    assert "PrMalaria00" in found["programs"]
    assert "assword" not in answer.text.replace("passwordLastUpdated", "")


def test_parts_of_me(nurse: Client, client: Client) -> None:
    """Authorities as a list and one by one; what is unread."""
    assert nurse.get("/api/me/authorities").json() == ["F_VIEW_EVENT_ANALYTICS"]
    assert nurse.get("/api/me/authorization/F_VIEW_EVENT_ANALYTICS").json() is True
    assert nurse.get("/api/me/authorization/ALL").json() is False
    assert client.get("/api/me/authorization/F_ANYTHING").json() is True
    assert nurse.get("/api/me/dashboard").json() == {"unreadInterpretations": 0, "unreadMessageConversations": 0}


def test_changing_oneself(nurse: Client) -> None:
    """Users say who they are; roles, units and passwords in the body are left alone."""
    body = {"firstName": "Aminata", "email": "amina@example.org", "userRoles": [], "organisationUnits": []}
    found = nurse.put("/api/me?fields=firstName,email,userRoles[id],organisationUnits[id]", json=body).json()
    assert found == {
        "firstName": "Aminata",
        "email": "amina@example.org",
        "userRoles": [{"id": ROLE}],
        "organisationUnits": [{"id": CEDAR}],
    }


def test_changing_the_password(nurse: Client, way: HubAccess) -> None:
    """The old one must be right, the new one good; the old one ends."""

    def change(old: str, new: str) -> int:
        return nurse.put("/api/me/changePassword", json={"oldPassword": old, "newPassword": new}).status_code

    assert nurse.post("/api/me/validatePassword", json={"password": "easy"}).json()["isValidPassword"] is False
    assert nurse.post("/api/me/validatePassword", json={"password": "Other-good-1"}).json() == {"isValidPassword": True}
    refused = [change("wrong", "Other-good-1"), change("Very-good-1", "easy"), change("Very-good-1", "Very-good-1")]
    assert refused == [409, 409, 409]
    assert change("Very-good-1", "") == 400
    assert change("Very-good-1", "Other-good-1") == 202
    for password, right in (("Very-good-1", False), ("Other-good-1", True)):
        answer = nurse.post("/api/me/verifyPassword", json={"password": password})
        assert answer.json() == {"isCorrectPassword": right}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("query=ami", ["amina"]),
        ("query=AMINA%20T", ["amina"]),
        ("query=tester", ["tester"]),
        ("query=nobody", []),
        ("query=ami&orgUnitBoundary=DATA_CAPTURE", ["amina"]),
        ("authorities=F_VIEW_EVENT_ANALYTICS&query=ami", ["amina"]),
        ("authorities=F_OTHER&query=ami", []),
    ],
)
def test_looking_users_up(nurse: Client, query: str, found: list[str]) -> None:
    """By a part of the name, within scopes, with authorities."""
    answer = nurse.get(f"/api/userLookup?{query}").json()
    assert [user["username"] for user in answer["users"]] == found


def test_looking_one_user_up(nurse: Client, stranger: Client) -> None:
    """By id or name; nothing more than who it is; a boundary that is none, a user outside of it."""
    expected: dict[str, Any] = {
        "id": "UsAmina0001",
        "username": "amina",
        "firstName": "Amina",
        "surname": "Test",
        "displayName": "Amina Test",
    }
    assert nurse.get("/api/userLookup/UsAmina0001").json() == nurse.get("/api/userLookup/amina").json() == expected
    assert nurse.get("/api/userLookup/nobody").status_code == 404
    assert nurse.get("/api/userLookup?orgUnitBoundary=HERE").status_code == 400
    found = stranger.get("/api/userLookup?query=tester&orgUnitBoundary=DATA_CAPTURE").json()
    assert found == {"users": []}


def test_every_authority(client: Client) -> None:
    """Those of the types and those of the system."""
    found = {each["id"] for each in client.get("/api/authorities").json()["systemAuthorities"]}
    assert {"ALL", "F_METADATA_IMPORT", "F_USER_ADD", "F_ORGANISATIONUNIT_ADD"} <= found


def test_a_replica(client: Client, nurse: Client, way: HubAccess) -> None:
    """A copy has roles, units and settings of its model, and its own name and password."""
    nurse.post("/api/userSettings/keyUiLocale?value=fr")
    path = "/api/users/UsAmina0001/replica"
    answer = client.post(path, json={"username": "bola1", "password": "Very-good-2"})
    assert (answer.status_code, answer.json()["message"]) == (201, "User replica created")
    made = client_of(way, [], "bola1").get("/api/me?fields=id,userRoles[id],settings[keyUiLocale]").json()
    uid = answer.json()["response"]["uid"]
    assert made == {"id": uid, "userRoles": [{"id": ROLE}], "settings": {"keyUiLocale": "fr"}}
    assert client.post(path, json={"username": "bola1", "password": "Very-good-2"}).json()["errorCode"] == "E4054"
    assert client.post(path, json={"username": "chidi"}).status_code == 409
    assert client.post("/api/users/UsNobody001/replica", json={}).status_code == 404
    assert nurse.post(path, json={"username": "chidi", "password": "Very-good-2"}).status_code == 403


def test_switching_off_and_on(client: Client, nurse: Client, way: HubAccess) -> None:
    """An account is disabled and enabled; not one's own, not one with more authorities than one has."""
    assert client.post("/api/users/UsAmina0001/disabled").status_code == 204
    assert client.get("/api/users/UsAmina0001?fields=disabled").json() == {"disabled": True}
    assert client.post("/api/users/UsAmina0001/enabled").status_code == 204
    assert nurse.post("/api/users/UsAmina0001/disabled").status_code == 403
    me = client.get("/api/me?fields=id").json()["id"]
    assert client.post(f"/api/users/{me}/disabled").status_code == 409
    with transaction(way.runtime.pool) as session:
        users.create(session, "keeper", "secret", ["F_USER_ADD"])
    assert client_of(way, ["F_USER_ADD"], "keeper").post(f"/api/users/{me}/disabled").status_code == 403
