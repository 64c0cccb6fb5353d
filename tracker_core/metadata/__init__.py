"""Metadata: DHIS2 object types as documents, compiled into one immutable snapshot per version.

`load` gives the snapshot; `import_objects` brings a payload of the shape of DHIS2's `/api/metadata`; `bootstrap` puts
into an empty database what every hub needs. Org units live in rows of their own (`org_units`), as SQL walks their tree.
"""

from tracker_core.metadata.bootstrapping import DEFAULT_OPTION_COMBO, PERSON, bootstrap
from tracker_core.metadata.importing import Options, import_objects
from tracker_core.metadata.model import (
    Attribute,
    CategoryOption,
    DataElement,
    EntityType,
    Metadata,
    Object,
    OptionCombo,
    OptionSet,
    OrgUnit,
    Places,
    Program,
    ProgramAttribute,
    RelationshipType,
    Stage,
    StageElement,
)
from tracker_core.metadata.snapshot import bump, load

__all__ = [
    "DEFAULT_OPTION_COMBO",
    "PERSON",
    "Attribute",
    "CategoryOption",
    "DataElement",
    "EntityType",
    "Metadata",
    "Object",
    "OptionCombo",
    "OptionSet",
    "Options",
    "OrgUnit",
    "Places",
    "Program",
    "ProgramAttribute",
    "RelationshipType",
    "Stage",
    "StageElement",
    "bootstrap",
    "bump",
    "import_objects",
    "load",
]
