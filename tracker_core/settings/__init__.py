"""System settings and user settings by DHIS2's keys: what was set, else the default that the key has."""

from tracker_core.settings.keys import LOCALES, SYSTEM, USER, Key, Value
from tracker_core.settings.stored import (
    clear_system,
    clear_user,
    read_system,
    read_user,
    set_system,
    set_user,
    system_id,
)

__all__ = [
    "LOCALES",
    "SYSTEM",
    "USER",
    "Key",
    "Value",
    "clear_system",
    "clear_user",
    "read_system",
    "read_user",
    "set_system",
    "set_user",
    "system_id",
]
