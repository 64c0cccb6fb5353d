"""OBX-2, 5 and 6 <-> `value[x]` of an Observation: one codec, because the type field decides what the others mean.

Several values are components under the code of the whole, OBX-3. HL7 v2.9 chapter 7.4.2; guide OBX[Observation],
OBX[Observation-Component]. ED and RP have no place in R4's choice: they use R5's extension.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from mappings.codecs import attachments
from mappings.codecs.choices import head
from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.dates import read_datetime, read_time, write_dtm, write_tm
from mappings.codecs.identifiers import joined, parts
from mappings.codecs.text import read_decimal, write_decimal
from mappings.er7 import NULL, escape, unescape
from mappings.scope import Scope, Unfit

ATTACHMENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value"
TEXTS = ("ST", "TX", "FT")
CODED = ("CWE", "CE", "CNE", "CF", "IS", "ID")
COMPARATORS = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_COMPARED = re.compile(r"(<=|>=|<|>)\s*([-+]?\d+(?:\.\d+)?)\Z")
Value = dict[str, Any]
Read = Callable[[str, str, Scope], Any]


def varies(concept: Codec, unit: Codec) -> Codec:
    """Return the codec; `concept` reads CWE as CodeableConcept, `unit` CWE as the unit of a Quantity."""
    readers = {**PLAIN_READERS, **dict.fromkeys(CODED, coded_reader(concept))}

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        kind, topic, text, measure = head(texts[0], scope), *texts[1:]
        if text == NULL:
            return None
        if not text:
            return MISSING
        if kind not in readers:
            return read_string(text, kind, scope)
        found = [readers[kind](part, kind, scope) for part in text.split(scope.marks[0])]
        values = [measured(value, measure, unit, scope) for value in found if value is not MISSING]
        if len(values) < 2:
            return values[0] if values else MISSING
        code = concept.decode(topic, scope, None)
        return {"component": [value if code is MISSING else {"code": code, **value} for value in values]}

    def encode(value: Value, scope: Scope, old: list[str]) -> list[str] | None:
        kind, topic, text, measure = old
        if "component" not in value:
            fields = write_one(value, concept, unit, scope, [kind, text, measure])
            return fields and [fields[0], topic, *fields[1:]]
        code = concept.decode(topic, scope, None)
        if any(item.get("code", MISSING) != code for item in value["component"]):
            return None
        fields = write_several(value["component"], concept, unit, scope)
        return fields and [fields[0], topic, *fields[1:]]

    extra = (f"extension[{ATTACHMENT}]", "component")
    return Codec("varies", decode, encode, "fields", extra=extra, targets=TARGETS, arity=4)


def write_several(items: list[Value], concept: Codec, unit: Codec, scope: Scope) -> list[str] | None:
    """Write components of one code as type, repetitions and unit; None when they are of several types."""
    values = [{name: content for name, content in item.items() if name != "code"} for item in items]
    told = [fields for value in values if (fields := write_one(value, concept, unit, scope, ["", "", ""]))]
    if len(told) < len(items) or len({fields[0] for fields in told}) > 1:
        return None
    return [told[0][0], scope.marks[0].join(fields[1] for fields in told), told[0][2]]


def write_one(value: Value, concept: Codec, unit: Codec, scope: Scope, old: list[str]) -> list[str] | None:
    """Write one value as its type, its text and its unit; None for what has no type."""
    name, content = next(iter(value.items()))
    if name == "extension":
        return written_attachment(content, scope)
    if name == "valueCodeableConcept":
        text = concept.encode(content, scope, old[1] if old[0] in CODED else "")
        return [old[0] if old[0] in CODED else coded_type(scope), text or "", ""]
    if name in QUANTIFIED:
        kind, text, quantity = QUANTIFIED[name](content, scope)
        return [kind, text, unit.encode(quantity, scope, old[2]) or ""] if text else None
    if name == "valueString":
        kind = old[0] if old[0] in TEXTS else "TX" if len(content) > 199 or "\n" in content else "ST"
        return [kind, escape(content, scope.encoding), old[2] if old[0] in TEXTS else ""]
    return written_plain(name, content, scope)


def coded_type(scope: Scope) -> str:
    """Return the name of the coded type in the message's version: CWE replaced CE in 2.6."""
    return "CE" if scope.version < "2.5" else "CWE"


def coded_reader(concept: Codec) -> Read:
    """Read the coded types."""

    def read(text: str, _kind: str, scope: Scope) -> Any:
        value = concept.decode(text, scope, None)
        return MISSING if value is MISSING else {"valueCodeableConcept": value}

    return read


def measured(value: Value, text: str, unit: Codec, scope: Scope) -> Value:
    """Give the quantities of a value their unit (OBX-6)."""
    if not text or text == NULL:
        return value
    content = next(iter(value.values()))
    spots = quantities(content) if next(iter(value)) in ("valueQuantity", "valueRange", "valueRatio") else []
    found = unit.decode(text.split(scope.marks[0], 1)[0], scope, None) if spots else MISSING
    if found is not MISSING:
        for spot in spots:
            spot.update(found)
    return value


def quantities(content: Value) -> list[Value]:
    """Return the quantities inside a Quantity, Range or Ratio."""
    inner = [content[name] for name in ("low", "high", "numerator", "denominator") if name in content]
    return inner or [content]


def read_number(text: str, _kind: str, scope: Scope) -> Any:
    """Read NM; a number behind a comparator is one, any other text is kept as text and told."""
    word = head(text, scope).strip()
    compared = _COMPARED.match(word)
    if compared:
        return {"valueQuantity": {"comparator": compared[1], "value": Decimal(compared[2])}}
    try:
        number = read_decimal(word)
    except Unfit as unfit:
        scope.warn("bad-value", unfit.reason, word)
        return read_string(text, "ST", scope)
    return MISSING if number is MISSING else {"valueQuantity": {"value": number}}


def read_string(text: str, _kind: str, scope: Scope) -> Any:
    """Read ST, TX, FT and every type that has no reader of its own; repetitions become lines."""
    lines = [unescape(line, scope.encoding) for line in text.split(scope.marks[0])]
    joined_text = "\n".join(lines).rstrip()
    return {"valueString": joined_text} if joined_text.strip() else MISSING


def read_structured(text: str, _kind: str, scope: Scope) -> Any:
    """Read SN: comparator, number, separator, number; what it cannot say as a value is kept as text."""
    comparator, first, separator, second = [*parts(text, scope.marks[1], scope), "", "", "", ""][:4]
    try:
        one, two = read_decimal(first), read_decimal(second)
    except Unfit:
        return {"valueString": " ".join(piece for piece in (comparator, first, separator, second) if piece)}
    if separator == "-" and one is not MISSING and two is not MISSING and not comparator:
        return {"valueRange": {"low": {"value": one}, "high": {"value": two}}}
    if separator in (":", "/") and one is not MISSING and two is not MISSING and comparator in ("", *COMPARATORS, "="):
        above = {"comparator": comparator} if comparator in COMPARATORS else {}
        return {"valueRatio": {"numerator": {**above, "value": one}, "denominator": {"value": two}}}
    if one is not MISSING and not separator and comparator in ("", "=", *COMPARATORS):
        above = {"comparator": comparator} if comparator in COMPARATORS else {}
        return {"valueQuantity": {**above, "value": one}}
    kept = " ".join(piece for piece in (comparator, first, separator, second) if piece)
    return {"valueString": kept} if kept else MISSING


def read_moment(text: str, _kind: str, scope: Scope) -> Any:
    """Read DT, DTM and TS."""
    value = read_datetime(head(text, scope), scope)
    return MISSING if value is MISSING else {"valueDateTime": value}


def read_clock(text: str, _kind: str, scope: Scope) -> Any:
    """Read TM."""
    return {"valueTime": read_time(head(text, scope), scope)}


def read_span(text: str, _kind: str, scope: Scope) -> Any:
    """Read DR."""
    ends = zip(("start", "end"), parts(text, scope.marks[1], scope), strict=False)
    period = {name: moment for name, part in ends if (moment := read_datetime(part, scope)) is not MISSING}
    return {"valuePeriod": period} if period else MISSING


def read_range(text: str, _kind: str, scope: Scope) -> Any:
    """Read NR."""
    ends = zip(("low", "high"), parts(text, scope.marks[1], scope), strict=False)
    found = {name: {"value": number} for name, part in ends if (number := read_decimal(part)) is not MISSING}
    return {"valueRange": found} if found else MISSING


def read_embedded(text: str, _kind: str, scope: Scope) -> Any:
    """Read ED: base64 data as they are; other encodings are told and kept as text."""
    found = attachments.embedded(text, scope)
    return read_string(text, "TX", scope) if found is MISSING else carried(found)


def read_pointer(text: str, _kind: str, scope: Scope) -> Any:
    """Read RP: a link to the data."""
    found = attachments.pointed(text, scope)
    return MISSING if found is MISSING else carried(found)


def carried(attachment: Value) -> Value:
    """Return an attachment as the extension that carries it."""
    return {"extension": [{"url": ATTACHMENT, "valueAttachment": attachment}]}


def written_attachment(extensions: list[Value], scope: Scope) -> list[str] | None:
    """Write an attachment as ED, or as RP when it is a link."""
    found = attachments.written(extensions[0].get("valueAttachment") or {}, scope)
    return [*found, ""] if found else None


def write_quantity(content: Value, scope: Scope) -> tuple[str, str, Value]:
    """Write a Quantity as NM, with a comparator as SN."""
    number = write_decimal(content.get("value")) or ""
    if content.get("comparator") and number:
        return "SN", joined([content["comparator"], number], scope.marks[1], scope), content
    return "NM", number, content


def write_range(content: Value, scope: Scope) -> tuple[str, str, Value]:
    """Write a Range as SN, an open one as NR."""
    low, high = content.get("low") or {}, content.get("high") or {}
    ends = [write_decimal(end.get("value")) or "" for end in (low, high)]
    if not all(ends):
        return "NR", joined(ends, scope.marks[1], scope), low or high
    return "SN", joined(["", ends[0], "-", ends[1]], scope.marks[1], scope), low


def write_ratio(content: Value, scope: Scope) -> tuple[str, str, Value]:
    """Write a Ratio as SN."""
    above, below = content.get("numerator") or {}, content.get("denominator") or {}
    one, two = (write_decimal(part.get("value")) or "" for part in (above, below))
    text = joined([above.get("comparator", ""), one, ":", two], scope.marks[1], scope) if one and two else ""
    return "SN", text, above


def write_integer(content: Any, _scope: Scope) -> tuple[str, str, Value]:
    """Write a whole number as NM."""
    return "NM", str(content), {}


def written_plain(name: str, content: Any, scope: Scope) -> list[str] | None:
    """Write the variants that have neither unit nor codes; others cannot be said."""
    if name == "valueDateTime":
        text = write_dtm(content, scope) or ""
        return [
            "DT" if len(text) <= 8 and scope.version < "2.3" else "DTM" if scope.version >= "2.5" else "TS",
            text,
            "",
        ]
    if name == "valueTime":
        return ["TM", write_tm(content, scope) or "", ""]
    if name == "valuePeriod":
        ends = [write_dtm(content.get(end), scope) or "" for end in ("start", "end")]
        return ["DR", joined(ends, scope.marks[1], scope), ""]
    if name == "valueBoolean":
        table = "HL70136"
        return [coded_type(scope), joined(["Y" if content else "N", "", table], scope.marks[1], scope), ""]
    return None


PLAIN_READERS: dict[str, Read] = {
    "NM": read_number,
    "SN": read_structured,
    "DT": read_moment,
    "DTM": read_moment,
    "TS": read_moment,
    "TM": read_clock,
    "DR": read_span,
    "NR": read_range,
    "ED": read_embedded,
    "RP": read_pointer,
}
QUANTIFIED: dict[str, Callable[[Any, Scope], tuple[str, str, Value]]] = {
    "valueQuantity": write_quantity,
    "valueRange": write_range,
    "valueRatio": write_ratio,
    "valueInteger": write_integer,
}
TARGETS = tuple(
    f"value{kind}" for kind in ("Quantity", "String", "CodeableConcept", "DateTime", "Time", "Period", "Range", "Ratio")
)
