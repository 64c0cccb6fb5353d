"""A clinic below a district below the root, with users of several reaches."""

from typing import Any

import pytest

from tracker_core import metadata, users
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata

ROOT, DISTRICT, CLINIC, OTHER = "OuRoot00001", "OuDistrict1", "OuClinic001", "OuDistrict2"
PROGRAM, SECRET = "PrProgram01", "PrSecret001"
GROUP, ROLE = "UgNurses001", "UrDataEntry"


def shared(public: str, **holders: dict[str, str]) -> dict[str, Any]:
    """Return a sharing object: `users` and `userGroups` map a uid to its access string."""
    entries = {
        kind: {uid: {"id": uid, "access": access} for uid, access in given.items()} for kind, given in holders.items()
    }
    return {"owner": "UsOwner0001", "external": False, "public": public, "users": {}, "userGroups": {}, **entries}


@pytest.fixture
def world(session: Session, context: Context) -> Metadata:
    """Org units, an open and a restricted program, a role and a group with one member."""
    report = metadata.import_objects(
        session,
        context,
        {
            "organisationUnits": [
                {"id": ROOT, "name": "Country"},
                {"id": DISTRICT, "name": "North", "parent": {"id": ROOT}},
                {"id": OTHER, "name": "South", "parent": {"id": ROOT}},
                {"id": CLINIC, "name": "Clinic", "parent": {"id": DISTRICT}},
            ],
            "programs": [
                {"id": PROGRAM, "name": "Open", "programType": "WITHOUT_REGISTRATION"},
                {
                    "id": SECRET,
                    "name": "Restricted",
                    "programType": "WITHOUT_REGISTRATION",
                    "sharing": shared("--------", userGroups={GROUP: "r-r-----"}),
                },
            ],
            "userRoles": [{"id": ROLE, "name": "Data entry", "authorities": ["F_VIEW_EVENT_ANALYTICS"]}],
            "userGroups": [{"id": GROUP, "name": "Nurses", "users": [{"id": "UsAmina0001"}]}],
        },
    )
    assert report.issues == []
    users.create(session, "amina", "enough-Secret1", doc={"organisationUnits": [{"id": DISTRICT}, {"id": CLINIC}]})
    session.execute("update user_account set uid = 'UsAmina0001' where username = 'amina'")
    return metadata.load(session)
