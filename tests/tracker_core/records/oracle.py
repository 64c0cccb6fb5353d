"""What a search parameter should find a document by, worked out apart from the hub: by another FHIRPath engine.

The engine evaluates the parameter's expression as R4 publishes it; what a value is searched by is told here from its
looks alone (FHIR R4 3.1.1.4, tables of the parameter types).
"""

import json
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from tracker_core.records.definitions import Parameter, parameters, resource_types

_CONTACTS = ("phone", "fax", "email", "pager", "url", "sms", "other")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?)?)?\Z")
_RESOLVED = re.compile(r"\.where\(resolve\(\) is (\w+)\)")
Query = tuple[str, str]


def queries(document: dict[str, Any], parameter: Parameter) -> list[Query]:
    """Return searches that must find the document, one for each value that the parameter's expression yields."""
    if not parameter.expression or parameter.code == "_lastUpdated":  # that one is the server's own
        return []
    if parameter.type == "composite":
        return [(parameter.code, value) for value in _pairs(document, parameter)]
    found = _evaluate(parameter.expression, document)
    only = {match[1] for match in _RESOLVED.finditer(parameter.expression)}
    return [query for value in found for query in _queries(parameter, value, only)]


def _evaluate(expression: str, document: Any) -> list[Any]:
    type_ = document.get("resourceType", "") if isinstance(document, dict) else ""
    return [_plain(value) for value in _compiled(_fitting(expression, type_))(document, {"resource": document})]


@cache
def _compiled(expression: str) -> Callable[..., list[Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import fhirpathpy
        from fhirpathpy.models import models

        compiled: Callable[..., list[Any]] = fhirpathpy.compile(expression, models["r4"])
    return compiled


@cache
def _fitting(expression: str, type_: str) -> str:
    """Return the parts of a union over many types that are about this one, with its casts as the engine takes them."""
    parts = [part.strip() for part in expression.split("|")]
    words = [re.findall(r"\w+", part)[:1] for part in parts]
    kept = [p for p, w in zip(parts, words, strict=True) if not w or w[0] == type_ or w[0] not in resource_types()]
    text = " | ".join(kept) if type_ else expression
    text = _RESOLVED.sub("", text).replace("Resource.", f"{type_}.")
    text = re.sub(r"\(([\w.]+) as (\w+)\)", r"\1.ofType(\2)", text)
    text = re.sub(r"([\w.]+) as (\w+)", r"\1.ofType(\2)", text)
    return re.sub(r"\.as\((\w+)\)", r".ofType(\1)", text).replace("ofType(DateTime)", "ofType(dateTime)")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(getattr(value, "asStr", value), default=lambda v: getattr(v, "data", str(v))))


def _queries(parameter: Parameter, value: Any, only: set[str]) -> Iterator[Query]:
    if parameter.type == "reference" and isinstance(value, dict):
        yield from _references(parameter.code, value, only)
        return
    for text in _TEXTS.get(parameter.type, lambda _: [])(value):
        yield parameter.code, text


def _references(code: str, value: dict[str, Any], only: set[str]) -> Iterator[Query]:
    if "resourceType" in value:
        value = {"reference": f"{value['resourceType']}/{value['id']}"} if "id" in value else {}
    target = value.get("reference") or value.get("url", "")
    type_ = target.rpartition("/")[0].rpartition("/")[2]
    if target and not target.startswith("#") and (not only or type_ in only):
        yield code, _escaped(target)
    identifier = value.get("identifier", {})
    if identifier.get("value") and not only:
        yield f"{code}:identifier", f"{_escaped(identifier.get('system', ''))}|{_escaped(identifier['value'])}"


def _pairs(document: dict[str, Any], parameter: Parameter) -> Iterator[str]:
    known = parameters(document["resourceType"])
    for value in _evaluate(parameter.expression, document):
        parts = []
        for code, expression in parameter.components:
            root = document if expression.startswith("%resource") else value
            found = _evaluate(expression.replace("%resource.", ""), root)
            kinds = ("token", "reference") if known[code].type == "reference" else (known[code].type,)
            texts = (list(_texts_of(kind, found)) for kind in kinds)
            parts.append(next((each for each in texts if each), []))
        if all(parts):
            yield "$".join(each[0] for each in parts)


def _texts_of(kind: str, values: list[Any]) -> Iterator[str]:
    for value in values:
        if kind == "reference" and isinstance(value, dict):
            yield from (text for _, text in _references("", value, set()))
        else:
            yield from _TEXTS.get(kind, lambda _: [])(value)


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, str):
        yield _escaped(value)
    elif "coding" in value:
        for coding in value["coding"]:
            yield from _tokens(coding)
    elif value.get("value") and value.get("system") in _CONTACTS:
        yield _escaped(value["value"])
    elif isinstance(value, dict) and (value.get("code") or value.get("value")):
        code = _escaped(value.get("code") or value["value"])
        yield f"{_escaped(value['system'])}|{code}" if value.get("system") else code


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield _escaped(value[:40])
    elif isinstance(value, dict):
        names = (
            "family",
            "given",
            "text",
            "prefix",
            "suffix",
            "city",
            "district",
            "state",
            "postalCode",
            "country",
            "line",
        )
        for name in names:
            parts = value.get(name, [])
            yield from (_escaped(part[:40]) for part in ([parts] if isinstance(parts, str) else parts) if part)


def _dates(value: Any) -> Iterator[str]:
    if isinstance(value, str) and _DATE.match(value):
        yield value
    elif isinstance(value, dict):
        period = value.get("repeat", {}).get("boundsPeriod", {}) if "repeat" in value else value
        if "start" in period:
            yield f"ge{period['start']}"
        if "end" in period:
            yield f"le{period['end']}"
        for event in value.get("event", ()):
            yield f"ge{event}"


def _numbers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for end in ("low", "high") for text in _numbers(value.get(end, {}).get("value")))
    elif value is not None:
        yield str(value)


def _quantities(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield from _numbers(value)
        return
    for inner in (value.get("low"), value.get("high"), value.get("origin")):
        yield from _quantities(inner) if inner else ()
    if isinstance(value.get("value"), int | float):
        number = str(value["value"])
        yield number
        if value.get("system") and value.get("code"):
            yield f"{number}|{_escaped(value['system'])}|{_escaped(value['code'])}"
        elif value.get("unit"):
            yield f"{number}||{_escaped(value['unit'])}"
        elif value.get("currency"):
            yield f"{number}|urn:iso:std:iso:4217|{value['currency']}"


def _places(value: Any) -> Iterator[str]:
    yield f"{value['latitude']}|{value['longitude']}|1|km"


def _uris(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield _escaped(value)


def _canonicals(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield _escaped(value)


_TEXTS: dict[str, Callable[[Any], Any]] = {
    "token": _tokens,
    "string": _strings,
    "date": _dates,
    "number": _numbers,
    "quantity": _quantities,
    "uri": _uris,
    "reference": _canonicals,
    "special": _places,
}


def _escaped(text: str) -> str:
    return re.sub(r"([\\,|$])", r"\\\1", text)
