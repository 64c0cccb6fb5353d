"""Codecs over several fields that make one choice: dates with a flag beside them, times with an end."""

from collections.abc import Callable
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.dates import read_datetime, write_day, write_dtm
from mappings.codecs.text import read_integer, read_yes
from mappings.er7 import NULL, escape, unescape
from mappings.scope import Scope

BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"


def head(text: str, scope: Scope) -> str:
    """Return the first value of a field without escapes; null is nothing."""
    for mark in scope.marks[:3]:
        text = text.split(mark, 1)[0]
    return "" if text == NULL else unescape(text, scope.encoding)


def either(name: str, moment: str, flag: str, number: Callable[[str], Any] = read_yes) -> Codec:
    """Return the codec of a value (`moment`) that makes a flag beside it needless: PID-29,30 and PID-24,25."""
    dated = moment.endswith("DateTime")

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        values = [head(text, scope) for text in (texts if dated else texts[::-1])]
        if values[0]:
            return {moment: read_datetime(values[0], scope) if dated else number(values[0])}
        if values[1]:
            return {flag: read_yes(values[1])}
        return None if NULL in texts else MISSING

    def encode(value: Any, scope: Scope, old: list[str]) -> list[str] | None:
        if value.get(moment) is not None:
            text = write_dtm(value[moment], scope) if dated else str(value[moment])
            return None if text is None else [text, old[1]] if dated else [old[0], text]
        if flag not in value:
            return None
        truth = "Y" if value[flag] else "N"
        return ["", truth] if dated else [truth, ""]

    return Codec(name, decode, encode, "fields", arity=2)


def read_period(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read a start and an end: a period when there is an end, else a moment (OBR-7,8)."""
    start, end = (head(text, scope) for text in texts)
    if not start and not end:
        return None if NULL in texts else MISSING
    if not end:
        return {"effectiveDateTime": read_datetime(start, scope)}
    period = {"start": read_datetime(start, scope) if start else MISSING, "end": read_datetime(end, scope)}
    return {"effectivePeriod": {name: value for name, value in period.items() if value is not MISSING}}


def write_period(value: Any, scope: Scope, _old: list[str]) -> list[str] | None:
    """Write a moment or a period; another variant of the choice has no place."""
    if "effectiveDateTime" in value:
        text = write_dtm(value["effectiveDateTime"], scope)
        return None if text is None else [text, ""]
    if "effectiveInstant" in value:
        text = write_dtm(value["effectiveInstant"], scope)
        return None if text is None else [text, ""]
    if "effectivePeriod" not in value:
        return None
    period = value["effectivePeriod"]
    return [write_dtm(period.get(name), scope) or "" for name in ("start", "end")]


def read_occurrence(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read DR: a period when there is an end, else a moment (FT1-4)."""
    ends = [*texts[0].split(scope.marks[0])[0].split(scope.marks[1]), "", ""][:2]
    value = read_period(ends, scope, None)
    return (
        {name.replace("effective", "occurrence"): v for name, v in value.items()} if isinstance(value, dict) else value
    )


def write_occurrence(value: Any, scope: Scope, _old: list[str]) -> list[str] | None:
    """Write a moment or a period as DR; a timing has no place."""
    renamed_value = {name.replace("occurrence", "effective"): v for name, v in value.items()}
    ends = write_period(renamed_value, scope, [])
    return None if ends is None else [scope.marks[1].join(ends).rstrip(scope.marks[1])]


def renamed(codec: Codec, name: str, before: str, after: str) -> Codec:
    """Return a choice codec under another element's names (`effective` -> `collected`)."""

    def decode(texts: list[str], scope: Scope, old: Any) -> Any:
        value = codec.decode(texts, scope, old)
        return {key.replace(before, after): kept for key, kept in value.items()} if isinstance(value, dict) else value

    def encode(value: Any, scope: Scope, old: Any) -> Any:
        return codec.encode({key.replace(after, before): kept for key, kept in value.items()}, scope, old)

    return Codec(name, decode, encode, codec.form, arity=codec.arity)


def read_birth(text: str, scope: Scope, _old: Any) -> Any:
    """Read a birth date; a time of birth goes into the birthTime extension beside it."""
    value = read_datetime(text, scope)
    if value is MISSING or "T" not in value:
        return value if value is MISSING else {"birthDate": value}
    return {
        "birthDate": value[:10],
        "_birthDate": {"extension": [{"url": BIRTH_TIME, "valueDateTime": value}]},
    }


def write_birth(value: Any, scope: Scope, _old: Any) -> str | None:
    """Write a birth date, with its time when the extension agrees with the day."""
    day = value.get("birthDate")
    for extension in (value.get("_birthDate") or {}).get("extension", ()):
        moment = extension.get("valueDateTime") or ""
        if extension.get("url") == BIRTH_TIME and moment[:10] == day:
            return write_dtm(moment, scope)
    return write_day(day, scope)


def read_lines(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read a text field: its repetitions are lines."""
    if texts[0] == NULL:
        return None
    lines = [unescape(line, scope.encoding) for line in texts[0].split(scope.marks[0])]
    return "\n".join(lines).rstrip() or MISSING


def write_lines(value: Any, scope: Scope, _old: Any) -> list[str] | None:
    """Write a text with a repetition for each line."""
    return [scope.marks[0].join(escape(line, scope.encoding) for line in value.split("\n"))] if value else None


EFFECTIVE = Codec("effective", read_period, write_period, "fields", targets=("start", "end"), arity=2)
CODECS = (
    either("deceased", "deceasedDateTime", "deceasedBoolean"),
    either("birth_order", "multipleBirthInteger", "multipleBirthBoolean", read_integer),
    EFFECTIVE,
    renamed(EFFECTIVE, "collected", "effective", "collected"),
    Codec("occurrence", read_occurrence, write_occurrence, "fields", targets=("start", "end"), arity=1),
    Codec("lines", read_lines, write_lines, "fields", arity=1),
    Codec("birthdate", read_birth, write_birth, "head", extra=("_birthDate",)),
)
