"""Provenance and AuditEvent, made from the change log and the audit trail when they are asked for (ADR 0341)."""
