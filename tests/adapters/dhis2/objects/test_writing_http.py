"""Creating, replacing, patching and deleting single objects over HTTP, and every refusal."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person

CONSTANT: dict[str, Any] = {"id": "CoGravity01", "name": "Gravity", "shortName": "g", "value": 9.81}


def code(answer: Any) -> tuple[int, str]:
    """Status and first error code of an answer."""
    body = answer.json()
    reports = (body.get("response") or {}).get("errorReports") or [{}]
    return answer.status_code, body.get("errorCode") or reports[0].get("errorCode", "")


def test_create_answers_with_the_address(client: Client) -> None:
    """201, an object report with the uid, `Location`; an id is made where none is given."""
    made = client.post("/api/42/constants", json={"name": "Gravity", "shortName": "g", "value": 9.81})
    body = made.json()
    assert made.status_code == 201
    assert (body["httpStatus"], body["status"]) == ("Created", "OK")
    assert body["response"]["responseType"] == "ObjectReport"
    assert body["response"]["klass"] == "org.hisp.dhis.constant.Constant"
    assert body["response"]["errorReports"] == []
    uid = body["response"]["uid"]
    assert made.headers["location"].endswith(f"/constants/{uid}")
    found = client.get(made.headers["location"]).json()
    assert (found["name"], found["value"]) == ("Gravity", 9.81)


def test_what_cannot_be_created(client: Client, limited: Client) -> None:
    """Taken id, missing property, wrong enum, bad uid, dangling reference, no authority, no JSON; nothing is stored."""
    assert client.post("/api/constants", json=CONSTANT).status_code == 201
    assert code(client.post("/api/constants", json=CONSTANT)) == (409, "E5000")
    assert code(client.post("/api/constants", json={"shortName": "x", "value": 1})) == (409, "E4000")
    assert code(client.post("/api/constants", json={**CONSTANT, "id": "no uid"})) == (409, "E4014")
    element = {"name": "X", "shortName": "X", "valueType": "COLOUR", "domainType": "TRACKER", "aggregationType": "NONE"}
    assert code(client.post("/api/dataElements", json=element)) == (409, "E4027")
    dangling = {**element, "valueType": "TEXT", "optionSet": {"id": "OsNowhere01"}}
    assert code(client.post("/api/dataElements", json=dangling)) == (409, "E5002")
    assert code(limited.post("/api/constants", json={**CONSTANT, "id": "CoOther0001"})) == (403, "E3000")
    assert client.post("/api/constants", content=b"{").status_code == 400
    assert client.post("/api/constants", json=[CONSTANT]).status_code == 400
    assert client.get("/api/constants").json()["pager"]["total"] == 1


def test_replace_takes_the_body_for_the_whole(client: Client) -> None:
    """What the body does not name is gone; `mergeMode=MERGE` keeps it. The id is that of the path."""
    client.post("/api/constants", json={**CONSTANT, "description": "of Earth"})
    merged = client.put("/api/constants/CoGravity01", json={"value": 9.8}, params={"mergeMode": "MERGE"})
    assert merged.status_code == 200
    assert merged.json()["response"]["uid"] == "CoGravity01"
    assert client.get("/api/constants/CoGravity01").json()["description"] == "of Earth"
    moon = {"id": "CoMoon00001", "name": "Moon", "shortName": "m", "value": 1.62}
    assert client.put("/api/constants/CoGravity01", json=moon).status_code == 200
    found = client.get("/api/constants/CoGravity01").json()
    assert (found["name"], found["value"]) == ("Moon", 1.62)
    assert "description" not in found
    assert client.get("/api/constants/CoMoon00001").status_code == 404


def test_what_cannot_be_replaced(client: Client, limited: Client) -> None:
    """Unknown object, missing property, no authority: all as it was."""
    client.post("/api/constants", json=CONSTANT)
    assert client.put("/api/constants/CoNowhere01", json=CONSTANT).status_code == 404
    assert code(client.put("/api/constants/CoGravity01", json={"value": 1})) == (409, "E4000")
    assert code(limited.put("/api/constants/CoGravity01", json={**CONSTANT, "value": 1})) == (403, "E3001")
    assert client.get("/api/constants/CoGravity01").json()["value"] == 9.81


def test_patch_changes_what_it_names(client: Client) -> None:
    """Properties, items of lists, and `remove-by-id`."""
    patch = [
        {"op": "replace", "path": "/name", "value": "Malaria"},
        {"op": "add", "path": "/organisationUnits/-", "value": {"id": "OuNorth0000"}},
        {"op": "remove-by-id", "path": "/organisationUnits", "id": "OuClinicA00"},
    ]
    assert client.patch("/api/programs/PrMalaria00", json=patch).status_code == 200
    found = client.get(
        "/api/programs/PrMalaria00", params={"fields": "name,organisationUnits~pluck,futureProperty"}
    ).json()
    assert found["name"] == "Malaria"
    assert set(found["organisationUnits"]) == {"OuClinicB00", "OuClinicC00", "OuNorth0000"}
    assert found["futureProperty"] == {"kept": ["as", "it", "is"]}


def test_what_cannot_be_patched(client: Client, limited: Client) -> None:
    """An absent path, the id, another kind of body, what the change makes wrong, no authority."""
    path = "/api/programs/PrMalaria00"
    assert client.patch(path, json=[{"op": "remove", "path": "/unicorns"}]).status_code == 400
    assert client.patch(path, json=[{"op": "replace", "path": "/id", "value": "PrOther0001"}]).status_code == 400
    assert client.patch(path, json={}).status_code == 400
    assert client.patch(path, json=[], headers={"content-type": "text/csv"}).status_code == 415
    wrong = [{"op": "replace", "path": "/programType", "value": "WITH_LUCK"}]
    assert code(client.patch(path, json=wrong)) == (409, "E4027")
    assert client.patch("/api/programs/Nowhere0001", json=[]).status_code == 404
    rename = [{"op": "replace", "path": "/name", "value": "Mine"}]
    assert code(limited.patch(path, json=rename)) == (403, "E3001")
    assert client.get(path).json()["name"] == "Malaria cases"


def test_org_units_move_and_cannot_go_in_circles(client: Client) -> None:
    """A new parent moves the subtree; a parent below the unit itself is refused."""
    moved = client.patch(
        "/api/organisationUnits/OuNorth0000",
        json=[{"op": "replace", "path": "/parent", "value": {"id": "OuSouth0000"}}],
    )
    assert moved.status_code == 200
    found = client.get("/api/organisationUnits/OuNorth0000", params={"fields": "path,level"}).json()
    assert found == {"path": "/OuCountry00/OuSouth0000/OuNorth0000", "level": 3}
    circle = client.patch(
        "/api/organisationUnits/OuSouth0000",
        json=[{"op": "replace", "path": "/parent", "value": {"id": "OuNorth0000"}}],
    )
    assert circle.status_code == 409
    assert client.get("/api/organisationUnits/OuSouth0000", params={"fields": "level"}).json() == {"level": 2}


def test_delete_takes_the_children_along(client: Client) -> None:
    """An option set goes with its options, a group leaves its members; what is gone is 404."""
    client.post("/api/optionSets", json={"id": "OsColour001", "name": "Colour", "valueType": "TEXT"})
    option = {"id": "OpRed000001", "name": "Red", "code": "R", "optionSet": {"id": "OsColour001"}}
    assert client.post("/api/options", json=option).status_code == 201
    gone = client.delete("/api/optionSets/OsColour001")
    assert gone.status_code == 200
    assert gone.json()["response"]["uid"] == "OsColour001"
    assert client.get("/api/optionSets/OsColour001").status_code == 404
    assert client.get("/api/options/OpRed000001").status_code == 404
    assert client.delete("/api/optionSets/OsColour001").status_code == 404


def test_what_is_only_listed_falls_out_of_the_list(client: Client) -> None:
    """A deleted data element is no longer in its group."""
    element = {"id": "DeUnused001", "name": "Unused", "shortName": "Unused", "valueType": "TEXT"}
    element |= {"domainType": "TRACKER", "aggregationType": "NONE"}
    assert client.post("/api/dataElements", json=element).status_code == 201
    members = [{"id": "DeUnused001"}, {"id": "DeTemp00000"}]
    group = {"id": "DgSome00001", "name": "Some", "shortName": "Some", "dataElements": members}
    assert client.post("/api/dataElementGroups", json=group).status_code == 201
    assert client.delete("/api/dataElements/DeUnused001").status_code == 200
    found = client.get("/api/dataElementGroups/DgSome00001", params={"fields": "dataElements"}).json()
    assert found == {"dataElements": [{"id": "DeTemp00000"}]}


@pytest.mark.parametrize(
    "path",
    ["/api/optionSets/OsResult000", "/api/dataElements/DeTemp00000", "/api/organisationUnits/OuNorth0000"],
)
def test_what_is_in_use_stays(client: Client, path: str) -> None:
    """Referred to by another object, in a stage, or with org units below it: E4030, and all is as it was."""
    before = client.get(path).json()
    assert code(client.delete(path)) == (409, "E4030")
    assert client.get(path).json() == before


def test_what_data_was_captured_for_stays(client: Client, limited: Client) -> None:
    """A program with enrollments, and an org unit with people; nobody deletes without the authority."""
    assert (
        client.post("/api/tracker", json={"trackedEntities": [person()]}, params={"async": "false"}).status_code == 200
    )
    assert code(client.delete("/api/programs/PrMalaria00")) == (409, "E4030")
    assert code(client.delete("/api/organisationUnits/OuClinicA00")) == (409, "E4030")
    assert code(client.delete("/api/programStages/PsVisit0000")) == (409, "E4030")
    assert code(client.delete("/api/trackedEntityAttributes/sB1IHYu2xQT")) == (409, "E4030")


def test_a_program_goes_with_its_stages_and_rules(client: Client, limited: Client) -> None:
    """Nobody deletes it without the authority; who has it deletes all that is the program's own."""
    program = {"id": "PrShort0001", "name": "Short", "shortName": "Short", "programType": "WITHOUT_REGISTRATION"}
    assert client.post("/api/programs", json=program).status_code == 201
    stage = {"id": "PsShort0001", "name": "Only", "program": {"id": "PrShort0001"}}
    assert client.post("/api/programStages", json=stage).status_code == 201
    rule = {"id": "RuShort0001", "name": "Warn", "program": {"id": "PrShort0001"}, "condition": "true"}
    assert client.post("/api/programRules", json=rule).status_code == 201
    assert code(limited.delete("/api/programs/PrShort0001")) == (403, "E3002")
    assert client.delete("/api/programs/PrShort0001").status_code == 200
    for path in ("/api/programs/PrShort0001", "/api/programStages/PsShort0001", "/api/programRules/RuShort0001"):
        assert client.get(path).status_code == 404


def test_collections_are_changed_item_by_item(client: Client) -> None:
    """Added once, taken out, listed; unknown items and properties are 404, what is no collection 400."""
    units = "/api/programs/PrWater0000/organisationUnits"
    before = client.get(units, params={"fields": "id"}).json()["organisationUnits"]
    assert client.post(f"{units}/OuNorth0000").json()["response"]["stats"]["created"] == 1
    assert client.post(f"{units}/OuNorth0000").json()["response"]["stats"]["created"] == 0
    assert client.get(f"{units}/OuNorth0000", params={"fields": "name"}).json() == {
        "organisationUnits": [{"name": "North District"}]
    }
    assert client.delete(f"{units}/OuNorth0000").json()["response"]["stats"]["deleted"] == 1
    assert client.get(f"{units}/OuNorth0000").status_code == 404
    assert client.get(units, params={"fields": "id"}).json()["organisationUnits"] == before
    assert client.post(f"{units}/OuNowhere01").status_code == 404
    assert client.post("/api/programs/PrWater0000/unicorns/OuNorth0000").status_code == 404
    assert client.post("/api/programs/PrWater0000/name/OuNorth0000").status_code == 400


def test_collections_are_changed_as_wholes(client: Client) -> None:
    """Additions and deletions in one, replacement, removal of several."""
    units = "/api/programs/PrWater0000/organisationUnits"

    def held() -> set[str]:
        return {unit["id"] for unit in client.get(units, params={"fields": "id"}).json()["organisationUnits"]}

    client.put(units, json={"identifiableObjects": [{"id": "OuClinicA00"}, {"id": "OuClinicB00"}]})
    assert held() == {"OuClinicA00", "OuClinicB00"}
    both = {"additions": [{"id": "OuNorth0000"}], "deletions": [{"id": "OuClinicA00"}]}
    stats = client.post(units, json=both).json()["response"]["stats"]
    assert (stats["created"], stats["deleted"], stats["total"]) == (1, 1, 2)
    assert held() == {"OuClinicB00", "OuNorth0000"}
    listed = {"identifiableObjects": [{"id": "OuNorth0000"}]}
    assert client.delete(units, json=listed).json()["response"]["stats"]["deleted"] == 1
    assert held() == {"OuClinicB00"}
    assert client.post(units, json={"additions": [{"name": "North"}]}).status_code == 400


def test_a_collection_that_the_other_side_holds_is_changed_there(client: Client, limited: Client) -> None:
    """A data element's groups are those that list it."""
    group = {"id": "DgSome00001", "name": "Some", "shortName": "Some"}
    assert client.post("/api/dataElementGroups", json=group).status_code == 201
    path = "/api/dataElements/DeTemp00000/dataElementGroups/DgSome00001"
    assert client.post(path).json()["response"]["stats"]["created"] == 1
    listed = client.get("/api/dataElementGroups/DgSome00001", params={"fields": "dataElements"}).json()
    assert listed == {"dataElements": [{"id": "DeTemp00000"}]}
    assert limited.delete(path).status_code == 403
    assert client.delete(path).json()["response"]["stats"]["deleted"] == 1
    listed = client.get("/api/dataElementGroups/DgSome00001", params={"fields": "dataElements"}).json()
    assert listed == {"dataElements": []}


def test_translations_are_replaced(client: Client) -> None:
    """204; two of one property and locale, a missing part, no list, a type without translations are refused."""
    client.post("/api/constants", json=CONSTANT)
    path, one = "/api/constants/CoGravity01/translations", {"property": "NAME", "locale": "fr", "value": "Gravité"}
    assert client.put(path, json={"translations": [one]}).status_code == 204
    assert client.get(path).json() == {"translations": [one]}
    assert code(client.put(path, json={"translations": [one, {**one, "value": "Pesanteur"}]})) == (409, "E1106")
    assert code(client.put(path, json={"translations": [{"locale": "fr"}]})) == (409, "E4000")
    assert client.put(path, json={"translations": {}}).status_code == 400
    job = {"translations": []}
    assert code(client.put("/api/jobConfigurations/JoNothing01/translations", json=job)) == (409, "E1107")


def test_sharing_is_replaced(client: Client, limited: Client) -> None:
    """204 and enforced at once; wrong access strings are E3010."""
    client.post("/api/constants", json=CONSTANT)
    path = "/api/constants/CoGravity01/sharing"
    assert client.put(path, json={"sharing": {"public": "--------"}}).status_code == 204
    assert limited.get("/api/constants/CoGravity01").status_code == 404
    assert client.put(path, json={"public": "r-------"}).status_code == 204
    assert limited.get("/api/constants/CoGravity01").status_code == 200
    assert limited.put(path, json={"public": "rw------"}).status_code == 403
    for wrong in ("rwx-----", "wr------", "rw", 7):
        assert code(client.put(path, json={"public": wrong})) == (409, "E3010")
    assert code(client.put(path, json={"users": {"UsAda000001": {"access": "all"}}})) == (409, "E3010")
    assert client.put("/api/organisationUnits/OuNorth0000/sharing", json={}).status_code == 400


def test_users_are_written_as_any_object(client: Client) -> None:
    """Created with a role, patched, taken out of their groups when deleted; nobody deletes their own account."""
    role = {"id": "UrClerk0001", "name": "Clerk", "authorities": []}
    assert client.post("/api/userRoles", json=role).status_code == 201
    user = {"id": "UsGrace0001", "username": "grace", "firstName": "Grace", "surname": "H"}
    login = {"password": "Nanosecond-1", "userRoles": [{"id": "UrClerk0001"}]}
    assert client.post("/api/users", json={**user, **login}).status_code == 201
    assert "password" not in client.get("/api/users/UsGrace0001").json()
    rename = [{"op": "replace", "path": "/surname", "value": "Hopper"}]
    assert client.patch("/api/users/UsGrace0001", json=rename).status_code == 200
    assert client.get("/api/users/UsGrace0001/name").json() == {"name": "Grace Hopper"}
    group = {"id": "UgHelpers01", "name": "Helpers", "users": [{"id": "UsGrace0001"}]}
    assert client.post("/api/userGroups", json=group).status_code == 201
    assert client.delete("/api/users/UsGrace0001").status_code == 200
    assert client.get("/api/users/UsGrace0001").status_code == 404
    assert client.get("/api/userGroups/UgHelpers01/users").json() == {"users": []}
    me = client.get("/api/me", params={"fields": "id"}).json()["id"]
    assert code(client.delete(f"/api/users/{me}")) == (409, "E4060")


def test_a_payload_can_be_deleted(client: Client, limited: Client) -> None:
    """`importStrategy=DELETE`: objects that use each other together; what is in use or not there keeps them all."""
    payload = {
        "optionSets": [
            {"id": "OsColour001", "name": "Colour", "valueType": "TEXT", "options": [{"id": "OpRed000001"}]}
        ],
        "options": [{"id": "OpRed000001", "name": "Red", "code": "R", "optionSet": {"id": "OsColour001"}}],
    }
    assert client.post("/api/metadata", json=payload).status_code == 200
    way = {"importStrategy": "DELETE"}
    mixed = {**payload, "dataElements": [{"id": "DeTemp00000"}, {"id": "DeNowhere01"}]}
    refused = client.post("/api/metadata", json=mixed, params=way)
    assert (refused.status_code, refused.json()["response"]["stats"]["deleted"]) == (409, 0)
    in_use = {**payload, "dataElements": [{"id": "DeTemp00000"}]}
    assert client.post("/api/metadata", json=in_use, params=way).status_code == 409
    assert client.get("/api/optionSets/OsColour001").status_code == 200
    gone = client.post("/api/metadata", json=payload, params=way)
    assert (gone.status_code, gone.json()["response"]["stats"]["deleted"]) == (200, 2)
    assert client.get("/api/options/OpRed000001").status_code == 404


def test_org_units_are_deleted_from_the_leaves(client: Client) -> None:
    """One with units below it stays; one without falls out of the programs that were used there."""
    assert code(client.delete("/api/organisationUnits/OuNorth0000")) == (409, "E4030")
    new = {"id": "OuClinicZ00", "name": "Zed", "shortName": "Zed", "openingDate": "2020-01-01"}
    assert client.post("/api/organisationUnits", json={**new, "parent": {"id": "OuNorth0000"}}).status_code == 201
    assert client.post("/api/programs/PrWater0000/organisationUnits/OuClinicZ00").status_code == 200
    assert client.delete("/api/organisationUnits/OuClinicZ00").status_code == 200
    assert client.get("/api/organisationUnits/OuClinicZ00").status_code == 404
    assert client.get("/api/programs/PrWater0000/organisationUnits/OuClinicZ00").status_code == 404


def test_versions_rise_with_what_a_form_is_made_of(client: Client) -> None:
    """Clients keep a program by its version: it rises when an element of a stage changes, or a rule is deleted."""

    def version() -> int:
        found: dict[str, int] = client.get("/api/programs/PrMalaria00", params={"fields": "version"}).json()
        return found["version"]

    before = version()
    rename = [{"op": "replace", "path": "/formName", "value": "How warm"}]
    assert client.patch("/api/dataElements/DeTemp00000", json=rename).status_code == 200
    assert version() == before + 1
    assert client.patch("/api/dataElements/DeTemp00000", json=rename).status_code == 200
    assert version() == before + 1
    rule = {"id": "RuWarn00001", "name": "Warn", "program": {"id": "PrMalaria00"}, "condition": "true"}
    assert client.post("/api/programRules", json=rule).status_code == 201
    assert version() == before + 2
    assert client.delete("/api/programRules/RuWarn00001").status_code == 200
    assert version() == before + 3
    options = client.get("/api/optionSets/OsResult000", params={"fields": "version"}).json().get("version", 0)
    assert client.delete("/api/options/OpNeg000000").status_code == 200
    assert client.get("/api/optionSets/OsResult000/version").json() == {"version": options + 1}
    assert client.get("/api/optionSets/OsResult000/options").json()["options"][0]["id"] == "OpPos000000"


def test_changes_of_two_at_once_both_stay(client: Client) -> None:
    """Each patch changes what the one before left, however many come at the same time."""
    names = [f"OuClinic{letter}00" for letter in "ABC"] + ["OuNorth0000", "OuSouth0000", "OuCountry00"]
    client.put("/api/programs/PrWater0000/organisationUnits", json={"identifiableObjects": []})

    def add(name: str) -> int:
        patch = [{"op": "add", "path": "/organisationUnits/-", "value": {"id": name}}]
        return client.patch("/api/programs/PrWater0000", json=patch).status_code

    with ThreadPoolExecutor(len(names)) as many:
        assert set(many.map(add, names)) == {200}
    held = client.get("/api/programs/PrWater0000/organisationUnits", params={"fields": "id"}).json()
    assert {unit["id"] for unit in held["organisationUnits"]} == set(names)
