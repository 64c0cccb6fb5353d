"""Profiles: structure definitions compiled, and documents validated against them (FHIR R4 5.1, 2.3.0.1)."""

from tracker_core.profiles.checking import validate
from tracker_core.profiles.library import Library, Profile
from tracker_core.profiles.visit import Coded, Verdict, World

__all__ = ["Coded", "Library", "Profile", "Verdict", "World", "validate"]
