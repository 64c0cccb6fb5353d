"""Searches and the operations that search: over one type, several, a compartment, a person (FHIR R4 3.1.1)."""
