"""`GET /api/metadata`: which types, which properties, which objects, in which form."""

import gzip
import json
import zipfile
from io import BytesIO

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import users


def test_each_type_can_have_its_own_fields_filter_and_order(client: Client) -> None:
    """Parameters of a type choose it and win over the common ones."""
    parameters = {
        "optionSets": "true",
        "dataElements:filter": "name:like:e",
        "dataElements:order": "name:desc",
        "dataElements:fields": "name",
        "fields": "id",
    }
    found = client.get("/api/metadata", params=parameters).json()
    assert found.keys() == {"system", "optionSets", "dataElements"}
    assert all(doc.keys() == {"id"} for doc in found["optionSets"])
    names = [doc["name"] for doc in found["dataElements"]]
    assert names == sorted(names, key=str.casefold, reverse=True)
    assert all("e" in name for name in names)


def test_sharing_can_be_left_out(client: Client) -> None:
    """`skipSharing` drops who may see an object."""
    payload = {"optionSets": [{"id": "OsColour001", "name": "Colour", "sharing": {"public": "rw------"}}]}
    client.post("/api/metadata", json=payload)
    whole = client.get("/api/metadata?optionSets:filter=id:eq:OsColour001").json()["optionSets"][0]
    assert whole["sharing"]["public"] == "rw------"
    bare = client.get("/api/metadata?optionSets:filter=id:eq:OsColour001&skipSharing=true").json()["optionSets"][0]
    assert bare.keys() == whole.keys() - {"sharing"}


def test_parts_come_alone_when_asked_for(client: Client) -> None:
    """Links of stages to data elements are inside of their stages, and a list of their own on request."""
    assert "programStageDataElements" not in client.get("/api/metadata").json()
    found = client.get("/api/metadata?programStageDataElements=true").json()["programStageDataElements"]
    assert all(link["dataElement"]["id"] and link["programStage"]["id"] for link in found)
    assert found


def test_a_file_of_it(client: Client) -> None:
    """`download` makes it a file, a suffix packs it."""
    plain = client.get("/api/metadata?optionSets=true&download=true")
    assert plain.headers["content-disposition"] == "attachment; filename=metadata.json"
    packed = client.get("/api/metadata.json.gz?optionSets=true")
    assert json.loads(gzip.decompress(packed.content))["optionSets"] == plain.json()["optionSets"]
    with zipfile.ZipFile(BytesIO(client.get("/api/metadata.json.zip?optionSets=true").content)) as archive:
        assert json.loads(archive.read("metadata.json"))["optionSets"] == plain.json()["optionSets"]
    assert client.get("/api/metadata.xls").status_code == 404


def test_only_what_is_shared_is_exported(client: Client, way: HubAccess) -> None:
    """Who may not see an object does not get it."""
    payload = {"optionSets": [{"id": "OsSecret001", "name": "Secret", "sharing": {"public": "--------"}}]}
    client.post("/api/metadata", json=payload)
    with way.session() as session:
        users.create(session, "other", "secret")
    found = client_of(way, [], "other").get("/api/metadata?optionSets=true&fields=id").json()["optionSets"]
    assert {"id": "OsSecret001"} not in found


def test_an_export_is_a_payload(client: Client) -> None:
    """What was exported can be imported, and changes nothing; accounts without org units alone get the roots."""
    exported = client.get("/api/metadata").json()
    del exported["users"]
    stats = client.post("/api/metadata", json=exported).json()["response"]
    assert (stats["status"], stats["stats"]["created"], stats["stats"]["updated"]) == ("OK", 0, 0)
