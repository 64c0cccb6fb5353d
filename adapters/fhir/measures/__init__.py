"""Case reports over FHIR: `$evaluate-measure`, and the numbers as MeasureReports (FHIR R4 13.7, Measure operations)."""
