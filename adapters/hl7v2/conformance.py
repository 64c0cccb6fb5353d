"""What a peer's messages must be: segments, fields, values and lengths, as data; what is not so is told, or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, get_args

import orjson

from adapters.hl7v2.events import event_of
from adapters.hl7v2.places import Place, codes, parse_place, values
from mappings.er7 import Message
from tracker_core.errors import Malformed
from tracker_core.issues import Issue, Severity

Policy = Literal["warn", "reject", "refuse"]
FIELD_KEYS = frozenset({"use", "max", "length", "table", "policy"})


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """How often a segment may stand in a message; `most` 0 is never, None as often as one likes."""

    segment: str
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field, or a part of one, must be, wherever its segment stands.

    `required`: it says something; `forbidden`: it does not. `most` repetitions, `length` characters each, and one of
    the codes of `table` (of a whole field, its first component).
    """

    place: Place
    policy: Policy
    required: bool = False
    forbidden: bool = False
    most: int = 0
    length: int = 0
    table: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for messages whose type fits `types`."""

    types: str
    segments: tuple[SegmentRule, ...]
    fields: tuple[FieldRule, ...]


@dataclass(frozen=True, slots=True)
class Conformance:
    """A conformance profile; `policy` is what becomes of a message that breaks a rule without one of its own."""

    policy: Policy
    rules: tuple[Rules, ...]


def load(profile: Mapping[str, Any]) -> Conformance:
    """Return a profile from its data. Raises `Malformed` with the place for what cannot be one.

    {"policy": "warn" | "reject" | "refuse",
     "segments": {"PV1": "1..1", "NK1": "0..3", "ZKV": "0..0"},
     "fields": {"PID-8": {"use": "R", "table": ["F", "M"]}, "PID-5.1": {"length": 50}, "PID-19": {"use": "X"}},
     "messages": {"ADT^A0*": {"segments": …, "fields": …}}}
    """
    return _load(orjson.dumps(profile, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=256)
def _load(raw: bytes) -> Conformance:
    profile = orjson.loads(raw)
    policy = policy_of(profile.get("policy", "warn"))
    parts = {"*": profile, **profile.get("messages", {})}
    rules = tuple(
        Rules(
            types,
            tuple(segment_rule(name, str(text)) for name, text in part.get("segments", {}).items()),
            tuple(field_rule(place, rule, policy) for place, rule in part.get("fields", {}).items()),
        )
        for types, part in parts.items()
    )
    return Conformance(policy, rules)


def policy_of(text: Any) -> Policy:
    """Return a policy. Raises `Malformed` for another word."""
    if text not in get_args(Policy):
        raise Malformed(f"{text!r} is no policy: warn, reject or refuse", "policy")
    policy: Policy = text
    return policy


def segment_rule(name: str, text: str) -> SegmentRule:
    """Return the rule `1..3`, `0..*` for a segment. Raises `Malformed`."""
    least, dots, most = text.partition("..")
    if not dots or not least.isdigit() or not (most.isdigit() or most == "*"):
        raise Malformed(f"{text!r} is no cardinality such as 0..1 or 1..*", name)
    return SegmentRule(name, int(least), None if most == "*" else int(most))


def field_rule(place: str, rule: Mapping[str, Any], policy: Policy) -> FieldRule:
    """Return the rule for a field. Raises `Malformed`."""
    unknown = set(rule) - FIELD_KEYS
    use = rule.get("use", "O")
    if unknown or use not in ("R", "O", "X"):
        raise Malformed(f"a field has use (R, O, X), max, length, table and policy, not {unknown or use}", place)
    own = policy_of(rule["policy"]) if "policy" in rule else policy
    most, length, table = (
        int(rule.get("max", 0)),
        int(rule.get("length", 0)),
        frozenset(map(str, rule.get("table", ()))),
    )
    return FieldRule(parse_place(place), own, use == "R", use == "X", most, length, table)


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a message breaks: what to tell, and what becomes of the message."""

    issue: Issue
    policy: Policy


def check(message: Message, profile: Conformance) -> list[Violation]:
    """Return every rule of a profile that a message breaks, in the order of the rules."""
    type_ = "^".join(event_of(message))
    found: list[Violation] = []
    for rules in profile.rules:
        if not fnmatchcase(type_, rules.types):
            continue
        for segment in rules.segments:
            found += check_segment(message, segment, profile.policy)
        for field in rules.fields:
            found += check_field(message, field)
    return found


def check_segment(message: Message, rule: SegmentRule, policy: Policy) -> Iterator[Violation]:
    """Yield what is wrong with how often a segment stands in a message."""
    count = len(message.all(rule.segment))
    if count < rule.least:
        text = f"{rule.segment} must be there {'once' if rule.least == 1 else f'{rule.least} times'}"
        yield violation("conformance-segment-missing", text, rule.segment, "", policy)
    elif rule.most is not None and count > rule.most:
        text = f"{rule.segment} may be there {rule.most} times, not {count}"
        yield violation("conformance-segment-count", text, rule.segment, "", policy)


def check_field(message: Message, rule: FieldRule) -> Iterator[Violation]:
    """Yield what is wrong with the values of a field."""
    place = rule.place
    for value in values(message, place):
        where = value.where(place)
        if not value.text:
            if rule.required:
                yield violation("conformance-required", f"{place.text} must say something", where, "", rule.policy)
            continue
        if rule.forbidden:
            yield violation("conformance-forbidden", f"{place.text} must be empty", where, value.text, rule.policy)
        if rule.length and len(value.text) > rule.length:
            text = f"{place.text} may have {rule.length} characters, not {len(value.text)}"
            yield violation("conformance-length", text, where, value.text, rule.policy)
        if rule.most and value.repetition == rule.most + 1:
            text = f"{place.text} may be given {rule.most} times"
            yield violation("conformance-repetition", text, where, value.text, rule.policy)
    if rule.table:
        for value in codes(message, place):
            if value.text and value.text not in rule.table:
                text = f"{place.text} is not one of {', '.join(sorted(rule.table)[:10])}"
                yield violation("conformance-unknown-value", text, value.where(place), value.text, rule.policy)


def violation(code: str, text: str, where: str, value: str, policy: Policy) -> Violation:
    """Return a broken rule as an issue: a warning, or an error where the message is not taken."""
    severity: Severity = "warning" if policy == "warn" else "error"
    return Violation(Issue(code, text, severity, where, value[:200]), policy)
