"""Codecs by name: about twenty, and five parametric forms. A codec sees only its own value and the sender's context."""

from mappings.codecs.choices import CODECS as CHOICES
from mappings.codecs.codec import Codec
from mappings.codecs.contacts import xtn
from mappings.codecs.dates import CODECS as DATES
from mappings.codecs.identifiers import CODECS as SYSTEMS
from mappings.codecs.identifiers import authority, entity
from mappings.codecs.locations import location
from mappings.codecs.text import CODECS as TEXTS

ER7 = {codec.name: codec for codec in (*TEXTS, *DATES, *CHOICES, *SYSTEMS)}
# Codecs of ER7 text as it stands: made for the depth of the value.
BY_DEPTH = {"authority": authority, "EI": entity, "XTN": xtn, "PL": location}

__all__ = ["BY_DEPTH", "ER7", "Codec"]
