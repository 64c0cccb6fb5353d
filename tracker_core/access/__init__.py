"""Who may see and do what: a user's authorities, groups and org units, and DHIS2's sharing of metadata and data.

`load` gives the `Actor` behind a user name; the checks are plain functions of an actor and a document. What a search
must enforce goes into SQL as arrays: `data_pks` (programs, stages, types …) and `paths` with `under` (org units).
"""

from tracker_core.access.actor import ALL, MACHINES, SYSTEM, Actor
from tracker_core.access.loading import build, load, system
from tracker_core.access.scopes import Scope, in_scope, may_see_unit, paths, under
from tracker_core.access.sharing import (
    DATA_SHARED,
    access_of,
    data_pks,
    data_readable,
    data_writable,
    metadata_readable,
    metadata_writable,
    sharing_of,
)

__all__ = [
    "ALL",
    "DATA_SHARED",
    "MACHINES",
    "SYSTEM",
    "Actor",
    "Scope",
    "access_of",
    "build",
    "data_pks",
    "data_readable",
    "data_writable",
    "in_scope",
    "load",
    "may_see_unit",
    "metadata_readable",
    "metadata_writable",
    "paths",
    "sharing_of",
    "system",
    "under",
]
