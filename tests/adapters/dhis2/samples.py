"""Payloads of invented persons."""

from typing import Any


def person(uid: str = "TePerson001", **more: Any) -> dict[str, Any]:
    """A person with a malaria enrollment and one visit, nested."""
    visit = {
        "event": f"Ev{uid[2:]}",
        "programStage": "PsVisit0000",
        "orgUnit": "OuClinicA00",
        "occurredAt": "2024-03-02",
        "status": "ACTIVE",
        "dataValues": [
            {"dataElement": "DeTemp00000", "value": "38.50"},
            {"dataElement": "DeResult000", "value": "POS", "providedElsewhere": True},
        ],
    }
    enrolled = {
        "enrollment": f"En{uid[2:]}",
        "program": "PrMalaria00",
        "orgUnit": "OuClinicA00",
        "enrolledAt": "2024-03-01",
        "status": "ACTIVE",
        "attributes": [{"attribute": "TeVillage00", "value": "Oak"}],
        "events": [visit],
    }
    return {
        "trackedEntity": uid,
        "trackedEntityType": "MCPQUTHX1Ze",
        "orgUnit": "OuClinicA00",
        "attributes": [{"attribute": "sB1IHYu2xQT", "value": "Ada"}],
        "enrollments": [enrolled],
        **more,
    }
