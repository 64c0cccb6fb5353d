"""What one value puts into the search index, by search parameter type and FHIR type (FHIR R4 3.1.1.4 and 3.1.1.5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tracker_core.records.terms import MAX_TIME, MIN_TIME, code_tokens, date_range, fold, hashed


@dataclass(slots=True)
class Entries:
    """The index entries of one record, parameters by number.

    `references` are (parameter, reference as written); the store turns them into tokens once targets are known.
    `numbers` are (parameter, unit token or 0, value); `ranked` are the tokens of the record's main code.
    """

    tokens: list[int] = field(default_factory=list)
    references: list[tuple[int, str]] = field(default_factory=list)
    strings: list[tuple[int, str]] = field(default_factory=list)
    dates: list[tuple[int, int, int]] = field(default_factory=list)
    numbers: list[tuple[int, int, float]] = field(default_factory=list)
    ranked: list[int] = field(default_factory=list)


Emit: TypeAlias = Callable[[Any, int, Entries], None]


def emit_code(value: Any, n: int, out: Entries) -> None:
    """Index a plain code, string or uri as a token without a system."""
    if isinstance(value, str):
        out.tokens += code_tokens(n, "", value)[:2]


def emit_boolean(value: Any, n: int, out: Entries) -> None:
    """Index `true` or `false`."""
    out.tokens += code_tokens(n, "", "true" if value else "false")[:2]


def emit_coding(value: Any, n: int, out: Entries) -> None:
    """Index a Coding by code, by system and code, and by system."""
    code = value.get("code")
    if code:
        system = value.get("system")
        tokens = code_tokens(n, system or "", code)
        out.tokens += tokens if system else tokens[:2]


def emit_concept(value: Any, n: int, out: Entries) -> None:
    """Index every coding of a CodeableConcept."""
    for coding in value.get("coding", ()):
        emit_coding(coding, n, out)


def emit_main_concept(value: Any, n: int, out: Entries) -> None:
    """Index the code that a dated type is listed by: as any concept, and ranked by time."""
    emit_concept(value, n, out)
    for coding in value.get("coding", ()):
        if coding.get("code"):
            out.ranked.append(code_tokens(n, coding.get("system") or "", coding["code"])[1])


def emit_identifier(value: Any, n: int, out: Entries) -> None:
    """Index an Identifier by value, by system and value, and by system."""
    text = value.get("value")
    if not text:
        return
    system = value.get("system") or ""
    out.tokens += (hashed(n, "c", text), hashed(n, "s", f"{system}|{text}"))
    if system:
        out.tokens.append(code_tokens(n, system, "")[2])


def emit_contact(value: Any, n: int, out: Entries) -> None:
    """Index a ContactPoint by its value; its system (`phone`) is not a namespace."""
    text = value.get("value")
    if text:
        out.tokens += (hashed(n, "c", text), hashed(n, "s", f"|{text}"))


def emit_uri(value: Any, n: int, out: Entries) -> None:
    """Index a uri exactly as it is written."""
    if isinstance(value, str):
        out.tokens.append(code_tokens(n, "", value)[0])


def emit_string(value: Any, n: int, out: Entries) -> None:
    """Index a text, folded."""
    if isinstance(value, str):
        out.strings.append((n, fold(value)))


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
    """Index a Quantity: its value alone, and under its unit's code and written unit."""
    number = value.get("value")
    if not isinstance(number, int | float):
        return
    out.numbers.append((n, 0, float(number)))
    for unit in {value.get("code"), value.get("unit")} - {None, ""}:
        out.numbers.append((n, code_tokens(0, "", unit)[0], float(number)))


def emit_money(value: Any, n: int, out: Entries) -> None:
    """Index Money as a quantity whose unit is the currency."""
    emit_quantity({"value": value.get("value"), "code": value.get("currency")}, n, out)


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
    "date": {**dict.fromkeys(_DATES, emit_date), "Period": emit_period, "Timing": emit_timing},
    "number": {**dict.fromkeys(_COUNTS, emit_number), "Range": emit_range},
    "quantity": {
        **dict.fromkeys(("Quantity", "Age", "Duration", "Distance", "Count"), emit_quantity),
        "Money": emit_money,
        "Range": emit_range,
        **dict.fromkeys(_COUNTS, emit_number),
    },
    "reference": {"Reference": emit_reference, "canonical": emit_canonical, "uri": emit_canonical},
}
