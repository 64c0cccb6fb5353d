"""The columns of the tracker's tables, name -> PostgreSQL type: one list for inserts and updates.

`*_KEYS` are written once; the others follow the object's state and are called as its row's attributes are. The org unit
stands apart, because a row knows its uid and the table its key.
"""

STAMPS = {"created": "timestamptz", "updated": "timestamptz", "created_in": "int8", "updated_in": "int8"}
_CLIENT = {"created_at_client": "timestamptz", "updated_at_client": "timestamptz"}

ENTITY_KEYS = {"pk": "int8", "uid": "text", "type": "int8"}
ENTITY = {"inactive": "bool", "potential_duplicate": "bool", "geometry": "jsonb", **_CLIENT}

ENROLLMENT_KEYS = {"pk": "int8", "uid": "text", "entity": "int8", "program": "int8", "origin": "int8"}
ENROLLMENT = {
    "status": "text",
    "enrolled_at": "timestamptz",
    "occurred_at": "timestamptz",
    "completed_at": "timestamptz",
    "completed_by": "text",
    "follow_up": "bool",
    "geometry": "jsonb",
    "notes": "jsonb",
    **_CLIENT,
}

EVENT_KEYS = {
    "pk": "int8",
    "uid": "text",
    "enrollment": "int8",
    "entity": "int8",
    "program": "int8",
    "stage": "int8",
    "origin": "int8",
}
EVENT = {
    "status": "text",
    "occurred_at": "timestamptz",
    "scheduled_at": "timestamptz",
    "completed_at": "timestamptz",
    "completed_by": "text",
    "attribute_option_combo": "text",
    "assigned_user": "text",
    "geometry": "jsonb",
    "data": "jsonb",
    "provided_elsewhere": "text[]",
    "notes": "jsonb",
    **_CLIENT,
}

RELATIONSHIP_KEYS = {
    "pk": "int8",
    "uid": "text",
    "type": "int8",
    "from_kind": "text",
    "from_pk": "int8",
    "to_kind": "text",
    "to_pk": "int8",
    "created_at_client": "timestamptz",
}
