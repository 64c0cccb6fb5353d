"""The identifying facts of a Patient document."""

from typing import Any

from tracker_core.identity.facts import PatientFacts


def facts(
    document: dict[str, Any], pk: int, source: int | None, previous: int | None, org_unit: int | None = None
) -> PatientFacts:
    """Return what identity needs of a valid Patient document; old names and identifiers are left out."""
    identifiers = tuple(
        (one.get("system", ""), one["value"])
        for one in document.get("identifier", ())
        if one.get("value") and one.get("use") != "old"
    )
    names = [one for one in document.get("name", ()) if one.get("use") != "old"]
    name = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    phones = tuple(
        one["value"] for one in document.get("telecom", ()) if one.get("system") == "phone" and one.get("value")
    )
    return PatientFacts(
        record=pk,
        source=source,
        previous=previous,
        identifiers=identifiers,
        family=name.get("family", ""),
        given=" ".join(part for part in name.get("given", ()) if part),
        birth_date=document.get("birthDate", ""),
        sex=document.get("gender", ""),
        phones=phones,
        org_unit=org_unit,
    )
