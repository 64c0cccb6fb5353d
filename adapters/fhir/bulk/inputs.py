"""The manifest of an import: which files there are, as Parameters or as a plain object of the same names."""

from typing import Any

import orjson

from adapters.fhir.bulk.asking import FORMATS
from tracker_core.errors import Malformed
from tracker_core.records.definitions import resource_types


def read_manifest(raw: bytes, *, lenient: bool) -> list[dict[str, str]]:
    """Return the files that a manifest names, each with its type: a Parameters, or a plain object of the same names.

    Raises `Malformed`.
    """
    try:
        given = orjson.loads(raw)
    except ValueError as error:
        raise Malformed(f"the body is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise Malformed("a manifest is an object, or a Parameters")
    plain = _plain(given) if given.get("resourceType") == "Parameters" else given
    format_ = plain.get("inputFormat", FORMATS[0])
    if format_ not in FORMATS:
        raise Malformed(f"the format {format_} is not read: files are {FORMATS[0]}", where="inputFormat")
    storage = plain.get("storageDetail") or {}
    kind = storage.get("type", "https") if isinstance(storage, dict) else storage
    if kind not in ("http", "https"):
        raise Malformed(f"files are fetched over http or https, not from {kind}", where="storageDetail")
    known = ("resourceType", "inputFormat", "inputSource", "storageDetail", "input", "mode")
    strange = [name for name in plain if name not in known]
    if strange and not lenient:
        raise Malformed(f"$import does not offer {strange[0]}", where=strange[0])
    inputs = plain.get("input") or []
    found = [_input(one) for one in (inputs if isinstance(inputs, list) else [inputs])]
    if not found:
        raise Malformed("a manifest names at least one input with its type and url", where="input")
    return found


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return Parameters as a plain object: what may be there several times is a list."""
    out: dict[str, Any] = {}
    for one in parameters.get("parameter", ()):
        if not isinstance(one, dict):
            raise Malformed("Parameters.parameter is a list of objects")
        value = _plain({"parameter": one["part"]}) if "part" in one else _value(one)
        name = str(one.get("name", ""))
        if name == "input":
            out.setdefault(name, []).append(value)
        else:
            out[name] = value
    return out


def _value(parameter: dict[str, Any]) -> Any:
    return next((value for key, value in parameter.items() if key.startswith("value")), "")


def _input(one: Any) -> dict[str, str]:
    if not isinstance(one, dict) or not isinstance(one.get("url"), str) or not one["url"]:
        raise Malformed("an input has a type and a url", where="input")
    type_ = str(one.get("type", ""))
    if type_ and type_ not in resource_types():
        raise Malformed(f"R4 has no resource type {type_!r}", where="input.type")
    return {"type": type_, "url": one["url"]}
