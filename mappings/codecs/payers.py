"""Codecs over the fields of IN1 that tell of one organisation: who pays, and whose group holds the policy.

HL7 v2.9 chapter 6.5.6; guide IN1[Coverage].
"""

from collections.abc import Sequence
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.references import stand_in
from mappings.er7 import NULL
from mappings.places import Doc
from mappings.scope import Scope

IDENTIFIER = "identifier"


def organization(name: str, parts: Sequence[tuple[str, Codec]]) -> Codec:
    """Return the codec of several fields <-> a Reference to the Organization that they tell of together.

    `parts` are the fields in order: the element that one feeds, or the organisation itself, and its codec.
    """

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        record: Doc = {}
        for text, (element, codec) in zip(texts, parts, strict=True):
            values = read_all(text, codec, scope)
            if values and element:
                record[element] = [*record.get(element, ()), *values]
            elif values:
                record = united(record, values[0])
        if not record:
            return None if NULL in texts else MISSING
        return scope.refer("Organization", record) or MISSING

    def encode(value: Any, scope: Scope, old: list[str]) -> list[str] | None:
        record = (scope.follow(value) or stand_in(value, "Organization")) if isinstance(value, dict) else None
        if record is None or record.get("resourceType") != "Organization":
            return None
        told = [
            value
            for (element, codec), text in zip(parts, old, strict=True)
            if element == IDENTIFIER
            for value in read_all(text, codec, scope)
        ]
        bare = {**record, IDENTIFIER: [one for one in record.get(IDENTIFIER) or () if one not in told]}
        texts = []
        for (element, codec), text in zip(parts, old, strict=True):
            made = [codec.encode(item, scope, "") for item in (record.get(element) or () if element else [bare])]
            texts.append(text if element == IDENTIFIER else scope.marks[0].join(filter(None, made)))
        return texts

    return Codec(name, decode, encode, "fields", targets=("identifier", "name", "address", "telecom"), arity=len(parts))


def read_all(text: str, codec: Codec, scope: Scope) -> list[Any]:
    """Return what every repetition of a field says."""
    if not text or text == NULL:
        return []
    found = (codec.decode(part, scope, None) for part in text.split(scope.marks[0]))
    return [value for value in found if value is not MISSING]


def united(record: Doc, other: Doc) -> Doc:
    """Return what two fields say of one organisation; their identifiers stand beside each other."""
    identifiers = [*record.get(IDENTIFIER, ()), *other.get(IDENTIFIER, ())]
    return {**record, **other, **({IDENTIFIER: identifiers} if identifiers else {})}
