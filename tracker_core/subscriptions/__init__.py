"""Subscriptions: who is told of which changes of records (FHIR R4 Subscription, and topics as R5 has them)."""
