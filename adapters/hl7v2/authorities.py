"""Whose numbers a sender uses: assigning authorities that are known, and those it may assign numbers for."""

from collections.abc import Iterator, Mapping
from typing import Any

from mappings import Profile, Scope, er7
from mappings.codecs.identifiers import system_of
from mappings.er7 import Message
from tracker_core.issues import Issue, Severity

# The numbers of patients: PID-3, and what a merge calls them.
PLACES = (("PID", 3), ("MRG", 1))
SEVERITIES: dict[str, Severity] = {"refuse": "error", "warn": "warning"}


def check(message: Message, settings: Mapping[str, Any], profile: Profile) -> list[Issue]:
    """Return what is wrong with the authorities of a message's patient numbers, by the peer's policy.

    `unknown_authority` is about authorities that `naming` and `authorities` do not have, `foreign_authority` about
    those that are not among what the peer `assigns`; each is `refuse` (an error), `warn`, or nothing. `assigns` names
    them in any way the tables know: namespace, OID or URI.
    """
    unknown = SEVERITIES.get(str(settings.get("unknown_authority", "")))
    foreign = SEVERITIES.get(str(settings.get("foreign_authority", "")))
    if unknown is None and foreign is None:
        return []
    known = set(profile.naming.values())
    own = {profile.naming.get(str(name), str(name)) for name in settings.get("assigns") or ()}
    issues = []
    for place, name, system in authorities(message, profile):
        if unknown and system not in known:
            text = f"the assigning authority {name or 'of a number without one'} is not known"
            issues.append(Issue("authority-unknown", text, unknown, place, name))
        elif foreign and system not in own:
            text = f"the sender does not assign numbers of {name or 'no authority'}"
            issues.append(Issue("authority-foreign", text, foreign, place, name))
    return issues


def authorities(message: Message, profile: Profile) -> Iterator[tuple[str, str, str]]:
    """Yield the place, the name as sent and the system of each patient number's authority; empty where it has none."""
    scope = Scope(profile, message.encoding)
    for name, at in PLACES:
        for number, segment in enumerate(message.all(name), 1):
            for repetition, parts in enumerate(er7.split_field(er7.get(segment, at), message.encoding), 1):
                if parts[0][0]:
                    namespace, universal, kind = half_names(parts)
                    system = system_of(namespace, universal, kind, scope) or profile.naming.get("", "")
                    yield f"{name}[{number}]-{at}({repetition}).4", namespace or universal, system


def half_names(number: er7.Repetition) -> tuple[str, str, str]:
    """Return namespace, universal id and its type of a CX's authority (CX.4), empty where it says nothing."""
    said = number[3] if len(number) > 3 else []
    namespace, universal, kind = [*(part or "" for part in said), "", "", ""][:3]
    return namespace, universal, kind
