"""What Subscription and topic records say, read and checked (FHIR R4 Subscription; Subscriptions R5 Backport IG 1.1).

A topic is a Basic record with the code `SubscriptionTopic` whose extensions are R5's elements.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tracker_core.records.definitions import resource_types
from tracker_core.records.search import criteria
from tracker_core.records.search.criteria import RESULT, Condition

CHANNELS = ("rest-hook", "websocket", "email")
CONTENTS = ("empty", "id-only", "full-resource")
MOST_COUNT = 100
LONGEST_SECONDS = 30
_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
_TOPIC = re.compile(r"http://hl7\.org/fhir/[\d.]+/StructureDefinition/extension-SubscriptionTopic\.(\w+)\Z")
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\Z")
_OURS = ("host", "content-length", "transfer-encoding", "connection", "content-type")
_INTERACTIONS = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class Trigger:
    """Changes that are events: of records of a type, by these interactions, that match the search `now`.

    `before` is a search that the version before has to match, too, or instead (`both` false). `created` and `deleted`
    say whether the search that cannot be made, before a creation and after a deletion, counts as matched.
    """

    type: str
    now: str = ""
    before: str = ""
    both: bool = True
    created: bool = True
    deleted: bool = False
    interactions: tuple[str, ...] = ("create", "update")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a Subscription asks for. Of topic subscriptions, `filters` are (type, query) that all have to match.

    `content` is empty for plain R4 ones: their `payload` alone says whether the record is sent.
    """

    channel: str
    endpoint: str
    payload: str = ""
    headers: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    topic: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    content: str = ""
    heartbeat: int | None = None
    timeout: int = 10
    most: int = 1


class Wrong(ValueError):
    """What is wrong with a record, and at which element."""

    def __init__(self, element: str, text: str, value: Any = "", code: str = "value") -> None:
        super().__init__(text)
        self.element = element
        self.text = text
        self.value = str(value)[:200]
        self.code = code


def stored(plan: Plan | Sequence[Trigger]) -> Any:
    """Return a plan, or a topic's triggers, as they are stored."""
    return asdict(plan) if isinstance(plan, Plan) else [asdict(one) for one in plan]


def opened(value: dict[str, Any]) -> Plan:
    """Return a plan as it was stored."""
    lists = {name: tuple(map(tuple, value[name])) for name in ("filters",)}
    return Plan(**{**value, **lists, "headers": tuple(value["headers"]), "triggers": triggers(value["triggers"])})


def triggers(value: Sequence[dict[str, Any]]) -> tuple[Trigger, ...]:
    """Return triggers as they were stored."""
    return tuple(Trigger(**{**one, "interactions": tuple(one["interactions"])}) for one in value)


def read_subscription(view: dict[str, Any]) -> Plan:
    """Return what a Subscription asks for. Raises `Wrong`."""
    channel = view.get("channel", {})
    kind = channel.get("type")
    if kind not in CHANNELS:
        raise Wrong("channel.type", f"the channel {kind} is not offered", kind, "not-supported")
    said = str(view.get("criteria", ""))
    topic = said if re.match(r"[a-z][a-z0-9+.-]*:", said) else ""
    extensions = dict(_extensions(channel))
    content = _valued(channel.get("_payload", {}), "payload-content") or ("empty" if topic else "")
    if content and content not in CONTENTS:
        raise Wrong("channel.payload", "the content is empty, id-only or full-resource", content)
    return Plan(
        channel=kind,
        endpoint=_endpoint(kind, str(channel.get("endpoint", ""))),
        payload=_payload(channel.get("payload", "")),
        headers=_headers(channel.get("header", ())),
        triggers=() if topic else tuple(_criteria(said)),
        topic=topic,
        filters=_filters(view.get("_criteria", {})),
        content=content,
        heartbeat=_number(extensions, "heartbeat-period", None, 7 * 86_400),
        timeout=_number(extensions, "timeout", 10, LONGEST_SECONDS) or 10,
        most=_number(extensions, "max-count", 1, MOST_COUNT) or 1,
    )


def _criteria(text: str) -> Iterator[Trigger]:
    """Read R4's criteria: `Observation?code=…`. What is deleted matches nothing any more."""
    type_, _, query = text.partition("?")
    if type_ not in resource_types():
        raise Wrong("criteria", "criteria are a search on a type, or the url of a topic", text)
    conditions("criteria", type_, query)
    yield Trigger(type_, query)


def conditions(element: str, type_: str, query: str) -> list[Condition]:
    """Return what a search asks of records of a type. Raises `Wrong` for what cannot be asked of a change."""
    pairs = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key]
    found = criteria.read(type_, pairs)
    for issue in found.issues:
        raise Wrong(element, issue.text, query, issue.code)
    for key, _ in pairs:
        if key.partition(":")[0] in RESULT:
            raise Wrong(element, f"{key} shapes a result: it has no place in criteria", query)
    return found.criteria


def _endpoint(kind: str, endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if kind == "rest-hook" and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise Wrong("channel.endpoint", "the endpoint is an http or https URL", endpoint)
    if kind == "email":
        address = endpoint.removeprefix("mailto:")
        if not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", address):
            raise Wrong("channel.endpoint", "the endpoint is a mail address", endpoint)
        return address
    return endpoint


def _payload(payload: str) -> str:
    kind = payload.partition(";")[0].strip()
    if kind not in ("", "application/fhir+json", "application/json", "application/fhir+xml", "application/xml"):
        raise Wrong("channel.payload", "a payload is FHIR in JSON or XML", payload, "not-supported")
    return kind


def _headers(headers: Sequence[str]) -> tuple[str, ...]:
    for one in headers:
        if not _HEADER.match(one) or one.partition(":")[0].lower() in _OURS:
            raise Wrong("channel.header", "a header is Name: value, and not one of the connection's own", one)
    return tuple(headers)


def _filters(element: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for url, value in _extensions(element):
        if url == "filter-criteria":
            type_, _, query = str(value).partition("?")
            if type_ not in resource_types() or not query:
                raise Wrong("criteria", "a filter is a search on a type", value)
            conditions("criteria", type_, query)
            found.append((type_, query))
    return tuple(found)


def _number(extensions: dict[str, Any], name: str, usual: int | None, most: int) -> int | None:
    value = extensions.get(name)
    if value is None:
        return usual
    if not isinstance(value, int) or value < 1:
        raise Wrong("channel", f"backport-{name} is a whole number above 0", value)
    return min(value, most)


def _extensions(element: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for one in element.get("extension", ()):
        if str(one.get("url", "")).startswith(_BACKPORT):
            yield one["url"].removeprefix(_BACKPORT), _value(one)


def _valued(element: dict[str, Any], name: str) -> str:
    return next((str(value) for url, value in _extensions(element) if url == name), "")


def _value(extension: dict[str, Any]) -> Any:
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def is_topic(view: dict[str, Any]) -> bool:
    """Tell whether a Basic record is a topic."""
    return any(one.get("code") == "SubscriptionTopic" for one in view.get("code", {}).get("coding", ()))


@dataclass(slots=True)
class _Parts:
    """An extension's own extensions by name."""

    values: dict[str, list[Any]] = field(default_factory=dict)

    def one(self, name: str, usual: Any = "") -> Any:
        return self.values.get(name, [usual])[0]


def _parts(extension: dict[str, Any]) -> _Parts:
    found = _Parts()
    for one in extension.get("extension", ()):
        found.values.setdefault(str(one.get("url", "")), []).append(_parts(one) if "extension" in one else _value(one))
    return found


def read_topic(view: dict[str, Any]) -> tuple[str, list[Trigger]]:
    """Return a topic's url and its triggers. Raises `Wrong`."""
    url, found = "", []
    for one in view.get("extension", ()):
        match = _TOPIC.match(str(one.get("url", "")))
        if match and match[1] == "url":
            url = str(_value(one))
        elif match and match[1] == "resourceTrigger":
            found.append(_trigger(_parts(one)))
        elif match and match[1] == "eventTrigger":
            raise Wrong("extension", "topics by events outside of records are not offered", code="not-supported")
    if not url or not found:
        raise Wrong("extension", "a topic has a url and at least one resourceTrigger", url)
    return url, found


def _trigger(parts: _Parts) -> Trigger:
    type_ = str(parts.one("resource")).removeprefix(_STRUCTURE)
    if type_ not in resource_types():
        raise Wrong("extension", "a trigger is on a type of R4", type_)
    query = parts.one("queryCriteria", _Parts())
    if parts.one("fhirPathCriteria") and not query.values:
        raise Wrong("extension", "criteria in FHIRPath alone are not offered", code="not-supported")
    now, before = str(query.one("current")).lstrip("?"), str(query.one("previous")).lstrip("?")
    for one in (now, before):
        conditions("extension", type_, one)
    chosen = tuple(parts.values.get("supportedInteraction", ())) or _INTERACTIONS
    return Trigger(
        type_,
        now,
        before,
        both=query.one("requireBoth", usual=False) is True,
        created=query.one("resultForCreate", "test-passes") == "test-passes",
        deleted=query.one("resultForDelete") == "test-passes",
        interactions=chosen,
    )
