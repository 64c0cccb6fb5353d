"""What hangs on an object when it is deleted, over small invented metadata."""

from typing import Any

import pytest

from tests.adapters.dhis2.objects.world import DOCS, snapshot
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.metadata.usage import plan_removal

MORE: dict[str, list[dict[str, Any]]] = {
    **DOCS,
    "programRules": [
        {"id": "RuWarn00001", "name": "Warn", "program": {"id": "PrEyes00001"}},
        {"id": "RuOther0001", "name": "Other", "program": {"id": "PrEvents001"}},
    ],
    "programRuleActions": [{"id": "PcWarn00001", "programRule": {"id": "RuWarn00001"}}],
    "trackedEntityTypes": [
        {
            "id": "TtPerson001",
            "name": "Person",
            "createdBy": {"id": "UsAda000001"},
            "trackedEntityTypeAttributes": [
                {"id": "TpName00001", "trackedEntityType": {"id": "TtPerson001"}},
            ],
        }
    ],
    "categories": [{"id": "CaSex000001", "name": "Sex", "categoryOptions": [{"id": "CoFemale001"}]}],
    "categoryOptions": [{"id": "CoFemale001", "name": "Female"}],
    "categoryCombos": [{"id": "CcSex000001", "name": "Sex", "categories": [{"id": "CaSex000001"}]}],
    "userGroups": [{"id": "UgHelpers01", "name": "Helpers", "users": [{"id": "UsAda000001"}]}],
}


@pytest.fixture
def known() -> Metadata:
    """The invented metadata."""
    return snapshot(MORE)


def test_children_go_along_and_their_children(known: Metadata, session: Session) -> None:
    """A program goes with its stages, its rules and their actions, and nobody else's."""
    plan = plan_removal(session, known, [("programs", "PrEyes00001")])
    assert plan.uses == []
    assert set(plan.gone) == {
        ("programs", "PrEyes00001"),
        ("programStages", "PsFirst0001"),
        ("programStages", "PsSecond001"),
        ("programRules", "RuWarn00001"),
        ("programRuleActions", "PcWarn00001"),
    }
    assert plan.left == {}


def test_lists_let_go(known: Metadata, session: Session) -> None:
    """A stage falls out of its program, whose document is planned without it; the stored one stays as it is."""
    plan = plan_removal(session, known, [("programStages", "PsSecond001")])
    left = plan.left["programs", "PrEyes00001"]
    assert left["programStages"] == [{"id": "PsFirst0001"}]
    stored = known.get("programs", "PrEyes00001")
    assert stored is not None
    assert len(stored.doc["programStages"]) == 2


@pytest.mark.parametrize(
    ("collection", "uid", "use"),
    [
        ("optionSets", "OsColour001", "DataElement (DeColour001)"),
        ("dataElements", "DeColour001", "ProgramStage (PsFirst0001)"),
        ("trackedEntityAttributes", "TaName00001", "Program (PrEyes00001)"),
        ("categories", "CaSex000001", "CategoryCombo (CcSex000001)"),
        ("organisationUnits", "OuCountry00", "OrganisationUnit (OuNorth0000)"),
    ],
)
def test_other_references_stand_in_the_way(
    known: Metadata, session: Session, collection: str, uid: str, use: str
) -> None:
    """Each use is named by type and uid: references of objects and of their parts, lists that something is made of."""
    assert use in [found.text for found in plan_removal(session, known, [(collection, uid)]).uses]


@pytest.mark.parametrize(
    ("collection", "uid"),
    [("trackedEntityTypes", "TtPerson001"), ("categoryOptions", "CoFemale001"), ("organisationUnits", "OuNorth0000")],
)
def test_what_only_lists_it_or_is_in_it_is_no_use(known: Metadata, session: Session, collection: str, uid: str) -> None:
    """Back references of its own parts, and lists, do not keep an object."""
    assert plan_removal(session, known, [(collection, uid)]).uses == []


def test_objects_deleted_together_do_not_keep_each_other(known: Metadata, session: Session) -> None:
    """Two data elements in use by one stage: both are named; nothing is planned twice."""
    plan = plan_removal(session, known, [("dataElements", "DeColour001"), ("dataElements", "DeWeight001")])
    assert [use.text for use in plan.uses] == ["ProgramStage (PsFirst0001)"]
    assert ("dataElementGroups", "DgBody00001") in plan.left
