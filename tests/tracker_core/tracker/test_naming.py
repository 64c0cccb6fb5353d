"""References by code, name or custom attribute mean the same objects as by uid."""

from dataclasses import replace
from typing import Any

import pytest

from tracker_core import metadata, tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange, Schemes
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata


def _renamed(known: Metadata, type: str, uid: str, **more: Any) -> dict[str, Any]:
    found = known.get(type, uid)
    assert found is not None
    return {
        "id": uid,
        **found.doc,
        **more,
        "attributeValues": [{"attribute": {"id": "AtForeign00"}, "value": f"x-{uid}"}],
    }


@pytest.mark.parametrize("scheme", ["CODE", "NAME", "ATTRIBUTE:AtForeign00"])
def test_every_reference_has_a_scheme(session: Session, context: Context, metadata_here: Metadata, scheme: str) -> None:
    """Org units, programs, stages, data elements, types and attributes are found by code, name and attribute alike."""
    known = metadata_here
    payload = {
        "attributes": [{"id": "AtForeign00", "name": "Foreign", "valueType": "TEXT"}],
        "programs": [_renamed(known, "programs", "PrMalaria00")],
        "programStages": [_renamed(known, "programStages", "PsVisit0000", code="VISIT", name="Only visit")],
        "dataElements": [_renamed(known, "dataElements", "DeTemp00000")],
        "trackedEntityAttributes": [_renamed(known, "trackedEntityAttributes", "sB1IHYu2xQT")],
        "trackedEntityTypes": [_renamed(known, "trackedEntityTypes", "MCPQUTHX1Ze", code="PERSON")],
        "relationshipTypes": [_renamed(known, "relationshipTypes", "RtParent000", code="PARENT")],
        "organisationUnits": [
            {
                "id": "OuClinicA00",
                "code": "CLINIC_A",
                "name": "Clinic Alder",
                "openingDate": "2010-05-01",
                "parent": {"id": "OuNorth0000"},
                "attributeValues": [{"attribute": {"id": "AtForeign00"}, "value": "x-OuClinicA00"}],
            }
        ],
    }
    assert metadata.import_objects(session, context, payload).issues == []
    known = metadata.load(session)

    def key(type: str, uid: str) -> str:
        found = known.org_units[uid] if type == "organisationUnits" else known.objects[type][uid]
        return {"CODE": found.code or "", "NAME": found.name}.get(scheme, f"x-{uid}")

    unit, person = key("organisationUnits", "OuClinicA00"), key("trackedEntityTypes", "MCPQUTHX1Ze")
    program, stage = key("programs", "PrMalaria00"), key("programStages", "PsVisit0000")
    name, element = key("trackedEntityAttributes", "sB1IHYu2xQT"), key("dataElements", "DeTemp00000")
    changes = ChangeSet(
        entities=[EntityChange(uid, person, unit, {name: "Ada"}) for uid in ("TeOne000001", "TeTwo000001")],
        enrollments=[EnrollmentChange("EnOne000001", "TeOne000001", program, unit, "2024-03-01", {name: "Ada"})],
        events=[
            EventChange(
                *("EvOne000001", "EnOne000001", program, stage, unit),
                data={element: "37"},
                fields={"occurredAt": "2024-03-02", "providedElsewhere": {element: True}},
            )
        ],
        relationships=[
            RelationshipChange(
                "ReOne000001",
                key("relationshipTypes", "RtParent000"),
                ("trackedEntity", "TeOne000001"),
                ("trackedEntity", "TeTwo000001"),
            )
        ],
        schemes=Schemes(*(scheme,) * 7),
    )
    assert tracker.apply(session, context, changes).issues == []
    row = session.execute("select data, provided_elsewhere from event where uid = 'EvOne000001'").fetchone()
    assert row == ({"DeTemp00000": "37"}, ["DeTemp00000"])


def test_what_is_ambiguous_or_unknown_is_not_found(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A name that two objects have names neither; the issue says the key as it was sent."""
    twin = {"organisationUnits": [{"name": "Clinic Alder", "parent": {"id": "OuSouth0000"}}]}
    assert metadata.import_objects(session, context, twin).issues == []
    change = EntityChange("TeOne000001", "MCPQUTHX1Ze", "Clinic Alder", {"sB1IHYu2xQT": "Ada"})
    for scheme, unit in (("NAME", "Clinic Alder"), ("CODE", "NOWHERE")):
        changes = ChangeSet(entities=[replace(change, org_unit=unit)], schemes=Schemes(org_unit=scheme))
        [issue] = tracker.apply(session, context, changes).issues
        assert (issue.code, unit in issue.text) == ("E1049", True)


def test_category_options_and_combos_have_schemes(session: Session, context: Context, metadata_here: Metadata) -> None:
    """An option combo by its code, or its options by their codes, is the combo of the event."""
    water = metadata_here.objects["programs"]["PrWater0000"].doc
    payload = {
        "categoryOptions": [{"id": "CoGlobal000", "name": "Global fund", "code": "GF"}],
        "categories": [{"id": "CaFunder000", "name": "Funder", "categoryOptions": [{"id": "CoGlobal000"}]}],
        "categoryCombos": [{"id": "CbFunder000", "name": "Funder", "categories": [{"id": "CaFunder000"}]}],
        "categoryOptionCombos": [
            {
                "id": "CcGlobal000",
                "name": "Global fund",
                "code": "GFC",
                "categoryCombo": {"id": "CbFunder000"},
                "categoryOptions": [{"id": "CoGlobal000"}],
            }
        ],
        "programs": [{"id": "PrWater0000", **water, "categoryCombo": {"id": "CbFunder000"}}],
    }
    assert metadata.import_objects(session, context, payload).issues == []
    for number, fields in enumerate(({"attributeOptionCombo": "GFC"}, {"attributeCategoryOptions": ["GF"]})):
        event = EventChange(f"EvWater000{number}", "", "PrWater0000", "PsWater0000", "OuClinicA00")
        event.fields = {"occurredAt": "2024-01-01", **fields}
        changes = ChangeSet(events=[event], schemes=Schemes(option_combo="CODE", option="CODE"))
        assert tracker.apply(session, context, changes).issues == []
    assert session.execute("select distinct attribute_option_combo from event").fetchall() == [("CcGlobal000",)]
