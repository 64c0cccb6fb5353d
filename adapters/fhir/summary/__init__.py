"""`$summary`: the International Patient Summary of a person as a document (HL7 IPS 2.0.0)."""
