"""FHIR in XML: one codec for every resource, driven by the definitions (FHIR R4 2.6.1)."""

from adapters.fhir.xml.reading import read
from adapters.fhir.xml.writing import write

__all__ = ["read", "write"]
