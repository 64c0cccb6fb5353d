"""Sharing dialogs: what they read, what they write, and who may."""

from typing import Any

import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import users
from tracker_core.database import transaction

PROGRAM = "/api/sharing?type=program&id=PrMalaria00"
GROUP = "UgNurses001"


@pytest.fixture
def owner(client: Client, way: HubAccess) -> Client:
    """The owner of the malaria program, which is nobody else's; there is a group of nurses without members."""
    with transaction(way.runtime.pool) as session:
        uid = users.create(session, "owner", "secret", doc={"firstName": "Olu", "surname": "Owner"}).uid
    payload = {"userGroups": [{"id": GROUP, "name": "Nurses", "users": []}]}
    assert client.post("/api/metadata", json=payload).status_code == 200
    given = {"object": {"publicAccess": "--------", "user": {"id": uid}}}
    assert client.put(PROGRAM, json=given).json()["message"] == "Access control set"
    return client_of(way, [], "owner")


def test_the_dialog_reads_and_writes(client: Client, owner: Client) -> None:
    """Users and groups come with their names; what is written is read again."""
    found = client.get(PROGRAM).json()
    me = found["object"]["user"]["id"]
    given = {
        "publicAccess": "r-r-----",
        "externalAccess": False,
        "user": {"id": me},
        "userAccesses": [{"id": me, "access": "rwrw----"}],
        "userGroupAccesses": [{"id": GROUP, "access": "rwr-----"}],
    }
    assert client.post(PROGRAM, json={"meta": found["meta"], "object": given}).status_code == 200
    assert client.get(PROGRAM).json() == {
        "meta": {"allowPublicAccess": True, "allowExternalAccess": True},
        "object": {
            "id": "PrMalaria00",
            "name": "Malaria cases",
            "displayName": "Malaria cases",
            "publicAccess": "r-r-----",
            "externalAccess": False,
            "user": {"id": me, "name": "Olu Owner", "displayName": "Olu Owner"},
            "userAccesses": [{"id": me, "name": "Olu Owner", "displayName": "Olu Owner", "access": "rwrw----"}],
            "userGroupAccesses": [{"id": GROUP, "name": "Nurses", "displayName": "Nurses", "access": "rwr-----"}],
        },
    }


def test_sharing_is_enforced_on_reads(client: Client, owner: Client, limited: Client) -> None:
    """A program that is not shared is not there for others, alone and in lists; opened, it is."""
    assert limited.get("/api/programs/PrMalaria00").status_code == 404
    assert limited.get("/api/programs?filter=id:eq:PrMalaria00").json()["programs"] == []
    assert owner.get("/api/programs/PrMalaria00").status_code == 200
    client.put(PROGRAM, json={"object": {"publicAccess": "r-------"}})
    found = limited.get("/api/programs/PrMalaria00?fields=access[read,write,data]").json()["access"]
    assert found == {"read": True, "write": False, "data": {"read": False, "write": False}}


def test_who_may(owner: Client, limited: Client) -> None:
    """The owner manages and may not publish; others do not see it; a reader may not manage."""
    entries = [{"id": GROUP, "access": "r-------"}]
    shared: dict[str, Any] = {"publicAccess": "--------", "userGroupAccesses": entries}
    assert owner.put(PROGRAM, json={"object": shared}).status_code == 200
    assert owner.put(PROGRAM, json={"object": {**shared, "publicAccess": "r-------"}}).status_code == 403
    assert owner.get(PROGRAM).json()["meta"] == {"allowPublicAccess": False, "allowExternalAccess": False}
    assert limited.get(PROGRAM).status_code == 404
    assert limited.put(PROGRAM, json={"object": shared}).status_code == 404


def test_readers_may_not_manage(client: Client, owner: Client, limited: Client) -> None:
    """Who may only read an object is refused."""
    client.put(PROGRAM, json={"object": {"publicAccess": "r-------"}})
    assert limited.get(PROGRAM).status_code == 403
    assert limited.put(PROGRAM, json={"object": {"publicAccess": "rw------"}}).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/sharing?type=nothing&id=PrMalaria00", {"object": {}}, 409, None),
        ("/api/sharing?type=option&id=FKKrOBBFgs1", {"object": {}}, 409, None),
        ("/api/sharing?type=program&id=PrNowhere00", {"object": {}}, 404, None),
        (PROGRAM, {"object": {"publicAccess": "everything"}}, 409, "E3010"),
        (PROGRAM, {"object": {"userAccesses": [{"id": "UsTester001"}], "publicAccess": "rx------"}}, 409, "E3010"),
        ("/api/sharing?type=optionSet&id=WDUwjiW2rGH", {"object": {"publicAccess": "rwrw----"}}, 409, "E3011"),
        (PROGRAM, {}, 400, None),
    ],
)
def test_wrong_requests(client: Client, path: str, body: dict[str, Any], status: int, code: str | None) -> None:
    """A type that is not shared, an object that is not there, access strings that are none."""
    answer = client.put(path, json=body)
    assert (answer.status_code, answer.json().get("errorCode")) == (status, code)


def test_an_entry_of_the_data_store(client: Client, limited: Client) -> None:
    """Entries are shared by their uid."""
    client.post("/api/dataStore/ns/key", json=1)
    uid = client.get("/api/dataStore/ns/key/metaData").json()["id"]
    path = f"/api/sharing?type=dataStore&id={uid}"
    assert client.get(path).json()["object"]["publicAccess"] == "rw------"
    assert client.put(path, json={"object": {"publicAccess": "--------"}}).status_code == 200
    assert limited.get("/api/dataStore/ns/key").status_code == 403


def test_searching_for_holders(client: Client, owner: Client) -> None:
    """Users and groups by a part of their names."""
    assert client.get("/api/sharing/search?key=nur").json()["userGroups"][0]["id"] == GROUP
    assert client.get("/api/sharing/search?key=OLU").json()["users"][0]["username"] == "owner"
    assert client.get("/api/sharing/search").status_code == 409
