"""`/api/<type>` for every metadata type, on one engine: a type is what the schema table says of it.

Reads have one door, `view.View`; writes another, `writing.store`. What is asked for (`fields`, `filter`, `order`) is
compiled once per text against the description of the type.
"""

from adapters.dhis2.calls import Routes
from adapters.dhis2.objects import (
    aspects,
    associations,
    bulk,
    gist,
    identifiable,
    listing,
    members,
    packages,
    reading,
    schemas,
    writing,
)

_LIST, _ONE = "/{type:dhis2type}", "/{type:dhis2type}/{uid}"
_PROPERTY, _ITEM = f"{_ONE}/{{property}}", f"{_ONE}/{{property}}/{{item}}"

# In the order in which they are tried: names that a path fixes come before what an object may be called.
ROUTES: Routes = (
    *schemas.ROUTES,
    *associations.ROUTES,
    *bulk.ROUTES,
    *packages.ROUTES,
    *gist.ROUTES,
    ("GET", "/identifiableObjects/{uid}", identifiable.read_any),
    ("GET", _LIST, listing.list_objects),
    ("POST", _LIST, writing.create_object),
    ("GET", _ONE, reading.read_object),
    ("PUT", _ONE, writing.replace_object),
    ("PATCH", _ONE, writing.patch_object),
    ("DELETE", _ONE, writing.delete_object),
    ("PUT", f"{_ONE}/translations", aspects.replace_translations),
    ("PUT", f"{_ONE}/sharing", aspects.replace_sharing),
    ("GET", _PROPERTY, reading.read_property),
    ("POST", _PROPERTY, members.change_items),
    ("PUT", _PROPERTY, members.replace_items),
    ("DELETE", _PROPERTY, members.drop_items),
    ("GET", _ITEM, members.read_item),
    ("POST", _ITEM, members.add_item),
    ("DELETE", _ITEM, members.drop_item),
)

__all__ = ["ROUTES"]
