"""The parameters of a metadata import (Web API 2.42, "Metadata import and export")."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.dhis2.parameters import choice, flag
from tracker_core.errors import Malformed
from tracker_core.metadata import Options
from tracker_core.metadata.importing.options import Identifier, Strategy
from tracker_core.uids import is_uid

_STRATEGIES: dict[str, Strategy] = {
    "CREATE_AND_UPDATE": "CREATE_AND_UPDATE",
    "CREATE": "CREATE",
    "UPDATE": "UPDATE",
    "DELETE": "DELETE",
    "NEW_AND_UPDATES": "CREATE_AND_UPDATE",
    "NEW": "CREATE",
    "UPDATES": "UPDATE",
    "DELETES": "DELETE",
}
_IDENTIFIERS: dict[str, Identifier] = {"UID": "UID", "CODE": "CODE", "AUTO": "AUTO"}
# Read, and refused when they say something else; what they tune is no concern of an import that works on sets.
# A merge is what DHIS2 2.42 makes of it: the same as a replacement.
_WITHOUT_EFFECT = {
    "preheatMode": ("REFERENCE", "ALL", "NONE"),
    "mergeMode": ("REPLACE", "MERGE", "MERGE_ALWAYS", "MERGE_IF_NOT_NULL", "NONE"),
    "flushMode": ("AUTO", "OBJECT"),
    "inclusionStrategy": ("NON_NULL", "ALWAYS", "NON_EMPTY"),
}


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """How to import: `report` is ERRORS, ERRORS_NOT_OWNER, FULL or DEBUG; `background` asks for a job."""

    options: Options
    commit: bool
    report: str
    background: bool


def read_parameters(given: Mapping[str, str], user: str) -> ImportParameters:
    """Read query parameters for the user with the uid `user`; unknown ones are ignored. Raises `Malformed`."""
    for name, values in _WITHOUT_EFFECT.items():
        choice(given, name, dict.fromkeys(values))
    flag(given, "metadataSyncImport", default=False)
    options = Options(
        strategy=choice(given, "importStrategy", _STRATEGIES),
        identifier=choice(given, "identifier", _IDENTIFIERS),
        atomic=choice(given, "atomicMode", {"ALL": True, "NONE": False}),
        skip_sharing=flag(given, "skipSharing", default=False),
        skip_translation=flag(given, "skipTranslation", default=False),
        skip_validation=flag(given, "skipValidation", default=False),
        creator=_creator(given, user),
    )
    return ImportParameters(
        options=options,
        commit=choice(given, "importMode", {"COMMIT": True, "VALIDATE": False}),
        report=choice(given, "importReportMode", {m: m for m in ("ERRORS", "FULL", "DEBUG", "ERRORS_NOT_OWNER")}),
        background=flag(given, "async", default=False),
    )


def _creator(given: Mapping[str, str], user: str) -> str:
    mode = choice(given, "userOverrideMode", {"NONE": "", "CURRENT": user, "SELECTED": given.get("overrideUser", "")})
    if given.get("userOverrideMode", "").upper() == "SELECTED" and not is_uid(mode):
        raise Malformed("userOverrideMode SELECTED needs overrideUser, the uid of a user")
    return mode
