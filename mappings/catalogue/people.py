"""Users as Practitioner, and the org units they work for as PractitionerRole."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mappings.catalogue.naming import USER, USER_ROLE
from tracker_core.metadata import Object


def people(users: Iterable[Mapping[str, Any]], roles: Mapping[str, Object]) -> Iterator[dict[str, Any]]:
    """Yield a Practitioner for each user (its DHIS2 document), and a PractitionerRole per org unit it captures for.

    A Practitioner has the user's uid as id, a role that of user and org unit (`uid-unit`). How people can be reached
    is theirs and not shown; the user name is, as every change names it.
    """
    for user in users:
        active = not user.get("disabled")
        yield _practitioner(user, active=active)
        codes = _codes(user, roles)
        for unit in dict.fromkeys(str(one["id"]) for one in user.get("organisationUnits") or () if one.get("id")):
            yield {
                "resourceType": "PractitionerRole",
                "id": f"{user['id']}-{unit}",
                "active": active,
                "practitioner": {"reference": f"Practitioner/{user['id']}"},
                "organization": {"reference": f"Organization/{unit}"},
                **({"code": codes} if codes else {}),
                "location": [{"reference": f"Location/{unit}"}],
            }


def _practitioner(user: Mapping[str, Any], *, active: bool) -> dict[str, Any]:
    name: dict[str, Any] = {"text": user["name"]}
    if user.get("surname"):
        name["family"] = user["surname"]
    if user.get("firstName"):
        name["given"] = [user["firstName"]]
    return {
        "resourceType": "Practitioner",
        "id": user["id"],
        "identifier": [{"system": USER, "value": user["username"]}],
        "active": active,
        "name": [name],
    }


def _codes(user: Mapping[str, Any], roles: Mapping[str, Object]) -> list[dict[str, Any]]:
    held = [roles[role["id"]] for role in user.get("userRoles") or () if role.get("id") in roles]
    return [{"coding": [{"system": USER_ROLE, "code": role.code or role.uid, "display": role.name}]} for role in held]
