"""The sharing of many objects at once."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client

OPEN = [{"op": "replace", "path": "/sharing/public", "value": "r-------"}]
SHUT = [{"op": "replace", "path": "/sharing/public", "value": "--------"}]


@pytest.fixture
def constants(client: Client) -> list[str]:
    """Two constants that nobody but their maker sees."""
    uids = ["CoFirst0001", "CoSecond001"]
    for uid in uids:
        doc = {"id": uid, "name": uid, "shortName": uid, "value": 1, "sharing": {"public": "--------"}}
        assert client.post("/api/constants", json=doc).status_code == 201
    return uids


def seen(client: Client) -> list[str]:
    """The ids of the constants that a caller sees."""
    return [item["id"] for item in client.get("/api/constants").json()["constants"]]


def test_objects_of_one_type_are_patched_alike(client: Client, limited: Client, constants: list[str]) -> None:
    """By `ids` or under the name of the type."""
    assert seen(limited) == []
    assert client.patch("/api/constants/sharing", json={"ids": constants, "patch": OPEN}).status_code == 200
    assert seen(limited) == constants
    assert client.patch("/api/constants/sharing", json={"constants": constants[:1], "patch": SHUT}).status_code == 200
    assert seen(limited) == constants[1:]


def test_objects_of_several_types_are_patched_each_its_own_way(
    client: Client, limited: Client, constants: list[str]
) -> None:
    """And a group is given access by its id."""
    helpers = {"id": "UgHelpers01", "access": "rw------"}
    entry = {"op": "add", "path": "/sharing/userGroups/UgHelpers01", "value": helpers}
    body = {"constants": {constants[0]: OPEN}, "programs": {"PrMalaria00": [entry]}}
    assert client.patch("/api/metadata/sharing", json=body).status_code == 200
    assert seen(limited) == constants[:1]
    shared = client.get("/api/programs/PrMalaria00/sharing").json()["sharing"]
    assert shared["userGroups"] == {"UgHelpers01": helpers}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"patch": OPEN}, 400),
        ({"ids": [], "patch": OPEN}, 400),
        ({"ids": ["CoFirst0001"], "patch": {}}, 400),
        ({"ids": ["CoFirst0001", "CoNowhere01"], "patch": OPEN}, 404),
        ({"ids": ["CoFirst0001"], "patch": [{"op": "replace", "path": "/name", "value": "x"}]}, 409),
        ({"ids": ["CoFirst0001"], "patch": [{"op": "replace", "path": "/sharing/public", "value": "all"}]}, 409),
        ({"ids": ["CoFirst0001"], "patch": [{"op": "remove", "path": "/sharing/nothing"}]}, 400),
        ({"ids": ["CoFirst0001"], "patch": [{"op": "replace", "path": "/sharing", "value": 1}]}, 400),
    ],
)
def test_wrong_patches_change_nothing(
    client: Client, limited: Client, constants: list[str], body: dict[str, Any], status: int
) -> None:
    """No ids, no patch, an unknown object, another property than sharing, a wrong access string."""
    assert client.patch("/api/constants/sharing", json=body).status_code == status
    assert client.get(f"/api/constants/{constants[0]}/sharing").json()["sharing"]["public"] == "--------"
    assert seen(limited) == []


def test_only_those_who_may_change_an_object_share_it(client: Client, limited: Client, constants: list[str]) -> None:
    """Without the authority nothing is shared; types that are not shared and bodies of no type are refused."""
    assert client.patch("/api/constants/sharing", json={"ids": constants, "patch": OPEN}).status_code == 200
    assert limited.patch("/api/constants/sharing", json={"ids": constants, "patch": SHUT}).status_code == 403
    assert client.patch("/api/options/sharing", json={"ids": ["OpPos000000"], "patch": OPEN}).status_code == 400
    assert client.patch("/api/metadata/sharing", json={"unicorns": {}}).status_code == 400
    assert client.patch("/api/metadata/sharing", json={}).status_code == 400
