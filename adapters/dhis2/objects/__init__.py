"""`/api/<type>` for every metadata type, on one engine: a type is what the schema table says of it.

Reads have one door, `view.View`; writes another, `writing.store`. What is asked for (`fields`, `filter`, `order`) is
compiled once per text against the description of the type.
"""

from adapters.dhis2.calls import Routes
from adapters.dhis2.objects import listing, reading

ROUTES: Routes = (
    ("GET", "/{type:dhis2type}", listing.list_objects),
    ("GET", "/{type:dhis2type}/{uid}", reading.read_object),
    ("GET", "/{type:dhis2type}/{uid}/{property}", reading.read_property),
)

__all__ = ["ROUTES"]
