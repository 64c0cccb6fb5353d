"""A FHIR client library of others works against the server."""

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound


def test_fhirpy_creates_reads_updates_searches_and_deletes(server: str) -> None:
    """fhirpy does its round of interactions, following pages to their end."""
    client = SyncFHIRClient(server)
    for number in range(5):
        patient = client.resource("Patient", name=[{"family": f"Abara{number}"}], gender="female")
        patient.save()
    assert patient["id"]
    found = client.resources("Patient").search(family="abara").limit(2).fetch_all()
    assert sorted(one["name"][0]["family"] for one in found) == [f"Abara{n}" for n in range(5)]
    patient["gender"] = "male"
    patient.save()
    assert client.reference("Patient", patient["id"]).to_resource()["gender"] == "male"
    assert client.resources("Patient").search(gender="male").count() == 1
    observation = client.resource("Observation", status="final", code={"text": "w"}, subject=patient.to_reference())
    observation.save()
    both = client.resources("Observation").search(patient=patient["id"]).include("Observation", "subject").fetch_raw()
    assert [one["resource"]["resourceType"] for one in both["entry"]] == ["Observation", "Patient"]
    with pytest.raises(OperationOutcome):
        client.resource("Patient", gender="f").save()
    patient.delete()
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", "none").to_resource()
