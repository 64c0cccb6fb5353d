"""SMART's Python client, whose models are strict, works against the server."""

import pytest
from fhirclient import client as smart
from fhirclient.models import bundle, fhirsearch, observation, patient
from requests import HTTPError

CODE = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}


def test_fhirclient_writes_reads_pages_and_transacts(server: str) -> None:
    """fhirclient reads the CapabilityStatement and does CRUD, search, pages and a transaction."""
    settings = {"app_id": "tests", "api_base": server}
    there = smart.FHIRClient(settings=settings).server
    assert there.capabilityStatement.fhirVersion == "4.0.1"
    ada = patient.Patient({"name": [{"family": "Abara", "given": ["Ada"]}], "birthDate": "1990-01-01"})
    made = ada.create(there)
    ada = patient.Patient.read(made["id"], there)
    ada.gender = "female"
    assert ada.update(there)["meta"]["versionId"] == "2"
    entries = [
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": CODE,
                "subject": {"reference": f"Patient/{ada.id}"},
            },
            "request": {"method": "POST", "url": "Observation"},
        }
        for _ in range(5)
    ]
    posted = bundle.Bundle({"type": "transaction", "entry": entries})
    answered = bundle.Bundle(there.post_json("", posted.as_json()).json())
    assert [one.response.status for one in answered.entry] == ["201 Created"] * 5
    wanted = fhirsearch.FHIRSearch(observation.Observation, {"patient": ada.id, "_count": "2"})
    found = list(wanted.perform_resources_iter(there))
    assert len(found) == 5
    ada.delete()
    with pytest.raises(HTTPError):
        patient.Patient.read(made["id"], there)
