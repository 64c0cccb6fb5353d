"""Codecs by name: about twenty, and five parametric forms. A codec sees only its own value and the sender's context."""

from collections.abc import Callable

from mappings.codecs.attachments import CODECS as DOCUMENTS
from mappings.codecs.choices import CODECS as CHOICES
from mappings.codecs.codec import Codec
from mappings.codecs.contacts import xtn
from mappings.codecs.dates import CODECS as DATES
from mappings.codecs.identifiers import CODECS as SYSTEMS
from mappings.codecs.identifiers import authority, entity, group
from mappings.codecs.locations import location, place_part
from mappings.codecs.spans import CODECS as SPANS
from mappings.codecs.text import CODECS as TEXTS

ER7 = {codec.name: codec for codec in (*TEXTS, *DATES, *CHOICES, *SYSTEMS, *SPANS, *DOCUMENTS)}
# Codecs of ER7 text as it stands: made for the depth of the value.
BY_DEPTH: dict[str, Callable[[int], Codec]] = {
    "authority": authority,
    "EI": entity,
    "XTN": xtn,
    "PL": location,
    "place_path": lambda depth: place_part(depth, "place_path"),
    "place_name": lambda depth: place_part(depth, "place_name"),
    "placer_group": lambda depth: group(depth, 0),
    "filler_group": lambda depth: group(depth, 1),
}

__all__ = ["BY_DEPTH", "ER7", "Codec"]
