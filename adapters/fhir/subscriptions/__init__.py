"""Subscriptions: notices made and sent, asked for and read (FHIR R4 Subscription; Subscriptions R5 Backport IG 1.1)."""

_IG = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription"
OPERATIONS = {name: f"{_IG}-{name}" for name in ("status", "events", "get-ws-binding-token")}
