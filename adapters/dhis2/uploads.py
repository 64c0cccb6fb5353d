"""The file in a multipart form (RFC 7578)."""

from dataclasses import dataclass, field
from email.message import Message

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError

from adapters.dhis2.calls import Call
from tracker_core.errors import Malformed


@dataclass(slots=True)
class _Part:
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


def read_file(call: Call, name: str = "file") -> tuple[str, bytes]:
    """Return file name and content of the form's part `name`. Raises `Malformed` when the body has no such part."""
    kind = _header(call.content_type)
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise Malformed("The request is not a multipart request")
    for part in _parts(call.body, boundary):
        about = _header(part.headers.get("content-disposition", ""), "content-disposition")
        if about.get_param("name", header="content-disposition") == name:
            return about.get_filename() or "", bytes(part.body)
    raise Malformed(f"Required part '{name}' is not present.")


def _header(text: str, name: str = "content-type") -> Message:
    message = Message()
    message[name] = text
    return message


def _parts(body: bytes, boundary: str) -> list[_Part]:
    parts: list[_Part] = []
    header = bytearray()
    value = bytearray()

    def begin() -> None:
        parts.append(_Part())

    def end_header() -> None:
        parts[-1].headers[header.decode("latin-1").lower()] = value.decode("utf-8", "replace")
        header.clear()
        value.clear()

    parser = MultipartParser(
        boundary.encode("latin-1", "replace"),
        {
            "on_part_begin": begin,
            "on_header_field": lambda data, start, end: header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: value.extend(data[start:end]),
            "on_header_end": end_header,
            "on_part_data": lambda data, start, end: parts[-1].body.extend(data[start:end]),
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise Malformed(f"the form cannot be read: {error}") from error
    return parts
