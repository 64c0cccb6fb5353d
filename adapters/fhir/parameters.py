"""What an operation is asked with: a query, a form, or a Parameters resource (FHIR R4 3.2.0.2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from adapters.fhir import xml
from adapters.fhir.replies import query_pairs
from adapters.fhir.requests import kind_of
from tracker_core.errors import Malformed
from tracker_core.records import documents

_FORM = "application/x-www-form-urlencoded"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """Parameters in their order: name and value, which is a text, a data type or a resource; parts come as `Given`."""

    pairs: Sequence[tuple[str, Any]] = field(default_factory=tuple)

    def all(self, name: str) -> list[Any]:
        """Return every value of a parameter."""
        return [value for key, value in self.pairs if key == name]

    def one(self, name: str) -> Any:
        """Return the value of a parameter, None without one. Raises `Malformed` when there are several."""
        found = self.all(name)
        if len(found) > 1:
            raise Malformed(f"the parameter {name} may be given once", where=name)
        return found[0] if found else None

    def text(self, name: str, default: str = "") -> str:
        """Return the value of a parameter as text. Raises `Malformed` for a value that is no primitive."""
        value = self.one(name)
        if isinstance(value, dict | list | Given):
            raise Malformed(f"the parameter {name} is a primitive", where=name)
        return default if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    def flag(self, name: str) -> bool:
        """Return whether a boolean parameter is true. Raises `Malformed` for what is no boolean."""
        text = self.text(name, "false")
        if text not in ("true", "false"):
            raise Malformed(f"{name} is true or false, not {text!r}", where=name)
        return text == "true"

    def object(self, name: str) -> Json | None:
        """Return a parameter that is a resource or a data type. Raises `Malformed` for another value."""
        value = self.one(name)
        if value is not None and not isinstance(value, dict):
            raise Malformed(f"the parameter {name} is an object", where=name)
        return value


def read(query: str, raw: bytes, content_type: str, sole: str = "") -> Given:
    """Return the parameters of a query and a body.

    A body that is a resource of the type `sole` stands for the parameter `resource`. Raises `Malformed`.
    """
    kind = kind_of(content_type)
    if kind == _FORM or not raw.strip():
        return Given([*query_pairs(query), *query_pairs(raw.decode("utf-8", "replace"))])
    try:
        document = documents.decode(xml.read(raw) if kind.endswith("xml") else raw)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"the body is not JSON: {error}", where="Parameters") from error
    type_ = document.get("resourceType", "") if type(document) is dict else ""
    if sole and type_ == sole:
        return Given([*query_pairs(query), ("resource", document)])
    if type_ != "Parameters":
        raise Malformed("a Parameters resource is expected", where="Parameters")
    return Given([*query_pairs(query), *_pairs(document.get("parameter"))])


def _pairs(parameters: Any) -> Iterator[tuple[str, Any]]:
    if parameters is not None and not isinstance(parameters, list):
        raise Malformed("Parameters.parameter is a list", where="Parameters.parameter")
    for one in parameters or ():
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise Malformed("every parameter has a name", where="Parameters.parameter")
        yield one["name"], _value(one)


def _value(one: Mapping[str, Any]) -> Any:
    if "resource" in one:
        return one["resource"]
    if "part" in one:
        return Given(list(_pairs(one["part"])))
    return next((value for key, value in one.items() if key.startswith("value")), None)


def parameters(*pairs: tuple[str, str, Any]) -> bytes:
    """Return a Parameters resource of (name, `resource` or `valueX`, value); a value of bytes is JSON already."""
    parts = [b'{"name":%b,"%b":%b}' % (_json(name), key.encode(), _json(value)) for name, key, value in pairs]
    body = b',"parameter":[%b]' % b",".join(parts) if parts else b""
    return b'{"resourceType":"Parameters"%b}' % body


def _json(value: Any) -> bytes:
    return documents.encode(value) if isinstance(value, bytes | dict) else orjson.dumps(value)
