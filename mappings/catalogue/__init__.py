"""The hub's own metadata as FHIR: places, people, forms and plans. Pure: from documents of metadata to resources."""

from mappings.catalogue.forms import Bond, questionnaires
from mappings.catalogue.measures import measures
from mappings.catalogue.people import people
from mappings.catalogue.places import places
from mappings.catalogue.plans import plans, value_sets
from mappings.catalogue.registrations import registrations

__all__ = ["Bond", "measures", "people", "places", "plans", "questionnaires", "registrations", "value_sets"]
