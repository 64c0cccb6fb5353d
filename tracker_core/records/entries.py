"""What one value puts into the search index, by search parameter type and FHIR type (FHIR R4 3.1.1.4 and 3.1.1.5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tracker_core.records.terms import (
    LONGEST,
    MAX_TIME,
    MIN_TIME,
    code_tokens,
    date_range,
    fold,
    folded,
    hashed,
    text_token,
    unit_token,
)


@dataclass(slots=True)
class Entries:
    """The index entries of one record, parameters by number.

    `references` are (parameter, reference as written); the store turns them into tokens once targets are known.
    `numbers` are (parameter, unit token or 0, value); `ranked` are the tokens of the record's main code; `terms` are
    the texts behind tokens that can be searched by a part of them: see `vocabulary`. `related` are (parameter,
    reference as written, code) of composites.
    """

    tokens: list[int] = field(default_factory=list)
    references: list[tuple[int, str]] = field(default_factory=list)
    strings: list[tuple[int, str]] = field(default_factory=list)
    dates: list[tuple[int, int, int]] = field(default_factory=list)
    numbers: list[tuple[int, int, float]] = field(default_factory=list)
    ranked: list[int] = field(default_factory=list)
    terms: set[tuple[int, str]] = field(default_factory=set)
    related: list[tuple[int, str, str]] = field(default_factory=list)


PART = "\x01"  # begins an entry that is not the beginning of its text
LAP = LONGEST // 2  # parts of long texts lie half over one another: what is up to 300 characters long is found whole

Emit: TypeAlias = Callable[[Any, int, Entries], None]


def emit_code(value: Any, n: int, out: Entries) -> None:
    """Index a plain code, string or uri as a token without a system."""
    if isinstance(value, str):
        out.tokens += code_tokens(n, "", value)[:2]


def emit_boolean(value: Any, n: int, out: Entries) -> None:
    """Index `true` or `false`."""
    out.tokens += code_tokens(n, "", "true" if value else "false")[:2]


def emit_display(text: Any, n: int, out: Entries) -> None:
    """Index a text that goes with a code, for `:text`."""
    if isinstance(text, str):
        term, token = text_token(n, text)
        out.tokens.append(token)
        out.terms.add((n, term))


def emit_coding(value: Any, n: int, out: Entries) -> None:
    """Index a Coding by code, by system and code, and by system; and by its display."""
    code = value.get("code")
    system = value.get("system")
    if code:
        tokens = code_tokens(n, system or "", code)
        out.tokens += tokens if system else tokens[:2]
    elif system:
        out.tokens.append(code_tokens(n, system, "")[2])
    if "display" in value:
        emit_display(value["display"], n, out)


def emit_concept(value: Any, n: int, out: Entries) -> None:
    """Index every coding of a CodeableConcept, and its text."""
    for coding in value.get("coding", ()):
        emit_coding(coding, n, out)
    if "text" in value:
        emit_display(value["text"], n, out)


def emit_main_concept(value: Any, n: int, out: Entries) -> None:
    """Index the code that a dated type is listed by: as any concept, and ranked by time."""
    emit_concept(value, n, out)
    coded = [coding for coding in value.get("coding", ()) if coding.get("code")]
    out.ranked += [code_tokens(n, coding.get("system") or "", coding["code"])[1] for coding in coded]
    if not coded and isinstance(value.get("text"), str):
        out.ranked.append(text_token(n, value["text"])[1])


def emit_identifier(value: Any, n: int, out: Entries) -> None:
    """Index an Identifier by value, by system and value, by system, and with the codes of its type."""
    text = value.get("value")
    system = value.get("system") or ""
    if system:
        out.tokens.append(code_tokens(n, system, "")[2])
    if text:
        out.tokens += (hashed(n, "c", text), hashed(n, "s", f"{system}|{text}"))
    if "type" in value:
        kind = value["type"]
        for coding in kind.get("coding", ()) if text else ():
            out.tokens.append(hashed(n, "o", f"{coding.get('system') or ''}|{coding.get('code') or ''}|{text}"))
        emit_display(kind.get("text"), n, out)


def emit_contact(value: Any, n: int, out: Entries) -> None:
    """Index a ContactPoint by its value; its system (`phone`) may be named or not."""
    text = value.get("value")
    if text:
        out.tokens += (hashed(n, "c", text), hashed(n, "s", f"|{text}"))
        if "system" in value:
            out.tokens.append(hashed(n, "s", f"{value['system']}|{text}"))


def emit_uri(value: Any, n: int, out: Entries) -> None:
    """Index a uri exactly as it is written; what it begins with is searched among the terms."""
    if isinstance(value, str):
        out.tokens.append(code_tokens(n, "", value)[0])
        if len(value) <= LONGEST:
            out.terms.add((n, value))


def emit_string(value: Any, n: int, out: Entries) -> None:
    """Index a text, folded; of a long one also its further parts, which only `:contains` finds."""
    if isinstance(value, str):
        out.strings.append((n, fold(value)))
        if len(value) > LONGEST:
            whole = folded(value)
            out.strings += [(n, PART + whole[at : at + LONGEST - 1]) for at in range(LAP, len(whole), LAP)]


def emit_texts(keys: tuple[str, ...], lists: tuple[str, ...]) -> Emit:
    """Return an emitter for the texts that are parts of a name or an address."""

    def emit(value: Any, n: int, out: Entries) -> None:
        for key in keys:
            if key in value:
                emit_string(value[key], n, out)
        for key in lists:
            for text in value.get(key, ()):
                emit_string(text, n, out)

    return emit


def emit_date(value: Any, n: int, out: Entries) -> None:
    """Index a date, dateTime or instant as the range it stands for."""
    found = date_range(value)
    if found:
        out.dates.append((n, *found))


def emit_period(value: Any, n: int, out: Entries) -> None:
    """Index a Period; an end that is not given is unbounded."""
    start = date_range(value["start"]) if "start" in value else None
    end = date_range(value["end"]) if "end" in value else None
    if start or end:
        out.dates.append((n, start[0] if start else MIN_TIME, end[1] if end else MAX_TIME))


def emit_timing(value: Any, n: int, out: Entries) -> None:
    """Index a Timing by its events and the bounds of its repetition."""
    found = [r for r in map(date_range, value.get("event", ())) if r]
    if found:
        out.dates.append((n, min(r[0] for r in found), max(r[1] for r in found)))
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds:
        emit_period(bounds, n, out)


def emit_number(value: Any, n: int, out: Entries) -> None:
    """Index a number without a unit."""
    if isinstance(value, int | float):
        out.numbers.append((n, 0, float(value)))


def emit_quantity(value: Any, n: int, out: Entries) -> None:
    """Index a Quantity: its value alone, and its value under its unit as it is written (see `units`)."""
    number = value.get("value")
    if not isinstance(number, int | float):
        return
    out.numbers.append((n, 0, float(number)))
    unit = unit_form(value)
    if unit:
        out.numbers.append((n, unit_token(unit), float(number)))
        out.terms.add((0, unit))


def unit_form(value: Any) -> str:
    """Return how a Quantity writes its unit, `system|code|unit`, or empty when it has none."""
    system, code, unit = value.get("system"), value.get("code"), value.get("unit")
    return f"{system or ''}|{code or ''}|{unit or ''}" if code or unit else ""


def emit_sampled(value: Any, n: int, out: Entries) -> None:
    """Index SampledData by its origin: the samples themselves are not searched."""
    if "origin" in value:
        emit_quantity(value["origin"], n, out)


def emit_money(value: Any, n: int, out: Entries) -> None:
    """Index Money as a quantity whose unit is the currency (ISO 4217)."""
    emit_quantity(
        {"value": value.get("value"), "system": "urn:iso:std:iso:4217", "code": value.get("currency")}, n, out
    )


def emit_range(value: Any, n: int, out: Entries) -> None:
    """Index both ends of a Range."""
    for end in ("low", "high"):
        if end in value:
            emit_quantity(value[end], n, out)


def emit_reference(value: Any, n: int, out: Entries) -> None:
    """Index a Reference by its target, and by its identifier where it has one."""
    text = value.get("reference")
    if text:
        out.references.append((n, text))
    identifier = value.get("identifier")
    if identifier and identifier.get("value"):
        out.tokens.append(hashed(n, "i", f"{identifier.get('system') or ''}|{identifier['value']}"))


def emit_canonical(value: Any, n: int, out: Entries) -> None:
    """Index a canonical by its url with and without version."""
    if isinstance(value, str):
        url = value.partition("#")[0]
        out.tokens += {hashed(n, "u", url), hashed(n, "u", url.partition("|")[0])}


def emit_attachment(value: Any, n: int, out: Entries) -> None:
    """Index an Attachment by the address of its content."""
    emit_canonical(value.get("url"), n, out)


def emit_resource(value: Any, n: int, out: Entries) -> None:
    """Index a resource that stands inside another one (the first of a document) as a reference to it."""
    if value.get("id"):
        out.references.append((n, f"{value.get('resourceType')}/{value['id']}"))


def emit_position(value: Any, n: int, out: Entries) -> None:
    """Index a position on earth by its latitude and longitude."""
    if isinstance(value.get("latitude"), int | float) and isinstance(value.get("longitude"), int | float):
        out.numbers += ((n, LATITUDE, float(value["latitude"])), (n, LONGITUDE, float(value["longitude"])))


LATITUDE, LONGITUDE = 1, 2

_CODES = ("code", "string", "id", "uri", "url", "canonical", "markdown", "oid", "uuid")
_DATES = ("date", "dateTime", "instant")
_COUNTS = ("integer", "positiveInt", "unsignedInt", "decimal")

EMITTERS: dict[str, dict[str, Emit]] = {
    "token": {
        **dict.fromkeys(_CODES, emit_code),
        "boolean": emit_boolean,
        "Coding": emit_coding,
        "CodeableConcept": emit_concept,
        "Identifier": emit_identifier,
        "ContactPoint": emit_contact,
    },
    "uri": dict.fromkeys(_CODES, emit_uri),
    "string": {
        **dict.fromkeys(_CODES, emit_string),
        "HumanName": emit_texts(("family", "text"), ("given", "prefix", "suffix")),
        "Address": emit_texts(("text", "city", "district", "state", "postalCode", "country"), ("line",)),
        "CodeableConcept": emit_texts(("text",), ()),
    },
    # A text where a date could stand may be one.
    "date": {**dict.fromkeys((*_DATES, "string"), emit_date), "Period": emit_period, "Timing": emit_timing},
    "number": {**dict.fromkeys(_COUNTS, emit_number), "Range": emit_range},
    "quantity": {
        **dict.fromkeys(("Quantity", "Age", "Duration", "Distance", "Count"), emit_quantity),
        "Money": emit_money,
        "Range": emit_range,
        "SampledData": emit_sampled,
        **dict.fromkeys(_COUNTS, emit_number),
    },
    "reference": {
        "Reference": emit_reference,
        **dict.fromkeys(("canonical", "uri", "url"), emit_canonical),
        "Attachment": emit_attachment,
        "Resource": emit_resource,
    },
    "special": {"Location.position": emit_position},
}
