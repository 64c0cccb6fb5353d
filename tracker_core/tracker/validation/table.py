"""The one table of what tracker data must satisfy: code, DHIS2's message, the check that raises it, when it applies.

The checks of a kind stand in stages, in the order of DHIS2's own: what a stage finds keeps an item from the later ones,
which may rely on it. The messages are in `messages`, by code.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from tracker_core.issues import Severity
from tracker_core.tracker.rows import EnrollmentItem, EntityItem, EventItem, RelationshipItem, Step
from tracker_core.tracker.validation import (
    attributes,
    categories,
    enrollments,
    entities,
    events,
    expiry,
    notes,
    relationships,
    rights,
)
from tracker_core.tracker.validation.messages import MESSAGES
from tracker_core.tracker.world import World

I_contra = TypeVar("I_contra", contravariant=True)
CREATE: tuple[Step, ...] = ("create",)
WRITE: tuple[Step, ...] = ("create", "update")
UPDATE: tuple[Step, ...] = ("update",)
STORED: tuple[Step, ...] = ("update", "delete")
DELETE: tuple[Step, ...] = ("delete",)
LINK: tuple[Step, ...] = ("create", "delete")
EVERY: tuple[Step, ...] = ("create", "update", "delete")
TWICE = ("duplicate", "{0} `{1}` stands more than once in this import.")
CASCADE = ("E5000", MESSAGES["E5000"])


@dataclass(frozen=True, slots=True)
class Check(Generic[I_contra]):
    """One rule. `find` returns the message's arguments once per fault; `needed` rules hold even when asked to skip."""

    code: str
    find: Callable[[I_contra, World], Sequence[tuple[str, ...]]]
    steps: tuple[Step, ...] = WRITE
    needed: bool = False
    severity: Severity = "error"

    @property
    def personal(self) -> bool:
        """Whether the rule binds only users whose rights are limited."""
        return self.find.__module__ in (rights.__name__, expiry.__name__)

    @property
    def message(self) -> str:
        """DHIS2's message of the code, its arguments as `{0}` …"""
        return MESSAGES[self.code]


Stages: TypeAlias = tuple[tuple[Check[I_contra], ...], ...]

ENTITIES: Stages[EntityItem] = (
    (
        Check("E1002", entities.is_new, CREATE, needed=True),
        Check("E1063", entities.is_stored, STORED, needed=True),
        Check("E1114", entities.is_alive, EVERY, needed=True),
    ),
    (Check("E1121", entities.is_complete, needed=True),),
    (
        Check("E1005", entities.has_type, needed=True),
        Check("E1049", entities.has_unit, needed=True),
    ),
    (Check("E1126", entities.keeps_type, needed=True),),
    (
        Check("E1001", rights.writes_type, CREATE),
        Check("E1000", rights.entity_at_capture, EVERY),
        Check("E1003", rights.writes_entity, STORED),
        Check("E1100", rights.cascades_entity, DELETE),
    ),
    (
        Check("E1075", attributes.named, needed=True),
        Check("E1006", attributes.known, needed=True),
        Check("E1077", attributes.short),
        Check("E1112", attributes.not_confidential),
        Check("E1007", attributes.valid),
        Check("E1007", attributes.of_pattern),
        Check("E1125", attributes.optional),
        Check("E1009", attributes.file_free, needed=True),
        Check("E1064", attributes.unique, needed=True),
        Check("E1090", entities.has_mandatory, CREATE),
        Check("E1076", entities.keeps_mandatory),
        Check("E1074", entities.has_feature_type),
        Check("E1012", entities.fits_feature_type),
    ),
)

ENROLLMENTS: Stages[EnrollmentItem] = (
    (
        Check("E1080", enrollments.is_new, CREATE, needed=True),
        Check("E1081", enrollments.is_stored, STORED, needed=True),
        Check("E1113", enrollments.is_alive, EVERY, needed=True),
    ),
    (
        Check("E1122", enrollments.is_complete, needed=True),
        Check("E1122", enrollments.has_status, needed=True),
    ),
    (
        Check("E1070", enrollments.has_unit, needed=True),
        Check("E1069", enrollments.has_program, needed=True),
        Check("E1068", enrollments.has_entity, needed=True),
    ),
    (Check("E1127", enrollments.keeps_parents, needed=True),),
    (
        Check("E1014", enrollments.may_register),
        Check("E1041", enrollments.at_program),
        Check("E1022", enrollments.fits_type),
    ),
    (
        Check("E1000", rights.enrollment_at_capture, EVERY),
        Check("E1103", rights.cascades_enrollment, DELETE),
        Check("E1091", rights.writes_program, EVERY),
        Check("E1104", rights.reads_type, EVERY),
        Check("E1102", rights.owns_enrolled, EVERY),
    ),
    (
        Check("E1119", notes.are_new, severity="warning"),
        Check("E1015", enrollments.one_active),
        Check("E1016", enrollments.only_once),
        Check("E1074", enrollments.has_feature_type),
        Check("E1012", enrollments.fits_feature_type),
        Check("E1025", enrollments.has_date, needed=True),
        Check("E1020", enrollments.not_ahead),
        Check("E1021", enrollments.incident_not_ahead),
        Check("E1023", enrollments.has_incident_date),
        Check("E1052", enrollments.open_without_completion),
        Check("E1075", attributes.named, needed=True),
        Check("E1006", attributes.known, needed=True),
        Check("E1019", enrollments.only_program_attributes),
        Check("E1077", attributes.short),
        Check("E1112", attributes.not_confidential),
        Check("E1007", attributes.valid),
        Check("E1007", attributes.of_pattern),
        Check("E1125", attributes.optional),
        Check("E1009", attributes.file_free, needed=True),
        Check("E1064", attributes.unique, needed=True),
        Check("E1018", enrollments.has_mandatory, CREATE),
        Check("E1076", enrollments.keeps_mandatory),
    ),
)

EVENTS: Stages[EventItem] = (
    (
        Check("E1030", events.is_new, CREATE, needed=True),
        Check("E1032", events.is_stored, STORED, needed=True),
        Check("E1082", events.is_alive, EVERY, needed=True),
    ),
    (
        Check("E1123", events.is_complete, needed=True),
        Check("E1123", events.has_status, needed=True),
    ),
    (
        Check("E1011", events.has_unit, needed=True),
        Check("E1010", events.has_program, needed=True),
        Check("E1013", events.has_stage, needed=True),
    ),
    (Check("E1128", events.keeps_parents, needed=True),),
    (
        Check("E1008", events.stage_has_program),
        Check("E1033", events.names_enrollment, needed=True),
        Check("E1081", events.has_enrollment, needed=True),
        Check("E1313", events.has_entity, needed=True),
        Check("E1089", events.in_stage),
        Check("E1079", events.in_program),
        Check("E1029", events.at_program),
        Check("E1115", categories.combo_exists),
        Check("E1116", categories.options_exist),
        Check("E1055", categories.combo_is_chosen),
    ),
    (
        Check("E1117", categories.combo_found),
        Check("E1054", categories.combo_of_program),
    ),
    (
        Check("E1000", rights.event_at_capture, EVERY),
        Check("E1091", rights.writes_program, EVERY),
        Check("E1095", rights.writes_stage, EVERY),
        Check("E1096", rights.reads_program, EVERY),
        Check("E1104", rights.reads_type, EVERY),
        Check("E1102", rights.owns_visited, EVERY),
        Check("E1099", rights.writes_options, EVERY),
        Check("E1083", rights.may_reopen, UPDATE),
    ),
    (
        Check("E1056", categories.option_has_begun),
        Check("E1057", categories.option_has_not_ended),
        Check("E1031", events.has_date),
        Check("E1050", events.has_due_date),
        Check("E1051", events.open_without_completion),
        Check("E1043", expiry.not_long_completed),
        Check("E1046", expiry.has_some_date),
        Check("E1047", expiry.in_open_period),
        Check("E1074", events.has_feature_type),
        Check("E1012", events.fits_feature_type),
        Check("E1119", notes.are_new, severity="warning"),
        Check("E1304", events.elements_known, needed=True),
        Check("E1305", events.elements_of_stage),
        Check("E1302", events.values_valid),
        Check("E1125", events.values_of_options),
        Check("E1009", events.files_free, needed=True),
        Check("E1303", events.has_compulsory),
        Check("E1076", events.keeps_compulsory),
        Check("E1315", events.may_hold_values),
        Check("E1316", events.may_become),
        Check("E1326", events.form_is_open, UPDATE),
        Check("E1118", events.assignee_exists),
        Check("E1120", events.may_assign, severity="warning"),
        Check("E1039", events.not_repeated),
    ),
)

RELATIONSHIPS: Stages[RelationshipItem] = (
    (
        Check("E4015", relationships.is_new, CREATE, needed=True),
        Check("E4016", relationships.is_stored, STORED, needed=True),
        Check("E4017", relationships.is_alive, EVERY, needed=True),
    ),
    (
        Check("E1124", relationships.is_complete, CREATE, needed=True),
        Check("E4001", relationships.sides_single, CREATE, needed=True),
    ),
    (Check("E4006", relationships.has_type, CREATE, needed=True),),
    (
        Check("E4012", relationships.sides_exist, CREATE, needed=True),
        Check("E4000", relationships.not_to_itself, CREATE),
    ),
    (
        Check("E4010", relationships.sides_of_kind, CREATE),
        Check("E4014", relationships.sides_of_type, CREATE),
    ),
    (Check("E4020", rights.writes_relationship, LINK),),
    (Check("E4018", relationships.not_repeated, CREATE, needed=True),),
)


def checks() -> Iterator[Check[Any]]:
    """Yield every check, of all kinds."""
    for stages in (ENTITIES, ENROLLMENTS, EVENTS, RELATIONSHIPS):
        for stage in stages:
            yield from stage
