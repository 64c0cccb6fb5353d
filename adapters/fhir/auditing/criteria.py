"""Searches of Provenance and AuditEvent as questions to the audit trail (R4 6.3, 6.4, search parameters)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from adapters.fhir.auditing import events, provenances, who
from adapters.fhir.replies import Pairs
from tracker_core import audit, peers, records, users
from tracker_core.audit import Asked
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records import forms
from tracker_core.records.definitions import parameters
from tracker_core.records.search.criteria import split, split_prefix, unescape
from tracker_core.records.terms import date_range

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASCENDING = ("date", "recorded", "_lastUpdated")
_PREFIXES: Mapping[str, Mapping[audit.Kind, str]] = {
    "Provenance": {"write": provenances.ID},
    "AuditEvent": events.PREFIXES,
}
_STATUS: Mapping[str, tuple[int, int]] = {"0": (0, 399), "4": (400, 499), "8": (500, 599), "12": (1000, 1000)}


@dataclass(frozen=True, slots=True)
class Value:
    """One search parameter: its alternatives, unescaped."""

    session: Session
    name: str
    values: tuple[str, ...]


Narrow: TypeAlias = Callable[[Asked, Value], Asked]


def read(session: Session, type_: str, pairs: Pairs) -> Asked | None:
    """Return what a search asks of the trail; None when it asks for what no generated resource has.

    Raises `Malformed` for a date that is none.
    """
    asked = Asked(kinds=("write",), recorded=True) if type_ == "Provenance" else Asked()
    for key, text in pairs:
        if key == "_sort":
            asked = replace(asked, oldest_first=text.split(",")[0] in _ASCENDING)
        if not text.strip() or (key.startswith("_") and key not in ("_id", "_lastUpdated")):
            continue
        narrow = _PARAMETERS[type_].get(key)
        if narrow is not None:
            asked = narrow(asked, Value(session, key, tuple(unescape(one) for one in split(text))))
        elif key.partition(":")[0].partition(".")[0] in parameters(type_) or key.startswith("_has:"):
            return None
    return asked


def parse_id(type_: str, id: str) -> tuple[audit.Kind, int] | None:
    """Return the deed that a generated id stands for."""
    prefixes = _PREFIXES[type_]
    for kind, prefix in prefixes.items():
        number = id.removeprefix(prefix)
        if id.startswith(prefix) and number.isascii() and number.isdigit() and len(number) < 19:
            return kind, int(number)
    return None


def _ids(type_: str) -> Narrow:
    def narrow(asked: Asked, value: Value) -> Asked:
        return replace(asked, ids=tuple(found for one in value.values if (found := parse_id(type_, one))))

    return narrow


def _date(asked: Asked, value: Value) -> Asked:
    prefix, text = split_prefix(value.values[0])
    found = date_range(text.replace(" ", "+"))
    try:
        low, high = (_EPOCH + timedelta(microseconds=micros // 1000 * 1000) for micros in found or ())
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{value.name} is a date, not {text!r}", where=value.name) from error
    if found and found[1] - found[0] == 1:  # an exact moment is the millisecond that it names
        high = low + timedelta(milliseconds=1)
    since = {"eq": low, "": low, "ge": low, "ap": low, "gt": high, "sa": high}.get(prefix)
    until = {"eq": high, "": high, "le": high, "ap": high, "lt": low, "eb": low}.get(prefix)
    if since is not None:
        asked = replace(asked, since=max(since, asked.since or since))
    return replace(asked, until=min(until, asked.until or until)) if until is not None else asked


def _about(asked: Asked, value: Value) -> Asked:
    """Narrow to what was about any of these records; a Patient stands for the whole person."""
    found = records.read(value.session, [form for one in value.values if (form := forms.target(_typed(value, one)))])
    keys: list[int] = []
    for one in found.values():
        whole = one.type == "Patient" and one.subject is not None
        keys += [one.pk, *(audit.related(value.session, one.subject) if whole and one.subject else ())]
    return replace(asked, about=(*asked.about, tuple(keys)))


def _target(asked: Asked, value: Value) -> Asked:
    """Narrow to what wrote any of these records, or one version of each that is given with it."""
    typed = [_typed(value, one) for one in value.values]
    found = records.read(value.session, [form for one in typed if (form := forms.target(one))])
    versions = [one for one in typed if "/_history/" in one]
    if not versions:
        return replace(asked, about=(*asked.about, tuple(one.pk for one in found.values())))
    pairs = ((found.get(forms.target(one) or ("", "")), one.rpartition("/")[2]) for one in versions)
    return replace(asked, versions=tuple((one.pk, int(n)) for one, n in pairs if one and n.isdigit() and len(n) < 10))


def _typed(value: Value, text: str) -> str:
    return text if "/" in text else f"Patient/{text}" if value.name == "patient" else text


def _agent(asked: Asked, value: Value) -> Asked:
    uids = [form[1] for one in value.values if (form := forms.target(one)) and form[0] == "Practitioner"]
    return replace(asked, actors=tuple(users.names_of(value.session, uids).values()))


def _agent_identifier(asked: Asked, value: Value) -> Asked:
    given = [one.rpartition("|")[::2] for one in value.values]
    codes = [text for system, text in given if system == who.PEER]
    if codes:
        known = peers.all_peers(value.session)
        return replace(asked, peers=tuple(peer.id for peer in known if peer.code in codes))
    return replace(asked, actors=tuple(text for system, text in given if system in (who.USER, "")))


def _alternate(asked: Asked, value: Value) -> Asked:
    return replace(asked, actors=tuple(one.rpartition("|")[2] for one in value.values))


def _message(asked: Asked, value: Value) -> Asked:
    given = [one.rpartition("|")[::2] for one in value.values]
    ids = tuple(int(n) for system, n in given if system == who.MESSAGE and n.isdigit() and len(n) < 19)
    return replace(asked, messages=ids)


def _outcome(asked: Asked, value: Value) -> Asked:
    return replace(asked, status=_STATUS.get(value.values[0].rpartition("|")[2], (-1, -1)))


def _events(chosen: Callable[[events.Pattern, str], bool]) -> Narrow:
    def narrow(asked: Asked, value: Value) -> Asked:
        codes = [one.rpartition("|")[2] for one in value.values]
        found = {name for name, pattern in events.PATTERNS.items() if any(chosen(pattern, code) for code in codes)}
        return replace(asked, events=tuple(sorted(found & set(asked.events or found))))

    return narrow


def _has_subtype(pattern: events.Pattern, code: str) -> bool:
    return pattern.subtype is not None and pattern.subtype[1] == code


_BOTH: Mapping[str, Narrow] = {
    "_lastUpdated": _date,
    "agent": _agent,
    "agent:identifier": _agent_identifier,
    "entity:identifier": _message,
}
_PARAMETERS: Mapping[str, Mapping[str, Narrow]] = {
    "Provenance": {**_BOTH, "_id": _ids("Provenance"), "target": _target, "patient": _target, "recorded": _date},
    "AuditEvent": {
        **_BOTH,
        "_id": _ids("AuditEvent"),
        "date": _date,
        "patient": _about,
        "entity": _about,
        "altid": _alternate,
        "outcome": _outcome,
        "action": _events(lambda pattern, code: pattern.action == code),
        "type": _events(lambda pattern, code: pattern.type[1] == code),
        "subtype": _events(_has_subtype),
    },
}
