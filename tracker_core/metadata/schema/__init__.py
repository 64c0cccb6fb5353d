"""The metadata types, described: properties, references, owners, authorities (DHIS2 Web API 2.42, `/api/schemas`).

One table serves import, export, checks, fields and sharing: adding a type is one entry in `types/`. The order of
`TYPES` is that of the tables.
"""

from tracker_core.metadata.schema.model import Authorities, Kind, Property, Type
from tracker_core.metadata.schema.tables import TYPES, by_singular, find, of, referring, structure
from tracker_core.metadata.schema.walking import Part, Reference, parts, references

__all__ = [
    "TYPES",
    "Authorities",
    "Kind",
    "Part",
    "Property",
    "Reference",
    "Type",
    "by_singular",
    "find",
    "of",
    "parts",
    "references",
    "referring",
    "structure",
]
