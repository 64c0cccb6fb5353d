"""Setting the stage: org units, programs, reports, peers and routes, all through the hubs' own APIs."""

import json
from importlib import resources
from typing import Any

import httpx

from hub.demo.people import FACILITIES, Facility
from hub.demo.reports import DIAGNOSES, MALARIA
from hub.demo.writing import NATIONAL_ID

COUNTRY, DISTRICT = "KivCountry1", "KivDistrict"
LABORATORY, NATIONAL, GATEWAY = "lab-out", "national", "sms-gateway"


def org_units() -> list[dict[str, Any]]:
    """Return the country, its district and the district's facilities."""
    return [
        _org_unit(COUNTRY, "KIV", "Kivuland", None),
        _org_unit(DISTRICT, "KIV-D", "Kivu District", COUNTRY),
        *(_org_unit(f.uid, f.code, f.name, DISTRICT) for f in FACILITIES),
    ]


def _org_unit(uid: str, code: str, name: str, parent: str | None) -> dict[str, Any]:
    unit = {"id": uid, "code": code, "name": name, "shortName": name, "openingDate": "2000-01-01"}
    return {**unit, "parent": {"id": parent}} if parent else unit


def prepare_district(client: httpx.Client, national_url: str, national_secret: str, lab: str, sms: str) -> None:
    """Give the district hub its metadata, its report definitions, its peers and its routes."""
    programs = json.loads((resources.files("hub.demo") / "metadata" / "programs.json").read_text("utf-8"))
    units = [{"id": unit["id"]} for unit in org_units()]
    for program in programs["programs"]:
        program["organisationUnits"] = units
    _import(client, {"organisationUnits": org_units()})
    _import(client, programs)
    _import_reports(client)
    for definition in (DIAGNOSES, MALARIA):
        _expect(client.put(f"/hub/reports/{definition['code']}", json=definition))
    _expect(client.put("/hub/identifier-systems", json={"system": NATIONAL_ID}))
    for code, body in _peers(national_url, national_secret, lab, sms).items():
        _expect(client.put(f"/hub/peers/{code}", json=body))
    for code, type, about, records in (
        ("lab-patients", "ADT^A08", "person", ["Patient"]),
        ("lab-results", "ORU^R01", "record", ["DiagnosticReport"]),
    ):
        body = {"peer": LABORATORY, "type": type, "selects": {"records": records, "about": about}}
        _expect(client.put(f"/hub/routes/{code}", json=body))


def prepare_national(client: httpx.Client) -> None:
    """Give the national hub the metadata that the reports need."""
    _import(client, {"organisationUnits": org_units()})
    _import_reports(client)


def _import_reports(client: httpx.Client) -> None:
    for definition in (DIAGNOSES, MALARIA):
        payload = _expect(client.post("/hub/reports/metadata", json=definition)).json()
        _import(client, payload)


def _peers(national_url: str, secret: str, lab: str, sms: str) -> dict[str, dict[str, Any]]:
    clinics = {
        f"CLINIC|{f.code}": {
            "format": "hl7v2",
            "name": f.name,
            "settings": {"naming": {"NID": NATIONAL_ID}, "org_unit": f.code},
        }
        for f in FACILITIES
        if f.system == "hl7v2"
    }
    return {
        **clinics,
        "KIV-HC2": {
            "format": "emr",
            "name": "Hillside Health Centre",
            "settings": {"table": "visits", "org_unit": "KIV-HC2"},
        },
        LABORATORY: {"format": "hl7v2", "name": "Laboratory system", "address": lab},
        NATIONAL: {
            "format": "aggregate",
            "name": "National reporting",
            "address": national_url,
            "secret": secret,
            "settings": {"content_type": "application/adx+xml", "auth": "basic"},
        },
        GATEWAY: {"format": "sms", "name": "SMS gateway", "address": sms},
    }


def _clinic(facility: Facility) -> dict[str, Any]:
    settings = {"naming": {"NID": NATIONAL_ID}, "org_unit": facility.code}
    return {"format": "hl7v2", "name": facility.name, "settings": settings}


def _import(client: httpx.Client, payload: dict[str, Any]) -> None:
    report = _expect(client.post("/api/metadata", json=payload)).json()
    if report.get("status") != "OK":
        raise RuntimeError(f"metadata was not imported: {json.dumps(report)[:1500]}")


def _expect(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise RuntimeError(
            f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:1500]}"
        )
    return response
