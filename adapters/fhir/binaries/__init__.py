"""Binary: content in its own form, and documents that are content (FHIR R4 Binary)."""
