"""`/api/schemas`: the types in DHIS2's words, and documents checked against them."""

from tests.adapters.dhis2.conftest import Client
from tracker_core.metadata.schema import TYPES


def test_every_type_is_described(client: Client) -> None:
    """All of them, with fields chosen as anywhere."""
    listed = client.get("/api/schemas", params={"fields": "singular,plural,klass,shareable"}).json()["schemas"]
    assert {item["plural"] for item in listed} == set(TYPES)
    [program] = [item for item in listed if item["plural"] == "programs"]
    assert program == {
        "singular": "program",
        "plural": "programs",
        "klass": "org.hisp.dhis.program.Program",
        "shareable": True,
    }


def test_a_type_is_described_by_its_properties(client: Client) -> None:
    """Kinds, limits, constants, references, authorities; the singular and the plural name the same."""
    element = client.get("/api/schemas/dataElement").json()
    assert element == client.get("/api/42/schemas/dataElements.json").json() | {
        key: element[key] for key in ("apiEndpoint", "href", "properties")
    }
    found = {item["name"]: item for item in element["properties"]}
    assert found["id"]["propertyType"] == "IDENTIFIER"
    assert (found["name"]["required"], found["name"]["max"]) == (True, 230)
    assert (found["valueType"]["propertyType"], "TEXT" in found["valueType"]["constants"]) == ("CONSTANT", True)
    assert found["optionSet"]["relativeApiEndpoint"] == "/optionSets"
    assert (found["legendSets"]["propertyType"], found["legendSets"]["itemPropertyType"]) == ("COLLECTION", "REFERENCE")
    assert found["name"]["translationKey"] == "NAME"
    assert found["displayName"]["owner"] is False
    assert {"type": "CREATE_PUBLIC", "authorities": ["F_DATAELEMENT_PUBLIC_ADD"]} in element["authorities"]
    assert client.get("/api/schemas/unicorn").status_code == 404


def test_a_document_is_checked_without_being_stored(client: Client) -> None:
    """200 when nothing is wrong with it, 400 with every error else."""
    right = {"name": "Pi", "shortName": "Pi", "value": 3.14}
    answer = client.post("/api/schemas/constant", json=right)
    assert (answer.status_code, answer.json()["response"]["errorReports"]) == (200, [])
    wrong = client.post("/api/schemas/dataElements", json={"shortName": "x" * 60, "valueType": "COLOUR"})
    assert wrong.status_code == 400
    assert wrong.json()["response"]["responseType"] == "ErrorReports"
    codes = {item["errorCode"] for item in wrong.json()["response"]["errorReports"]}
    assert {"E4000", "E4001", "E4027"} <= codes
    assert client.get("/api/constants").json()["pager"]["total"] == 0
