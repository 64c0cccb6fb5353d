"""Every decision of case finding can be asked for, with the message behind it."""

import httpx
import pytest

from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.hub.bound.district import settle
from tracker_core.database import Pool, transaction


@pytest.fixture
def runtime(pool: Pool) -> Runtime:
    """A hub with the case programs, offered at two clinics of a district."""
    with transaction(pool) as session:
        settle(session)
    return Runtime(pool=pool, adapters=ADAPTERS)


def post(client: httpx.Client, resource: dict[str, object]) -> str:
    """Create a record; return its reference."""
    answer = client.post(f"/fhir/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return f"{resource['resourceType']}/{answer.json()['id']}"


def test_a_decision_is_explained_from_both_sides(client: httpx.Client) -> None:
    """By the enrollment and by the record; wrong questions are refused."""
    place = {"identifier": {"system": "urn:tracker-hub:org-unit", "value": "CLINIC-A"}}
    person = {"resourceType": "Patient", "gender": "male", "name": [{"family": "Otim"}], "managingOrganization": place}
    patient = post(client, person)
    coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "B50.9"}
    condition = post(
        client,
        {
            "resourceType": "Condition",
            "code": {"coding": [coding]},
            "subject": {"reference": patient},
            "recordedDate": "2026-03-05",
        },
    )
    decided = client.get("/hub/decisions", params={"record": condition}).json()["decisions"]
    assert [(one["decision"], one["classification"]) for one in decided] == [
        ("opened", None),
        ("classified", "confirmed"),
    ]
    assert client.get(f"/hub/messages/{decided[0]['message']}").json()["state"] == "done"
    same = client.get("/hub/decisions", params={"enrollment": decided[0]["enrollment"]}).json()["decisions"]
    assert same == decided
    assert client.get("/hub/decisions").status_code == 400
    assert client.get("/hub/decisions", params={"record": "Condition/none"}).status_code == 404
    assert client.get("/hub/decisions", params={"record": "Nothing"}).status_code == 404
