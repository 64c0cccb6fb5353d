"""Bulk Data Access (HL7 IG 2.0): exports of very many records as NDJSON files, and imports of them."""

_IG = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
# (resource type, or empty for the whole server; name; definition)
OPERATIONS = (
    ("", "export", f"{_IG}/export"),
    ("", "import", "urn:tracker-hub:operation:import"),
    ("Patient", "export", f"{_IG}/patient-export"),
    ("Group", "export", f"{_IG}/group-export"),
)
