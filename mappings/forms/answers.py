"""Answers of a QuestionnaireResponse and texts in DHIS2's form for a value type, both ways."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mappings.binding.codecs import to_bool, to_day, to_decimal, to_integer
from mappings.forms.sdc import ANSWERS
from mappings.scope import Unfit

OPTION_SET = "urn:tracker-hub:option-set:"
_INTEGERS = ("INTEGER", "INTEGER_POSITIVE", "INTEGER_NEGATIVE", "INTEGER_ZERO_OR_POSITIVE")
# DHIS2 value type -> item type of a Questionnaire (R4 item-type); whatever is not here is a string.
_TYPES = {
    **dict.fromkeys(_INTEGERS, "integer"),
    **dict.fromkeys(("NUMBER", "UNIT_INTERVAL", "PERCENTAGE"), "decimal"),
    **dict.fromkeys(("BOOLEAN", "TRUE_ONLY"), "boolean"),
    **dict.fromkeys(("DATE", "AGE"), "date"),
    "DATETIME": "dateTime",
    "TIME": "time",
    "LONG_TEXT": "text",
    "URL": "url",
    "ORGANISATION_UNIT": "reference",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form. `link` is its linkId; `options` (code -> display) where it has an option set (uid)."""

    link: str
    text: str
    value_type: str
    required: bool = False
    option_set: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    section: str = ""

    @property
    def type(self) -> str:
        """The item type."""
        return "choice" if self.option_set else _TYPES.get(self.value_type, "string")

    @property
    def repeats(self) -> bool:
        """Whether it takes several answers."""
        return self.value_type == "MULTI_TEXT"

    @property
    def key(self) -> str:
        """The element of an answer that holds the value."""
        return ANSWERS[self.type]


def answers_of(asked: Field, text: str) -> list[dict[str, Any]]:
    """Return the answers that say `text`. Raises `Unfit` for a text that is none of the value type."""
    parts = [part for part in text.split(",") if part] if asked.repeats else [text]
    convert = _TO_ANSWER.get(asked.type)
    return [{asked.key: convert(asked, part) if convert else part} for part in parts]


def text_of(asked: Field, answers: list[dict[str, Any]]) -> str | None:
    """Return the text that answers say, None when they say nothing. Raises `Unfit` for an answer of another kind."""
    texts = [text for one in answers if (text := _text(asked, one))]
    if len(texts) > 1 and not asked.repeats:
        raise Unfit(f"{len(texts)} answers where one is taken")
    return ",".join(dict.fromkeys(texts)) or None


def same(asked: Field, one: str | None, other: str | None) -> bool:
    """Tell whether two texts say the same: numbers are equal by value, options as sets, moments as such."""
    if not one or not other or one == other:
        return (one or None) == (other or None)
    try:
        if asked.type in ("decimal", "integer"):
            return to_decimal(one) == to_decimal(other)
        if asked.type == "dateTime":
            return _moment(one) == _moment(other)
        if asked.type == "time":
            return one[:5] == other[:5]
    except Unfit:
        return False
    return asked.repeats and set(one.split(",")) == set(other.split(","))


def _text(asked: Field, answer: dict[str, Any]) -> str | None:
    value = answer.get(asked.key)
    if value is not None:
        return _FROM_ANSWER.get(asked.type, _plain)(asked, value)
    told = next((name for name in answer if name.startswith("value")), "")
    if told:
        raise Unfit(f"{told} where {asked.key} is wanted")
    return None


def _plain(_asked: Field, value: Any) -> str:
    """Return a value as it stands; a decimal without exponent, its digits kept."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _coding(asked: Field, text: str) -> dict[str, str]:
    if text not in asked.options:
        raise Unfit(f"{text!r} is no option", "unknown-code")
    return {"system": OPTION_SET + asked.option_set, "code": text, "display": asked.options[text]}


def _option(asked: Field, coding: Mapping[str, Any]) -> str:
    code = str(coding.get("code", ""))
    if coding.get("system", OPTION_SET + asked.option_set) != OPTION_SET + asked.option_set:
        raise Unfit(f"{coding['system']}|{code} is of another code system than {OPTION_SET}{asked.option_set}")
    return code


def _moment(text: str) -> datetime:
    """Return the moment that a text names; without an offset it is in UTC. Raises `Unfit`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text!r} is no date and time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _to_moment(text: str) -> str:
    return text if len(text) <= len("2000-01-01") else _moment(text).isoformat()


def _from_moment(text: str) -> str:
    """Return a moment as DHIS2 writes it, without its offset; a day stays one."""
    if len(text) <= len("2000-01-01"):
        return text
    return _moment(text).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


_TO_ANSWER: dict[str, Callable[[Field, str], Any]] = {
    "choice": _coding,
    "integer": lambda _, text: to_integer(text),
    "decimal": lambda _, text: to_decimal(text),
    "boolean": lambda _, text: to_bool(text),
    "date": lambda _, text: to_day(text),
    "dateTime": lambda _, text: _to_moment(text),
    "time": lambda _, text: f"{text}:00" if len(text) == len("00:00") else text,
    "reference": lambda _, text: {"reference": f"Organization/{text}"},
}
_FROM_ANSWER: dict[str, Callable[[Field, Any], str]] = {
    "choice": _option,
    "boolean": lambda _, value: "true" if value else "false",
    "dateTime": lambda _, value: _from_moment(str(value)),
    "time": lambda _, value: str(value)[:5],
    "reference": lambda _, value: str(value.get("reference") or "").rpartition("/")[2],
}
