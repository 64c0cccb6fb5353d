"""Importing metadata: all or nothing, whole documents, and nothing to do the second time."""

from typing import Any

import pytest

from tests.tracker_core.metadata.comparing import lost
from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.uids import is_uid


def codes(session: Session, context: Context, payload: dict[str, Any]) -> set[str]:
    """Import `payload`, which must be refused, and return the codes of the issues."""
    report = metadata.import_objects(session, context, payload)
    assert report.rejected
    assert {outcome.action for outcome in report.outcomes} <= {"ignored"}
    return {issue.code for issue in report.issues}


def test_a_second_import_changes_nothing(
    session: Session, context: Context, country: dict[str, Any], metadata_here: Metadata
) -> None:
    """The same payload again gives only `unchanged` and keeps the version, so no process reloads."""
    report = metadata.import_objects(session, context, country)
    assert {outcome.action for outcome in report.outcomes} == {"unchanged"}
    assert metadata.load(session) is metadata_here


def test_documents_are_kept_whole(metadata_here: Metadata, country: dict[str, Any]) -> None:
    """Every property comes back, those that the hub does not know included."""
    for type in ("programs", "programStages", "dataElements", "options", "relationshipTypes"):
        for doc in country[type]:
            found = metadata_here.get(type, doc["id"])
            assert found is not None
            assert lost(doc, found.doc) == []


def test_an_update_replaces_the_document(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A property that the new document lacks is gone; the new metadata has a new version."""
    doc = {"id": "DeNote00000", "name": "Notes", "valueType": "TEXT"}
    report = metadata.import_objects(session, context, {"dataElements": [doc]})
    assert [o.action for o in report.outcomes] == ["updated"]
    fresh = metadata.load(session)
    assert fresh.version != metadata_here.version
    assert fresh.data_elements["DeNote00000"].value_type == "TEXT"
    assert fresh.data_elements["DeNote00000"].code is None


def test_an_object_without_id_is_known_by_its_code(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A known code updates its object; an unknown one makes an object with a fresh uid."""
    docs = [{"code": "DENOTE", "name": "N", "valueType": "TEXT"}, {"code": "NEW", "name": "New", "valueType": "DATE"}]
    report = metadata.import_objects(session, context, {"dataElements": docs})
    assert [o.action for o in report.outcomes] == ["updated", "created"]
    assert report.outcomes[0].id == "DeNote00000"
    assert is_uid(report.outcomes[1].id)


def test_foreign_defaults_become_ours(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A package's own `default` category combo is not imported; what refers to it refers to ours."""
    payload = {
        "categoryCombos": [{"id": "ForeignDef1", "name": "default", "code": "default"}],
        "programs": [
            {
                "id": "ForeignPrg1",
                "name": "X",
                "programType": "WITHOUT_REGISTRATION",
                "categoryCombo": {"id": "ForeignDef1"},
            }
        ],
    }
    report = metadata.import_objects(session, context, payload)
    assert [(o.kind, o.action) for o in report.outcomes] == [("programs", "created")]
    assert metadata.load(session).programs["ForeignPrg1"].category_combo == "bjDvmb4bfuf"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"dataElements": ["text"]}, "E5001"),
        ({"dataElements": [{"id": "not a uid", "name": "x", "valueType": "TEXT"}]}, "E4014"),
        ({"dataElements": [{"name": "no type"}]}, "E4000"),
        ({"dataElements": [{"id": "DeTwice0001", "name": "a", "valueType": "TEXT"}] * 2}, "E5004"),
        ({"dataElements": [{"name": "a", "code": "DENOTE", "id": "DeOther0001", "valueType": "TEXT"}]}, "E5003"),
        (
            {
                "programStages": [
                    {
                        "name": "s",
                        "program": {"id": "PrMalaria00"},
                        "programStageDataElements": [{"dataElement": {"id": "Nowhere0001"}}],
                    }
                ]
            },
            "E5002",
        ),
        ({"organisationUnits": [{"name": "lost", "parent": {"id": "Nowhere0001"}}]}, "E5002"),
        ({"organisationUnits": [{"name": "lost", "parent": {"code": "NOWHERE"}}]}, "E5002"),
        ({"organisationUnits": [{"code": "X"}]}, "E4000"),
        ({"organisationUnits": [{"name": "x", "openingDate": "soon"}]}, "E4027"),
        ({"organisationUnits": [{"id": "OuOther0001", "name": "x", "code": "CLINIC_A"}]}, "E5003"),
        ({"organisationUnits": [{"id": "OuTwice0001", "name": "x"}] * 2}, "E5004"),
        ({"organisationUnits": [{"id": "OuNorth0000", "name": "x", "parent": {"id": "OuClinicA00"}}]}, "E5002"),
    ],
)
def test_wrong_metadata_is_refused_whole(
    session: Session, context: Context, metadata_here: Metadata, payload: dict[str, Any], code: str
) -> None:
    """Each fault gives DHIS2's code, and what was right beside it is not stored either."""
    good = {"optionSets": [{"id": "OsGood00001", "name": "good"}]}
    assert codes(session, context, {**payload, **good}) == {code}
    assert metadata.load(session).get("optionSets", "OsGood00001") is None
