"""`$validate`: documents against R4, profiles and terminology (FHIR R4 Resource-validate)."""
