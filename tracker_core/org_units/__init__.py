"""The org unit tree: which units a request means, and units that become one or several.

How units are stored and moved is in `tracker_core.metadata.org_units`.
"""

from tracker_core.org_units.succession import merge, split
from tracker_core.org_units.trees import Part, Where, around, count, filled_levels, find, page

__all__ = ["Part", "Where", "around", "count", "filled_levels", "find", "merge", "page", "split"]
