"""The one table of what tracker data must satisfy: code, DHIS2's message, the check, and when it applies.

Messages are DHIS2's own (Web API 2.42, "Validation codes"): clients show them and compare them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tracker_core.tracker.rows import EnrollmentItem, EntityItem, EventItem, RelationshipItem, Step
from tracker_core.tracker.validation import attributes, enrollments, entities, events, relationships
from tracker_core.tracker.world import World

I_contra = TypeVar("I_contra", contravariant=True)
CREATE: tuple[Step, ...] = ("create",)
WRITE: tuple[Step, ...] = ("create", "update")
STORED: tuple[Step, ...] = ("update", "delete")
EVERY: tuple[Step, ...] = ("create", "update", "delete")
TWICE = ("duplicate", "{0} `{1}` stands more than once in this import.")
CASCADE = ("E5000", "{0} `{1}` cannot be created because {2} `{3}` referenced by it could not be created.")


@dataclass(frozen=True, slots=True)
class Check(Generic[I_contra]):
    """One rule. `find` returns the message's arguments once per fault; `needed` rules hold even when asked to skip."""

    code: str
    message: str
    find: Callable[[I_contra, World], Iterable[tuple[str, ...]]]
    steps: tuple[Step, ...] = WRITE
    needed: bool = False


_UNKNOWN_ATTRIBUTE = ("E1006", "Attribute: `{0}` does not exist.")
_WRONG_VALUE = ("E1007", "Error validating attribute value type: `{0}`; Error: `{1}`.")
_WRONG_GEOMETRY = ("E1012", "Geometry does not conform to FeatureType: `{0}`.")
_NOT_UNIQUE = ("E1064", "Non-unique attribute value `{0}` for attribute `{1}`.")
_NO_FEATURE_TYPE = ("E1074", "FeatureType is missing.")
_NO_UID = ("E1075", "Attribute: `{0}`, is missing uid.")
_CLEARED = ("E1076", "`{0}` `{1}` is mandatory and cannot be null")
_TOO_LONG = ("E1077", "Attribute: `{0}`, text value exceed the maximum allowed length: `{1}`.")
_NOT_AN_OPTION = ("E1125", "Value `{0}` is not a valid option code in OptionSet `{1}`.")
_NO_ENROLLMENT = ("E1081", "Enrollment: `{0}`, do not exist.")
_INCOMPLETE_ENROLLMENT = ("E1122", "Missing required enrollment property: `{0}`.")
_INCOMPLETE_EVENT = ("E1123", "Missing required event property: `{0}`.")

ENTITY_CHECKS: tuple[Check[EntityItem], ...] = (
    Check("E1002", "TrackedEntity: `{0}`, already exists.", entities.is_new, CREATE, needed=True),
    Check("E1063", "TrackedEntity: `{0}`, does not exist.", entities.is_stored, STORED, needed=True),
    Check(
        "E1114",
        "TrackedEntity: `{0}` is already deleted and cannot be modified.",
        entities.is_alive,
        EVERY,
        needed=True,
    ),
    Check("E1121", "Missing required trackedEntity property: `{0}`.", entities.is_complete, needed=True),
    Check("E1005", "Could not find TrackedEntityType: `{0}`.", entities.has_type, needed=True),
    Check("E1049", "Could not find OrganisationUnit: `{0}` linked to TrackedEntity.", entities.has_unit, needed=True),
    Check("E1126", "Not allowed to update trackedEntity property: {0}.", entities.keeps_type, needed=True),
    Check(*_NO_UID, attributes.named, needed=True),
    Check(*_UNKNOWN_ATTRIBUTE, attributes.known, needed=True),
    Check(*_TOO_LONG, attributes.short),
    Check(*_WRONG_VALUE, attributes.valid),
    Check(*_NOT_AN_OPTION, attributes.optional),
    Check(*_NOT_UNIQUE, attributes.unique, needed=True),
    Check(
        "E1090",
        "Attribute: `{0}` is mandatory in TrackedEntityType `{1}` but not found in TrackedEntity `{2}`.",
        entities.has_mandatory,
        CREATE,
    ),
    Check(*_CLEARED, entities.keeps_mandatory),
    Check(*_NO_FEATURE_TYPE, entities.has_feature_type),
    Check(*_WRONG_GEOMETRY, entities.fits_feature_type),
)

ENROLLMENT_CHECKS: tuple[Check[EnrollmentItem], ...] = (
    Check("E1080", "Enrollment: `{0}`, already exists.", enrollments.is_new, CREATE, needed=True),
    Check(*_NO_ENROLLMENT, enrollments.is_stored, STORED, needed=True),
    Check(
        "E1113",
        "Enrollment: `{0}` is already deleted and cannot be modified.",
        enrollments.is_alive,
        EVERY,
        needed=True,
    ),
    Check(*_INCOMPLETE_ENROLLMENT, enrollments.is_complete, needed=True),
    Check(*_INCOMPLETE_ENROLLMENT, enrollments.has_status, needed=True),
    Check("E1068", "Could not find TrackedEntity: `{0}` linked to Enrollment.", enrollments.has_entity, needed=True),
    Check("E1069", "Could not find Program: `{0}` linked to Enrollment.", enrollments.has_program, needed=True),
    Check("E1070", "Could not find OrganisationUnit: `{0}` linked to Enrollment.", enrollments.has_unit, needed=True),
    Check("E1127", "Not allowed to update enrollment property: {0}.", enrollments.keeps_parents, needed=True),
    Check(
        "E1014",
        "Provided Program: `{0}` is a Program without registration. An Enrollment cannot be created into Program"
        " without registration.",
        enrollments.may_register,
    ),
    Check("E1022", "TrackedEntity: `{0}` must have same TrackedEntityType as Program `{1}`.", enrollments.fits_type),
    Check("E1041", "Enrollment OrganisationUnit: `{0}` and Program: `{1}` do not match.", enrollments.at_program),
    Check("E1025", "Property enrolledAt is null.", enrollments.has_date, needed=True),
    Check("E1020", "Enrollment date: `{0}` cannot be a future date.", enrollments.not_ahead),
    Check("E1021", "Incident date: `{0}` cannot be a future date.", enrollments.incident_not_ahead),
    Check("E1023", "DisplayIncidentDate is true but occurredAt is null.", enrollments.has_incident_date),
    Check(
        "E1052", "Enrollment: `{0}` completedAt must be null when status is `{1}`.", enrollments.open_without_completion
    ),
    Check("E1015", "TrackedEntity: `{0}` already has an active Enrollment in Program `{1}`.", enrollments.one_active),
    Check(
        "E1016",
        "TrackedEntity: `{0}` already has an Enrollment in Program: `{1}`, and this Program only allows enrolling"
        " once.",
        enrollments.only_once,
    ),
    Check(*_NO_UID, attributes.named, needed=True),
    Check(*_UNKNOWN_ATTRIBUTE, attributes.known, needed=True),
    Check(
        "E1019",
        "Only ProgramAttributes are allowed for Enrollment, invalid Attribute: `{0}`.",
        enrollments.only_program_attributes,
    ),
    Check(*_TOO_LONG, attributes.short),
    Check(*_WRONG_VALUE, attributes.valid),
    Check(*_NOT_AN_OPTION, attributes.optional),
    Check(*_NOT_UNIQUE, attributes.unique, needed=True),
    Check(
        "E1018",
        "Attribute: `{0}` is mandatory in Program `{1}` but not declared in Enrollment `{2}`.",
        enrollments.has_mandatory,
        CREATE,
    ),
    Check(*_CLEARED, enrollments.keeps_mandatory),
    Check(*_NO_FEATURE_TYPE, enrollments.has_feature_type),
    Check(*_WRONG_GEOMETRY, enrollments.fits_feature_type),
)

EVENT_CHECKS: tuple[Check[EventItem], ...] = (
    Check("E1030", "Event: `{0}` already exists.", events.is_new, CREATE, needed=True),
    Check("E1032", "Event: `{0}` do not exist.", events.is_stored, STORED, needed=True),
    Check("E1082", "Event: `{0}`, is already deleted and cannot be modified.", events.is_alive, EVERY, needed=True),
    Check(*_INCOMPLETE_EVENT, events.is_complete, needed=True),
    Check(*_INCOMPLETE_EVENT, events.has_status, needed=True),
    Check("E1010", "Could not find Program: `{0}`, linked to Event.", events.has_program, needed=True),
    Check("E1011", "Could not find OrganisationUnit: `{0}`, linked to Event.", events.has_unit, needed=True),
    Check("E1013", "Could not find ProgramStage: `{0}`, linked to Event.", events.has_stage, needed=True),
    Check(
        "E1008",
        "ProgramStage `{0}` has no reference to a Program, check ProgramStage configuration.",
        events.stage_has_program,
    ),
    Check("E1033", "Event: `{0}` Enrollment value is null.", events.names_enrollment, needed=True),
    Check(*_NO_ENROLLMENT, events.has_enrollment, needed=True),
    Check(
        "E1079",
        "Event: `{0}`, program: `{1}` is different from program defined in enrollment `{2}`.",
        events.in_program,
    ),
    Check(
        "E1089",
        "Event: `{0}`, references a Program Stage `{1}` that does not belong to Program `{2}`.",
        events.in_stage,
    ),
    Check("E1029", "Event OrganisationUnit: `{0}` and Program: `{1}`, do not match.", events.at_program),
    Check("E1128", "Not allowed to update event property: {0}.", events.keeps_parents, needed=True),
    Check("E1031", "Event occurredAt date is missing.", events.has_date),
    Check("E1050", "Event ScheduledAt date is missing.", events.has_due_date),
    Check("E1051", "Event: `{0}` completedAt must be null when status is `{1}`.", events.open_without_completion),
    Check("E1316", "Event cannot transition from status `{0}` to status `{1}`.", events.may_become),
    Check("E1039", "ProgramStage: `{0}` is not repeatable and an Event already exists.", events.not_repeated),
    Check("E1315", "Status `{0}` does not allow creating data values, allow statuses: {1}.", events.may_hold_values),
    Check("E1120", "ProgramStage `{0}` does not allow user assignment.", events.may_assign),
    Check("E1118", "Assigned User `{0}` is not valid.", events.assignee_exists),
    Check("E1115", "Could not find CategoryOptionCombo: `{0}`.", events.has_option_combo),
    Check("E1304", "DataElement `{0}` is not a valid DataElement.", events.elements_known, needed=True),
    Check("E1305", "DataElement `{0}` is not part of ProgramStage `{1}`.", events.elements_of_stage),
    Check("E1302", "DataElement `{0}` is not valid: `{1}`.", events.values_valid),
    Check(*_NOT_AN_OPTION, events.values_of_options),
    Check("E1303", "Mandatory DataElement `{0}` is not present.", events.has_compulsory),
    Check(*_CLEARED, events.keeps_compulsory),
    Check(*_NO_FEATURE_TYPE, events.has_feature_type),
    Check(*_WRONG_GEOMETRY, events.fits_feature_type),
)

RELATIONSHIP_CHECKS: tuple[Check[RelationshipItem], ...] = (
    Check("E4015", "Relationship: `{0}` already exists.", relationships.is_new, CREATE, needed=True),
    Check("E4016", "Relationship: `{0}` do not exist.", relationships.is_stored, STORED, needed=True),
    Check(
        "E4017",
        "Relationship: `{0}` is already deleted and cannot be modified.",
        relationships.is_alive,
        EVERY,
        needed=True,
    ),
    Check("E1124", "Missing required relationship property: `{0}`.", relationships.is_complete, CREATE, needed=True),
    Check("E4006", "Could not find RelationshipType: `{0}`.", relationships.has_type, CREATE, needed=True),
    Check(
        "E4001",
        "RelationshipItem `{0}` for Relationship `{1}` is invalid as an item must be associated with exactly one of"
        " TrackedEntity, Enrollment, Event.",
        relationships.sides_single,
        CREATE,
        needed=True,
    ),
    Check(
        "E4012", "Could not find `{0}`: `{1}`, linked to relationship.", relationships.sides_exist, CREATE, needed=True
    ),
    Check(
        "E4010",
        "RelationshipType `{0}` constraint requires a {1} but a {2} was found.",
        relationships.sides_of_kind,
        CREATE,
    ),
    Check(
        "E4014",
        "RelationshipType `{0}` constraint requires TrackedEntityType `{1}` but `{2}` was found.",
        relationships.sides_of_type,
        CREATE,
    ),
    Check("E4000", "Relationship: `{0}` cannot link to itself.", relationships.not_to_itself, CREATE),
    Check(
        "E4018",
        "Relationship: `{0}` linking {1}: `{2}` to {3}: `{4}` already exists.",
        relationships.not_repeated,
        CREATE,
        needed=True,
    ),
)
