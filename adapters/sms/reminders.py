"""Appointment reminders: a view into a text, a text into the request of a gateway."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.contract import Sender, View
from adapters.sms.phones import normal_phone
from adapters.sms.segments import cut, plain
from tracker_core.errors import Unsupported

TEMPLATES = {
    "en": "{name}, your next visit is on {when} at {place}.",
    "fr": "{name}, votre prochaine visite : {when}, {place}.",
    "pt": "{name}, a sua próxima visita: {when}, {place}.",
    "es": "{name}, su próxima visita: {when}, {place}.",
    "sw": "{name}, ziara yako ijayo ni {when}, {place}.",
}
FIELDS = {"to": "to", "text": "text", "from": "from", "reference": "reference"}
MOST_SEGMENTS = 3
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Text:
    """One text message: `to` in E.164; `reference` lets the gateway recognise a repeat."""

    to: str
    text: str
    reference: str


def write(view: View, sender: Sender, control_id: str) -> Text:
    """Return the text of a reminder in the person's language, as short as the gateway's peer allows.

    Settings of the peer: `region` (of numbers without country code), `templates` (name or language -> text),
    `language`, `date_format`, `max_segments`. Raises Unsupported when the view is no reminder, when there is no number
    to send it to, or when the template names what a reminder does not have.
    """
    if view.kind != "reminder":
        raise Unsupported(f"a text message cannot carry a {view.kind}")
    settings, values = sender.peer.settings, view.values
    phone = normal_phone(str(values.get("phone") or ""), str(settings.get("region", "")))
    if phone is None:
        raise Unsupported("the person has no phone number that a text could reach", "phone")
    facts = {
        "name": str(values.get("name") or ""),
        "place": str(values.get("place") or ""),
        "when": _when(values.get("when"), str(settings.get("date_format", "%d/%m/%Y"))),
    }
    text = plain(_fill(_template(settings, values), facts))
    return Text(phone, cut(text, int(settings.get("max_segments", MOST_SEGMENTS))), control_id)


def render(text: Text, sender: Sender) -> bytes:
    """Return the gateway's request body: JSON, or a form when the peer's `body` is `form`.

    `fields` renames `to`, `text`, `from`, `reference` (an empty name leaves one out); `extra` adds constants.
    """
    settings = sender.peer.settings
    names = {**FIELDS, **settings.get("fields", {})}
    values = {"to": text.to, "text": text.text, "from": settings.get("sender"), "reference": text.reference}
    body = {names[key]: value for key, value in values.items() if value and names[key]} | settings.get("extra", {})
    return urlencode(body).encode() if settings.get("body") == "form" else orjson.dumps(body)


def _template(settings: dict[str, Any], values: dict[str, Any]) -> str:
    """Return the text to fill: the one the view brings, else by the template's name and the language."""
    named = str(values.get("template") or "")
    if "{" in named:
        return named
    language = str(values.get("language") or settings.get("language") or "en").casefold().replace("_", "-")
    own = settings.get("templates", {})
    known = {**TEMPLATES, **own.get(named, {})} if isinstance(own.get(named), dict) else {**TEMPLATES, **own}
    found = known.get(language) or known.get(language.partition("-")[0]) or known["en"]
    return str(found)


def _fill(template: str, facts: dict[str, str]) -> str:
    unknown = [name for name in _PLACEHOLDER.findall(template) if name not in facts]
    if unknown:
        raise Unsupported(f"the template asks for {{{unknown[0]}}}, which a reminder does not have", "template")
    filled = _PLACEHOLDER.sub(lambda found: facts[found[1]], template)
    return " ".join(filled.replace(" ,", ",").split()).lstrip(", ")


def _when(value: object, form: str) -> str:
    """Return the day, with the time when there is one."""
    if isinstance(value, str) and value:
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError as error:
            raise Unsupported(f"{value!r} is no date", "when") from error
    if isinstance(value, datetime):
        clock = f" {value:%H:%M}" if (value.hour, value.minute) != (0, 0) else ""
        return f"{value:{form}}{clock}"
    if isinstance(value, date):
        return f"{value:{form}}"
    raise Unsupported("the reminder does not say when", "when")
