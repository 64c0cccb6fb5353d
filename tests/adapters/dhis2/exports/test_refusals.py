"""Bad input for every parameter, and combinations that make no sense: DHIS2's status, in its envelope."""

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.exports import people as p

OF_TYPE, OF_PROGRAM = {"trackedEntityType": p.PERSON}, {"program": p.MALARIA}
Wrong = list[tuple[dict[str, str], str]]
NO_UID = "UID must be an alphanumeric string of 11 characters"

# What every list refuses, beside parameters that make a good call: the parameters and a part of the message.
EVERY: Wrong = [
    ({"orgUnitMode": "NEAR"}, "Value 'NEAR' is not valid for parameter orgUnitMode"),
    ({"orgUnitMode": "SELECTED"}, "At least one org unit"),
    ({"orgUnitMode": "CHILDREN"}, "At least one org unit"),
    ({"orgUnitMode": "ACCESSIBLE", "orgUnits": p.CLINICS[0]}, "orgUnitMode ACCESSIBLE cannot be used with orgUnits"),
    ({"orgUnitMode": "CAPTURE", "orgUnits": p.CLINICS[0]}, "orgUnitMode CAPTURE cannot be used with orgUnits"),
    ({"orgUnits": "Nowhere0001"}, "Organisation unit does not exist: Nowhere0001"),
    ({"orgUnits": "short"}, NO_UID),
    ({"orgUnits": p.CLINICS[0], "orgUnit": p.CLINICS[1]}, "Only one parameter of 'orgUnit' and 'orgUnits'"),
    ({"orgUnitMode": "ALL", "ouMode": "ALL"}, "Only one parameter of 'ouMode' and 'orgUnitMode'"),
    ({"page": "0"}, "page must be greater than or equal to 1"),
    ({"page": "two"}, "page must be"),
    ({"pageSize": "-1"}, "pageSize must be"),
    ({"totalPages": "maybe"}, "totalPages"),
    ({"paging": "false", "pageSize": "5"}, "Paging cannot be disabled"),
    ({"includeDeleted": "maybe"}, "includeDeleted"),
    ({"order": "favourite"}, "Cannot order by 'favourite'"),
    ({"order": "createdAt:up"}, "'up' is not a valid sort direction"),
    ({"order": "createdAt,createdAt:desc"}, "'createdAt' are repeated"),
    ({"order": "Nowhere0001"}, "Cannot order by 'Nowhere0001'"),
    ({"updatedAfter": "soon"}, "Value 'soon' is not valid for parameter updatedAfter"),
    ({"updatedAfter": "2024-13-01"}, "updatedAfter"),
    ({"updatedWithin": "P5D", "updatedAfter": "2024-01-01"}, "cannot be specified simultaneously"),
    ({"updatedWithin": "5 days"}, "Duration is not valid: 5 days"),
    ({"updatedWithin": "P"}, "Duration is not valid: P"),
    ({"updatedWithin": "P99999999D"}, "Duration is not valid"),
    ({"followUp": "maybe"}, "followUp"),
    ({"idScheme": "COLOUR"}, "idScheme"),
]
ENTITIES: Wrong = [
    ({"query": "x", **OF_TYPE}, "`query` parameter was removed"),
    ({"attribute": "x", **OF_TYPE}, "`attribute` parameter was removed"),
    ({"includeAllAttributes": "true", **OF_TYPE}, "`includeAllAttributes` parameter was removed"),
    ({}, "Either Program or Tracked entity type should be specified"),
    ({**OF_TYPE, **OF_PROGRAM}, "cannot be specified simultaneously"),
    ({"program": "short"}, NO_UID),
    ({"program": "Nowhere0001"}, "Program is specified but does not exist: Nowhere0001"),
    ({"program": p.WATER}, "Program specified is not a tracker program"),
    ({"trackedEntityType": "Nowhere0001"}, "Tracked entity type is specified but does not exist"),
    ({"trackedEntities": "short"}, NO_UID),
    ({"trackedEntities": "TePerson001", "trackedEntity": "TePerson001"}, "Only one parameter of 'trackedEntity'"),
    ({**OF_TYPE, "enrollmentStatus": "ACTIVE"}, "Program must be defined when enrollment status is defined"),
    ({**OF_PROGRAM, "enrollmentStatus": "ASLEEP"}, "Value 'ASLEEP' is not valid for parameter enrollmentStatus"),
    ({**OF_PROGRAM, "enrollmentStatus": "ACTIVE", "programStatus": "ACTIVE"}, "Prefer 'enrollmentStatus'"),
    ({**OF_TYPE, "followUp": "true"}, "Program must be defined when follow up status is defined"),
    ({**OF_TYPE, "enrollmentEnrolledAfter": "2024-01-01"}, "Program must be defined"),
    ({**OF_TYPE, "enrollmentEnrolledBefore": "2024-01-01"}, "Program must be defined"),
    ({**OF_TYPE, "enrollmentOccurredAfter": "2024-01-01"}, "Program must be defined"),
    ({**OF_TYPE, "enrollmentOccurredBefore": "2024-01-01"}, "Program must be defined"),
    ({**OF_PROGRAM, "enrollmentEnrolledAfter": "spring"}, "enrollmentEnrolledAfter"),
    ({**OF_TYPE, "programStage": p.VISIT}, "Program does not contain the specified programStage"),
    ({**OF_PROGRAM, "programStage": p.WATER_STAGE}, "Program does not contain the specified programStage"),
    ({**OF_PROGRAM, "eventStatus": "ACTIVE"}, "Event start and end date must be specified"),
    (
        {**OF_PROGRAM, "eventStatus": "GONE", "eventOccurredAfter": "2024-01-01", "eventOccurredBefore": "2024-02-01"},
        "Value 'GONE' is not valid for parameter eventStatus",
    ),
    ({**OF_PROGRAM, "eventOccurredAfter": "2024-01-01"}, "must be specified together"),
    ({**OF_PROGRAM, "assignedUserMode": "SOME"}, "assignedUserMode"),
    ({**OF_PROGRAM, "assignedUserMode": "CURRENT", "assignedUsers": "UsNurse0001"}, "selectionMode is not PROVIDED"),
    ({**OF_PROGRAM, "assignedUserMode": "PROVIDED"}, "must be specified if selectionMode is PROVIDED"),
    ({**OF_TYPE, "potentialDuplicate": "maybe"}, "potentialDuplicate"),
    ({**OF_TYPE, "order": "enrolledAt"}, "Program must be defined when ordering by enrolledAt"),
    ({**OF_TYPE, "filter": "short:eq:x"}, "UID must be"),
    ({**OF_TYPE, "filter": "Nowhere0001:eq:x"}, "Tracked entity attribute 'Nowhere0001' does not exist"),
    ({**OF_TYPE, "filter": f"{p.GIVEN}:near:x"}, "'near' is not a valid operator."),
    ({**OF_TYPE, "filter": f"{p.GIVEN}:eq"}, "Binary operator 'eq' must have a value"),
    ({**OF_TYPE, "filter": f"{p.GIVEN}:eq:"}, "Binary operator 'eq' must have a value"),
    ({**OF_TYPE, "filter": f"{p.GIVEN}::x"}, "is missing an operator"),
    ({**OF_TYPE, "filter": f"{p.GIVEN}:null:x"}, "Unary operator 'null' cannot have a value"),
    ({**OF_TYPE, "filter": f"{p.GIVEN}:gt:a:lt:z:ne:b:ne:c"}, "A maximum of three operators"),
    ({**OF_TYPE, "filter": f"{p.AGE}:gt:old"}, "needs a number"),
    ({**OF_TYPE, "filter": f"{p.AGE}:in:5;old"}, "needs a number"),
]
ENROLLMENTS: Wrong = [
    ({**OF_TYPE, **OF_PROGRAM}, "cannot be specified simultaneously"),
    ({"status": "ACTIVE"}, "Program must be defined when status is defined"),
    ({**OF_PROGRAM, "status": "SCHEDULE"}, "status"),
    ({"followUp": "true"}, "Program must be defined"),
    ({"enrolledAfter": "2024-01-01"}, "Program must be defined"),
    ({"enrolledBefore": "2024-01-01"}, "Program must be defined"),
    ({"trackedEntity": "Nowhere0001"}, "Tracked entity is specified but does not exist"),
    ({"enrollments": "short"}, NO_UID),
    ({"program": p.WATER}, "not a tracker program"),
    ({"trackedEntityType": "Nowhere0001"}, "does not exist"),
]
EVENTS: Wrong = [
    ({"program": "Nowhere0001"}, "Program is specified but does not exist"),
    ({"programStage": "Nowhere0001"}, "Program stage is specified but does not exist"),
    ({"trackedEntity": "Nowhere0001"}, "Tracked entity is specified but does not exist"),
    ({"enrollments": "short"}, NO_UID),
    ({"events": "short"}, NO_UID),
    ({"events": "EvPerson001", "filter": f"{p.RESULT}:eq:POS"}, "can not be specified at the same time"),
    ({**OF_PROGRAM, "status": "CANCELLED"}, "status"),
    ({**OF_PROGRAM, "enrollmentStatus": "ACTIVE", "programStatus": "ACTIVE"}, "Only one parameter of"),
    ({**OF_PROGRAM, "occurredAfter": "x"}, "occurredAfter"),
    ({**OF_PROGRAM, "occurredBefore": "9999-12-31"}, "too far away"),
    ({**OF_PROGRAM, "scheduledBefore": "x"}, "scheduledBefore"),
    ({**OF_PROGRAM, "enrollmentOccurredAfter": "x"}, "enrollmentOccurredAfter"),
    ({**OF_PROGRAM, "filter": "Nowhere0001:eq:1"}, "filter is invalid. Data element 'Nowhere0001' does not exist."),
    ({**OF_PROGRAM, "filter": f"{p.TEMPERATURE}:gt:hot"}, "needs a number"),
    ({**OF_PROGRAM, "filterAttributes": "Nowhere0001:eq:1"}, "attribute filters are invalid"),
    ({**OF_PROGRAM, "filterAttributes": f"{p.GIVEN}:like"}, "filterAttributes="),
    ({**OF_PROGRAM, "attributeCategoryCombo": "bjDvmb4bfuf"}, "Both or none of"),
    ({**OF_PROGRAM, "attributeCategoryOptions": "xYerKDKCefk"}, "Both or none of"),
    (
        {**OF_PROGRAM, "attributeCategoryCombo": "bjDvmb4bfuf", "attributeCategoryOptions": "Nowhere0001"},
        "There is no combination",
    ),
]
RELATIONSHIPS: Wrong = [
    ({}, "Missing required parameter"),
    ({"trackedEntity": "TePerson001", "event": "EvPerson001"}, "Only one of parameters"),
    ({"enrollment": "short"}, NO_UID),
    ({"trackedEntity": "TePerson001", "order": "updatedAt"}, "Cannot order by 'updatedAt'. Supported fields are"),
]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("trackedEntities", [({**OF_TYPE, **given}, says) for given, says in EVERY if "followUp" not in given]),
        ("trackedEntities", ENTITIES),
        ("enrollments", [({**OF_PROGRAM, **given}, says) for given, says in EVERY]),
        ("enrollments", ENROLLMENTS),
        ("events", [({**OF_PROGRAM, **given}, says) for given, says in EVERY]),
        ("events", EVENTS),
        ("relationships", RELATIONSHIPS),
    ],
    ids=["entities-every", "entities", "enrollments-every", "enrollments", "events-every", "events", "relationships"],
)
def test_wrong_parameters_are_refused(client: Client, path: str, wrong: Wrong) -> None:
    """400, and the message says what is wrong."""
    for given, says in wrong:
        response = client.get(f"/api/tracker/{path}", params=given)
        body = response.json()
        assert (response.status_code, body["httpStatusCode"], body["status"]) == (400, 400, "ERROR"), (given, body)
        assert says in body["message"], (given, body["message"])


def test_what_is_not_there_is_not_found(client: Client) -> None:
    """404 for unknown objects, 400 for what is no uid, 409 for fields that cannot be read."""
    for path in ("trackedEntities", "enrollments", "events", "relationships"):
        assert client.get(f"/api/tracker/{path}/Nowhere0001").status_code == 404
        assert client.get(f"/api/tracker/{path}/short").status_code == 400
        assert client.get(f"/api/tracker/{path}/Nowhere0001", params={"fields": "a[b"}).status_code == 409
    for side in ("trackedEntity", "enrollment", "event"):
        assert client.get("/api/tracker/relationships", params={side: "Nowhere0001"}).status_code == 404


def test_a_nul_in_a_value_is_refused(client: Client) -> None:
    """The database cannot keep it, so nothing can match."""
    response = client.get("/api/tracker/trackedEntities", params={**OF_TYPE, "filter": f"{p.GIVEN}:eq:a\0b"})
    assert response.status_code == 400
