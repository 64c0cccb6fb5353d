"""The settings of a peer that could be wrong, checked before they are stored; and a profile tried on a message."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.contract import Envelope
from adapters.hl7v2 import batches, charset, conformance, filters
from adapters.hl7v2.format import default_charset
from adapters.hl7v2.places import parse_place
from adapters.hl7v2.tailoring import parse_version
from tracker_core.errors import HubError, Malformed
from tracker_core.issues import Issue

POLICIES = ("", "warn", "refuse")


def check(settings: Mapping[str, Any]) -> None:
    """Raise `Malformed`, with the place, for settings that cannot be meant."""
    try:
        if "version" in settings:
            parse_version(str(settings["version"]))
        ZoneInfo(str(settings.get("zone") or "UTC"))
        int(settings.get("attachment_limit", 0))
        for place in dict(settings.get("values", {})):
            parse_place(place)
        for rule in settings.get("filters") or ():
            filters.check(rule)
        if "conformance" in settings:
            conformance.load(settings["conformance"])
    except HubError as error:
        raise Malformed(error.detail, error.where) from error
    except (TypeError, ValueError, AttributeError, ZoneInfoNotFoundError) as error:
        raise Malformed(f"a setting of the peer cannot be read: {error}", "settings") from error
    for name in ("unknown_authority", "foreign_authority"):
        if settings.get(name, "") not in POLICIES:
            raise Malformed(f"{settings[name]!r} is no policy: warn or refuse", name)


def conform(raw: bytes, envelope: Envelope, profile: Mapping[str, Any]) -> list[Issue]:
    """Return what a conformance profile finds wrong with a message, or with those of a batch.

    Raises `Malformed` for what is no message, or no profile.
    """
    loaded = conformance.load(profile)
    found: list[Issue] = []
    for one in batches.split([raw], batches.Found()):
        message, _ = charset.parse_message(one, default_charset(envelope))
        found += [broken.issue for broken in conformance.check(message, loaded)]
    return found
