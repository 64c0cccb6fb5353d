"""Terminology operations over FHIR (R4 4.7, "Using Codes in Resources"; 4.8 to 4.10)."""
