"""Aggregate formats: ADX, DHIS2 dataValueSets, FHIR MeasureReport."""
