"""The hub's own metadata as FHIR: places, people, forms and plans. Pure: from documents of metadata to resources."""

from mappings.catalogue.people import people
from mappings.catalogue.places import places

__all__ = ["people", "places"]
