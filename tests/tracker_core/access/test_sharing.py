"""Sharing: every holder, both forms of writing it down, and the access object made of it."""

from typing import Any

import pytest

from tests.tracker_core.access.conftest import shared
from tracker_core import access
from tracker_core.access import Actor

READ, WRITE, DATA_READ, DATA_WRITE = "r-------", "rw------", "--r-----", "--rw----"


def actor(*authorities: str) -> Actor:
    """A user of one group."""
    nobody: frozenset[str] = frozenset()
    return Actor("UsAmina0001", "amina", frozenset(authorities), nobody, frozenset({"UgNurses001"}), (), (), ())


def rights(doc: dict[str, Any], who: Actor | None = None) -> str:
    """The four checks as an access string."""
    checks = (access.metadata_readable, access.metadata_writable, access.data_readable, access.data_writable)
    who = who or actor()
    return "".join(letter if check(who, doc) else "-" for check, letter in zip(checks, "rwrw", strict=True))


@pytest.mark.parametrize("text", ["--------", READ, WRITE, DATA_READ, DATA_WRITE, "rwrw----"])
@pytest.mark.parametrize("place", ["public", "users", "userGroups", "publicAccess", "userAccesses", "groupAccesses"])
def test_every_holder_and_form(place: str, text: str) -> None:
    """Public, own and group access count alike, in `sharing` and in the older properties."""
    docs: dict[str, dict[str, Any]] = {
        "public": {"sharing": shared(text)},
        "users": {"sharing": shared("--------", users={"UsAmina0001": text, "UsOther0001": "rwrw----"})},
        "userGroups": {"sharing": shared("--------", userGroups={"UgNurses001": text, "UgOthers001": "rwrw----"})},
        "publicAccess": {"publicAccess": text},
        "userAccesses": {"userAccesses": [{"id": "UsAmina0001", "access": text}]},
        "groupAccesses": {
            "publicAccess": "--------",
            "userGroupAccesses": [{"id": "UgNurses001", "access": text}, {"id": "UgOthers001", "access": "rwrw----"}],
        },
    }
    assert rights(docs[place]) == text[:4]


def test_an_object_without_sharing_is_open() -> None:
    """What says nothing about sharing is everybody's."""
    assert rights({"id": "PrProgram01"}) == "rwrw"
    assert access.sharing_of({})["public"] == "rwrw----"


def test_the_owner_has_the_metadata_and_not_the_data() -> None:
    """Owning an object, in either form, opens its definition only."""
    assert rights({"sharing": {**shared("--------"), "owner": "UsAmina0001"}}) == "rw--"
    assert rights({"publicAccess": "--------", "user": {"id": "UsAmina0001"}}) == "rw--"


def test_the_superuser_passes() -> None:
    """`ALL` needs no sharing."""
    assert rights({"sharing": shared("--------")}, actor("ALL")) == "rwrw"


def test_the_access_object() -> None:
    """`access` tells what the actor may do; the data half only where the type has one."""
    doc = {"sharing": shared("r-r-----")}
    found = access.access_of(actor(), "programs", doc)
    assert found == {
        "manage": False,
        "externalize": False,
        "write": False,
        "read": True,
        "update": False,
        "delete": False,
        "data": {"write": False, "read": True},
    }
    assert "data" not in access.access_of(actor(), "constants", doc)
    assert access.access_of(actor(), "constants", {}, change=False)["update"] is False


def test_older_sharing_in_todays_form() -> None:
    """The older properties are read as the same sharing."""
    doc = {
        "publicAccess": READ,
        "externalAccess": True,
        "user": {"id": "UsOwner0001"},
        "userAccesses": [{"id": "UsAmina0001", "access": WRITE}],
        "userGroupAccesses": [{"id": "UgNurses001", "access": READ}, {"access": WRITE}],
    }
    assert access.sharing_of(doc) == {
        "owner": "UsOwner0001",
        "external": True,
        "public": READ,
        "users": {"UsAmina0001": {"id": "UsAmina0001", "access": WRITE}},
        "userGroups": {"UgNurses001": {"id": "UgNurses001", "access": READ}},
    }
    assert access.sharing_of({"sharing": shared(READ)}) == shared(READ)


def test_malformed_sharing_grants_nothing() -> None:
    """Entries that are no entries are no grants, and raise nothing."""
    assert rights({"sharing": {"public": None, "users": [1, "x"], "userGroups": {"UgNurses001": "rw"}}}) == "----"
