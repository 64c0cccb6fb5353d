"""FHIR messaging: `$process-message`, each message once, answered by a message (FHIR R4 2.4)."""

PROCESS = "$process-message"
