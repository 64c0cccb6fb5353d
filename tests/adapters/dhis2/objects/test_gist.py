"""`/gist`: flat lists, with collections as addresses, sizes or ids."""

from tests.adapters.dhis2.conftest import Client

PROGRAM = "/api/programs/PrMalaria00"


def test_a_list_is_flat(client: Client) -> None:
    """References are ids, collections an address; the pager tells the total only when asked."""
    body = client.get("/api/programs/gist", params={"pageSize": "2"}).json()
    assert body["pager"].keys() == {"page", "pageSize", "nextPage"}
    [malaria] = [item for item in client.get("/api/programs/gist").json()["programs"] if item["id"] == "PrMalaria00"]
    assert malaria["trackedEntityType"] == "MCPQUTHX1Ze"
    assert malaria["apiEndpoints"]["programStages"] == "/programs/PrMalaria00/programStages/gist"
    assert "programStages" not in malaria
    assert client.get("/api/programs/gist", params={"total": "true"}).json()["pager"]["total"] == 3


def test_collections_are_shown_as_asked(client: Client) -> None:
    """As `auto` says, or as each field does; exclusions leave the address out too."""

    def shown(**params: str) -> object:
        return client.get(f"{PROGRAM}/gist", params=params).json().get("programStages")

    assert shown() == 2
    assert shown(auto="L") == ["PsVisit0000", "PsFollow000"]
    assert shown(auto="XL") == [{"id": "PsVisit0000"}, {"id": "PsFollow000"}]
    assert shown(fields="programStages::member(PsVisit0000)") is True
    assert shown(fields="programStages~not-member(PsVisit0000)") is False
    assert shown(fields="programStages~ids") == ["PsVisit0000", "PsFollow000"]
    assert shown(fields="programStages[name]") == [{"name": "Visit"}, {"name": "Follow-up"}]
    without = client.get(f"{PROGRAM}/gist", params={"fields": "*,!programStages"}).json()
    assert "programStages" not in without["apiEndpoints"]


def test_items_of_a_collection_are_listed(client: Client) -> None:
    """With filters and order of their own type, and without an envelope when asked."""
    body = client.get(f"{PROGRAM}/programStages/gist", params={"fields": "name", "order": "name:desc"}).json()
    assert body["programStages"] == [{"name": "Visit"}, {"name": "Follow-up"}]
    params = {"fields": "id", "filter": "name:eq:Visit", "headless": "true"}
    assert client.get(f"{PROGRAM}/programStages/gist", params=params).json() == [{"id": "PsVisit0000"}]


def test_what_is_no_gist_is_refused(client: Client) -> None:
    """Unknown object, property that is no collection, unknown `auto`."""
    assert client.get("/api/programs/Nowhere0001/gist").status_code == 404
    assert client.get(f"{PROGRAM}/name/gist").status_code == 400
    assert client.get(f"{PROGRAM}/gist", params={"auto": "XXL"}).status_code == 400
