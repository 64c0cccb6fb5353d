"""Codecs between a tracker value, which is a text in DHIS2's form for its value type, and a FHIR element."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.binding.options import NONE, OptionMap
from mappings.codecs.codec import Codec
from mappings.paths import BadRow
from mappings.scope import Scope, Unfit

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_YES = {"true": True, "false": False}


def find_codec(name: str, maps: Mapping[str, OptionMap]) -> Codec:
    """Return the codec that a row of a binding names. Raises `BadRow` for an unknown one."""
    if name in _SIMPLE:
        return _SIMPLE[name]
    kind, colon, argument = name.partition(":")
    if colon and kind == "quantity":
        return quantity(argument)
    if colon and kind in ("concept", "coding", "code"):
        if argument not in maps:
            raise BadRow(f"there are no concepts {argument}")
        return _OF_CONCEPTS[kind](maps[argument])
    raise BadRow(f"{name!r} is no codec of a binding")


def plain(name: str, decode: Callable[[str], Any], encode: Callable[[Any], str | None]) -> Codec:
    """Make a codec that needs nothing but the value."""
    return Codec(name, lambda left, _scope, _old: decode(left), lambda right, _scope, _old: encode(right))


def quantity(unit: str) -> Codec:
    """A number of one unit (UCUM code) <-> Quantity. A quantity in another unit is not this value."""

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        return {
            "value": to_decimal(text),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        }

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        if not isinstance(element, dict) or element.get("value") is None:
            return None
        told = element.get("code") or element.get("unit") or unit
        if told != unit:
            raise Unfit(f"a quantity in {told} where {unit} is wanted", "unit")
        if element.get("comparator"):
            raise Unfit("a quantity with a comparator is no number", "comparator")
        return str(element["value"])

    return Codec(f"quantity:{unit}", decode, encode, owns=("value", "unit", "system", "code", "comparator"))


def concept(codes: OptionMap) -> Codec:
    """An option code <-> CodeableConcept: the first coding that the map knows."""

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        return {"coding": [translated(codes, text)]}

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        return option_of(codes, element.get("coding") or [])

    return Codec(f"concept:{codes.name}", decode, encode, owns=("coding", "text"))


def coding(codes: OptionMap) -> Codec:
    """An option code <-> Coding."""

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        return translated(codes, text)

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        return option_of(codes, [element])

    return Codec(f"coding:{codes.name}", decode, encode)


def code(codes: OptionMap) -> Codec:
    """An option code <-> code, as of `gender` and `status`."""

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        return translated(codes, text)["code"]

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        return option_of(codes, [{"code": element}])

    return Codec(f"code:{codes.name}", decode, encode)


def translated(codes: OptionMap, text: str) -> dict[str, str]:
    """Return the coding of an option. Raises `Unfit` when the table has none."""
    found = codes.coding_of(text)
    if found is None:
        raise Unfit(f"{text!r} is not in the concepts {codes.name}", "unknown-code")
    return found


def option_of(codes: OptionMap, codings: list[dict[str, Any]]) -> str | None:
    """Return the option of the first coding that the table knows. Raises `Unfit` when it knows none."""
    for one in codings:
        option = codes.option_of(one)
        if option is not None:
            return None if option == NONE else option
    told = ", ".join(f"{one.get('system', '')}|{one.get('code', '')}" for one in codings) or "no code"
    raise Unfit(f"{told} is not in the concepts {codes.name}", "unknown-code")


def icd10() -> Codec:
    """An ICD-10 code <-> CodeableConcept, whichever system of ICD-10 the sender uses."""

    def decode(text: str, _scope: Scope, old: Any) -> Any:
        system = next(
            (one["system"] for one in (old or {}).get("coding", []) if "icd-10" in one.get("system", "")),
            "http://hl7.org/fhir/sid/icd-10",
        )
        return {"coding": [{"system": system, "code": text}]}

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        found = (one["code"] for one in element.get("coding") or [] if "icd-10" in one.get("system", ""))
        return next(found, None)

    return Codec("icd10", decode, encode, owns=("coding", "text"))


def to_decimal(text: str) -> Decimal:
    """Return the number that `text` writes, its digits kept. Raises `Unfit`."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unfit(f"{text!r} is no number") from None
    if not number.is_finite():
        raise Unfit(f"{text!r} is no number")
    return number


def to_integer(text: str) -> int:
    """Return the whole number that `text` writes. Raises `Unfit`."""
    number = to_decimal(text)
    if number != number.to_integral_value():
        raise Unfit(f"{text!r} is no whole number")
    return int(number)


def to_day(text: str) -> str:
    """Return the day of a date or date with time. Raises `Unfit` when it is not known to the day."""
    found = _DATE.match(text)
    if found is None:
        raise Unfit(f"{text!r} is no date known to the day")
    return found[0]


def to_bool(text: str) -> bool:
    """Return the truth of DHIS2's `true` and `false`. Raises `Unfit`."""
    if text not in _YES:
        raise Unfit(f"{text!r} is neither true nor false")
    return _YES[text]


def date() -> Codec:
    """A day <-> date or dateTime. A time that the element has stays while its day is the same; `1990-04` is no day."""

    def decode(text: str, _scope: Scope, old: Any) -> Any:
        day = to_day(text)
        return old if isinstance(old, str) and old[:10] == day else day

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        return to_day(element) if len(element) >= len("2000-01-01") else None

    return Codec("date", decode, encode)


def date_time() -> Codec:
    """A moment <-> dateTime. Read in UTC, midnight as the day alone; written, an equal moment keeps its own offset."""

    def decode(text: str, _scope: Scope, old: Any) -> Any:
        return old if isinstance(old, str) and to_moment(old) == to_moment(text) else text

    return Codec("dateTime", decode, lambda right, _scope, _old: to_moment(right))


def to_moment(text: str) -> str | None:
    """Return a date or moment in one form: in UTC, midnight as the day alone; None when not known to the day."""
    if len(text) < len("2000-01-01"):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text!r} is no date or moment") from None
    there = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return there.date().isoformat() if there.time() == time() else there.isoformat()


def given() -> Codec:
    """Given names <-> HumanName; the family name and the rest of the element stay."""

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        return {"given": text.split()}

    def encode(element: Any, _scope: Scope, _old: Any) -> str | None:
        return " ".join(element.get("given") or ()) or None

    return Codec("given", decode, encode, owns=("given", "text"))


_OF_CONCEPTS: dict[str, Callable[[OptionMap], Codec]] = {"concept": concept, "coding": coding, "code": code}
_SIMPLE: dict[str, Codec] = {
    "text": plain("text", lambda text: text, str),
    "given": given(),
    "integer": plain("integer", to_integer, str),
    "decimal": plain("decimal", to_decimal, str),
    "yes": plain("yes", to_bool, lambda right: "true" if right else "false"),
    "dateTime": date_time(),
    "date": date(),
    "icd10": icd10(),
}
