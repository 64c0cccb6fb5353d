"""Who is who: persons behind Patient records, possible duplicates, merges that can be taken back."""

from tracker_core.identity.facts import PatientFacts

__all__ = ["PatientFacts"]
