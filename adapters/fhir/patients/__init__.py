"""Who is who over FHIR: `$match`, `$merge` and its undoing, identifiers across domains (IHE PIXm, PDQm)."""
