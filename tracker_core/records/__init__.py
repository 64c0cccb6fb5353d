"""Records: FHIR R4 documents, versioned, kept digit for digit, searchable, each belonging to a person."""
