"""Lenses: tables that read a document into changes and write a view back into a document.

load(overlays) -> Mappings                       every table, checked
read_message(mappings, message, profile)         HL7 v2 -> record changes and issues
write_message(mappings, structure, records, …)   records -> segments
read_document(table, row, scope)                 a flat or nested document -> record changes
write_document(table, records, scope, row)       records -> the same document, touching only what differs
profile_from(settings, domain) -> Profile        zone and naming of the other side
"""

from mappings.library import Mappings, load
from mappings.paths import BadRow
from mappings.reading import read_message, structure_of
from mappings.scope import Profile, Scope, profile_from
from mappings.writing import write_message, write_segment

__all__ = [
    "BadRow",
    "Mappings",
    "Profile",
    "Scope",
    "load",
    "profile_from",
    "read_message",
    "structure_of",
    "write_message",
    "write_segment",
]
