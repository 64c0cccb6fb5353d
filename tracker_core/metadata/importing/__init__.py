"""Importing metadata: one engine for every type that the schema describes.

In order of the work: `incoming` takes a payload apart, `matching` finds what is there already, `folding` and
`completing` bring documents into the form that is stored, `checks` says what is wrong, `bonding`, `combos` and
`versions` follow up what a change means for others, `writing` stores.
"""

from tracker_core.metadata.importing.engine import import_objects
from tracker_core.metadata.importing.incoming import Fault
from tracker_core.metadata.importing.options import Guard, Options, Store

__all__ = ["Fault", "Guard", "Options", "Store", "import_objects"]
