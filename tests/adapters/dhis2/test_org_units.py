"""The org unit tree over HTTP."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client

UNITS = "/api/organisationUnits"
COUNTRY, NORTH, SOUTH = "OuCountry00", "OuNorth0000", "OuSouth0000"
ALDER, BIRCH, CEDAR = "OuClinicA00", "OuClinicB00", "OuClinicC00"


def uids(client: Client, path: str) -> list[str]:
    """The ids of a list, in its order."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [unit["id"] for unit in answer.json()["organisationUnits"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=3", [ALDER, BIRCH, CEDAR]),
        ("maxLevel=2&filter=id:!eq:x&query=district", [NORTH, SOUTH]),
        (f"parent={NORTH}", [ALDER, BIRCH]),
        ("query=clinic", [ALDER, BIRCH, CEDAR]),
        ("query=CLINIC_B", [BIRCH]),
        (f"query={CEDAR}", [CEDAR]),
        ("query=100%25", []),
        (f"filter=id:in:[{CEDAR},{ALDER}]", [ALDER, CEDAR]),
        ("filter=id:in:[]", []),
        ("filter=level:gt:2", [ALDER, BIRCH, CEDAR]),
        (f"filter=path:like:{NORTH}&order=level:asc", [NORTH, ALDER, BIRCH]),
        (f"filter=parent.id:eq:{SOUTH}", [CEDAR]),
        ("filter=name:ilike:cedar&filter=level:eq:3", [CEDAR]),
        ("filter=displayName:like:Birch", [BIRCH]),
        ("query=clinic&order=name:desc", [CEDAR, BIRCH, ALDER]),
        ("query=clinic&filter=code:eq:CLINIC_A&filter=code:eq:CLINIC_B&rootJunction=OR", [ALDER, BIRCH]),
        ("withinUserHierarchy=true&query=north", [NORTH]),
        ("query=north&levelSorted=true", [NORTH]),
    ],
)
def test_lists(client: Client, query: str, found: list[str]) -> None:
    """Each way to say which units are meant, answered in SQL or by the filters of every type."""
    assert uids(client, f"{UNITS}?{query}&paging=false") == found


def test_pages(client: Client) -> None:
    """Pages have totals and lead on; both ways to find them count alike."""
    for query in ("query=clinic", "query=clinic&filter=name:!like:x"):
        first = client.get(f"{UNITS}?{query}&pageSize=2").json()
        pager = {key: first["pager"][key] for key in ("page", "pageSize", "total", "pageCount")}
        assert pager == {"page": 1, "pageSize": 2, "total": 3, "pageCount": 2}
        second = client.get(first["pager"]["nextPage"].removeprefix("http://hub.example")).json()
        assert [unit["id"] for unit in second["organisationUnits"]] == [CEDAR]
        assert "nextPage" not in second["pager"]


def test_what_the_selector_asks(client: Client) -> None:
    """Names and paths, the number of children, the children themselves."""
    assert client.get(f"{UNITS}/{NORTH}?fields=displayName,path,id").json() == {
        "displayName": "North District",
        "path": f"/{COUNTRY}/{NORTH}",
        "id": NORTH,
    }
    assert client.get(f"{UNITS}/{NORTH}?fields=path,children::size").json()["children"] == 2
    assert client.get(f"{UNITS}/{ALDER}?fields=children::size").json() == {"children": 0}
    below = client.get(f"{UNITS}/{NORTH}?fields=children[id,path,displayName]").json()["children"]
    assert [child["id"] for child in below] == [ALDER, BIRCH]
    renamed = client.get(f"{UNITS}?fields=id, displayName~rename(name), path&query=cedar").json()
    assert renamed["organisationUnits"][0]["name"] == "Clinic Cedar"
    above = client.get(f"{UNITS}/{ALDER}?fields=displayName,ancestors[id,displayName]").json()["ancestors"]
    assert [unit["id"] for unit in above] == [COUNTRY, NORTH]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("includeChildren=true", [NORTH, ALDER, BIRCH]),
        ("includeDescendants=true", [NORTH, ALDER, BIRCH]),
        ("includeAncestors=true", [COUNTRY, NORTH]),
        ("includeAncestors=true&includeChildren=true", [COUNTRY, NORTH, ALDER, BIRCH]),
        ("level=1", [ALDER, BIRCH]),
        ("level=0", [NORTH]),
    ],
)
def test_what_is_around_a_unit(client: Client, query: str, found: list[str]) -> None:
    """Children, everything below, everything above, and levels counted from the unit."""
    assert uids(client, f"{UNITS}/{NORTH}?{query}") == found


def test_parents_and_levels(client: Client) -> None:
    """The way up, and the levels that have units, by the names they were given."""
    assert uids(client, f"{UNITS}/{ALDER}/parents") == [NORTH, COUNTRY]
    client.post("/api/metadata", json={"organisationUnitLevels": [{"name": "District", "level": 2}]})
    levels = client.get("/api/filledOrganisationUnitLevels").json()
    assert [(found["level"], found["name"]) for found in levels] == [(1, "Level 1"), (2, "District"), (3, "Level 3")]
    assert "id" in levels[1]


def test_scopes_of_a_user(stranger: Client) -> None:
    """A user's own units, with what is around them, and searches bounded by them."""
    assert uids(stranger, f"{UNITS}?userOnly=true") == [CEDAR]
    assert uids(stranger, f"{UNITS}?userOnly=true&includeAncestors=true&levelSorted=true") == [COUNTRY, SOUTH, CEDAR]
    assert uids(stranger, f"{UNITS}?userDataViewOnly=true") == []
    assert uids(stranger, f"{UNITS}?userDataViewFallback=true&query=savania") == [COUNTRY]
    for scope in ("withinUserHierarchy", "withinUserSearchHierarchy"):
        assert uids(stranger, f"{UNITS}?{scope}=true") == [CEDAR]
        assert uids(stranger, f"{UNITS}?{scope}=true&query=alder") == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{UNITS}?level=top", 400),
        (f"{UNITS}?userOnly=perhaps", 400),
        (f"{UNITS}?parent=OuNowhere00", 404),
        (f"{UNITS}/OuNowhere00", 404),
        (f"{UNITS}/OuNowhere00?includeChildren=true", 404),
        (f"{UNITS}/OuNowhere00/parents", 404),
        (f"{UNITS}?filter=name:same:x", 409),
    ],
)
def test_wrong_requests(client: Client, path: str, status: int) -> None:
    """Each is refused in DHIS2's envelope."""
    answer = client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (status, "ERROR")


def test_a_circle_is_refused(client: Client) -> None:
    """A unit cannot come below itself, and nothing of the payload is stored then."""
    docs: list[dict[str, Any]] = [
        {"id": COUNTRY, "name": "Savania", "shortName": "S", "openingDate": "1970-01-01", "parent": {"id": ALDER}},
        {"id": "OuNew000001", "name": "New", "shortName": "New", "openingDate": "1970-01-01"},
    ]
    answer = client.post("/api/metadata", json={"organisationUnits": docs})
    assert answer.status_code == 409
    assert "E5002" in answer.text
    assert client.get(f"{UNITS}/OuNew000001").status_code == 404
