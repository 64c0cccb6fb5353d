"""A client for Python that others wrote, against the running hub: create, update, get, upsert, delete, page."""

from collections.abc import Iterator

import pytest

from tests.contracts.dhis2.conftest import PASSWORD, Hub, child
from tests.contracts.dhis2.district import LAST, ONE, PROGRAM, ROOT

dhis2_client = pytest.importorskip("dhis2_client", reason="dhis2-client is not installed")


@pytest.fixture
def api(hub: Hub) -> Iterator["dhis2_client.DHIS2Client"]:
    """The client, logged in as the administrator."""
    opened = dhis2_client.DHIS2Client(hub.url, username="admin", password=PASSWORD, retries=0)
    yield opened
    opened.close()


def test_who_and_where(api: "dhis2_client.DHIS2Client") -> None:
    """What every integration asks first."""
    assert api.get_current_user()["username"] == "admin"
    assert api.get_system_info()["version"].startswith("2.42")


def test_persons_are_created_updated_read_and_deleted(api: "dhis2_client.DHIS2Client") -> None:
    """The tracker through the client's plain calls; a refusal is its own error with our body."""
    sent = child()
    path = f"/api/tracker/trackedEntities/{sent['trackedEntity']}"
    sync = {"async": "false"}
    made = api.post("/api/tracker", json={"trackedEntities": [sent]}, params={**sync, "importStrategy": "CREATE"})
    assert made["stats"]["created"] == 3
    change = {**sent, "attributes": [{"attribute": LAST, "value": "Upserted"}], "enrollments": []}
    for strategy in ("UPDATE", "CREATE_AND_UPDATE"):
        done = api.post("/api/tracker", json={"trackedEntities": [change]}, params={**sync, "importStrategy": strategy})
        assert done["status"] == "OK"
    read = api.get(path, params={"fields": "attributes[attribute,value]"})
    assert {one["attribute"]: one["value"] for one in read["attributes"]}[LAST] == "Upserted"
    with pytest.raises(dhis2_client.DHIS2HTTPError) as refused:
        api.post("/api/tracker", json={"trackedEntities": [sent]}, params={**sync, "importStrategy": "CREATE"})
    assert refused.value.status_code == 409
    listed = api.get("/api/tracker/trackedEntities", params={"program": PROGRAM, "orgUnits": ONE, "totalPages": "true"})
    assert listed["pager"]["total"] >= 1


def test_metadata_is_created_updated_and_deleted(api: "dhis2_client.DHIS2Client") -> None:
    """Data elements and org units through the client's own functions for them."""
    body = {
        "name": "Client element",
        "shortName": "Client",
        "valueType": "NUMBER",
        "domainType": "AGGREGATE",
        "aggregationType": "SUM",
        "categoryCombo": {"id": "bjDvmb4bfuf"},
    }
    uid = api.create_data_element(body)["response"]["uid"]
    assert api.get_data_element(uid)["name"] == "Client element"
    api.update_data_element(uid, {**api.get_data_element(uid), "shortName": "Changed"})
    assert api.get_data_element(uid, fields="shortName")["shortName"] == "Changed"
    api.delete_data_element(uid)
    with pytest.raises(dhis2_client.DHIS2HTTPError) as gone:
        api.get_data_element(uid)
    assert gone.value.status_code == 404
    ward = {"name": "Ward", "shortName": "Ward", "openingDate": "2020-01-01", "parent": {"id": ROOT}}
    unit = api.create_org_unit(ward)["response"]["uid"]
    assert api.get_org_unit(unit)["path"] == f"/{ROOT}/{unit}"


def test_pages_are_followed_to_the_end(api: "dhis2_client.DHIS2Client") -> None:
    """The client's paging sees every org unit once."""
    listed = list(
        api.list_paged("/api/organisationUnits", params={"fields": "id"}, page_size=1, item_key="organisationUnits")
    )
    ids = [one["id"] for one in listed]
    assert len(ids) == len(set(ids))
    assert {ROOT, ONE} <= set(ids)
