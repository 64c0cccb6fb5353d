"""A message as a person reads it: segments and fields with their names, components apart, problems beside them."""

from typing import Any

from adapters.contract import Envelope
from adapters.hl7v2 import batches, charset
from adapters.hl7v2.dictionary import named
from adapters.hl7v2.format import default_charset
from mappings import er7
from mappings.er7 import Encoding, Segment

# A longer field (an embedded document) is shown by its beginning and not taken apart.
LONGEST = 10_000
SHOWN = 200


def show(raw: bytes, envelope: Envelope) -> dict[str, Any]:
    """Return the segments of a message, or `{"messages": […]}` of a batch, as JSON-able objects.

    A field is `{"field": 5, "name": "Patient Name", "type": "XPN", "text": raw, "value": …}`: the value is a list of
    repetitions, each a list of components; a component with parts is a list again; null (two quotes) is None.
    Raises `Malformed` for what is no message.
    """
    default = default_charset(envelope)
    if not batches.is_batch(raw):
        return show_message(raw, default)
    found = batches.Found()
    shown = [show_message(message, default) for message in batches.split([raw], found)]
    return {"messages": shown, "issues": [issue.as_json() for issue in found.issues]}


def show_message(raw: bytes, default: str = "") -> dict[str, Any]:
    """Return one message; see `show`."""
    message, issues = charset.parse_message(raw, default)
    return {
        "segments": [show_segment(segment, message.encoding) for segment in message.segments],
        "issues": [issue.as_json() for issue in issues],
    }


def show_segment(segment: Segment, encoding: Encoding) -> dict[str, Any]:
    """Return a segment with those of its fields that say something."""
    known = named(segment[0])
    fields = [show_field(segment, number, encoding) for number in range(1, len(segment)) if segment[number]]
    return {"segment": segment[0], "name": known.name, "fields": fields}


def show_field(segment: Segment, number: int, encoding: Encoding) -> dict[str, Any]:
    """Return one field; MSH-1 and MSH-2 are the delimiters themselves."""
    known, text = named(segment[0]).fields.get(number), segment[number]
    shown: dict[str, Any] = {"field": number, "name": known.name if known else "", "type": known.type if known else ""}
    if len(text) > LONGEST:
        return {**shown, "text": text[:SHOWN], "length": len(text)}
    if segment[0] == "MSH" and number <= 2:
        return {**shown, "text": text, "value": [[text]]}
    return {**shown, "text": text, "value": [simple(repetition) for repetition in er7.split_field(text, encoding)]}


def simple(repetition: er7.Repetition) -> list[Any]:
    """Return the components of a repetition; one without parts is its text."""
    return [component[0] if len(component) == 1 else component for component in repetition]
