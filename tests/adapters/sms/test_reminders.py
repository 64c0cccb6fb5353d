"""Reminders into texts, texts into requests."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from adapters.contract import Sender, View
from adapters.sms.reminders import Text, render, write
from tracker_core.context import Peer
from tracker_core.errors import Unsupported

VISIT = {
    "phone": "0955 123 456",
    "name": "Chipo",
    "when": "2025-03-12T09:30:00+02:00",
    "place": "Lakeside",
    "language": "en",
    "template": "",
}


def sender(**settings: Any) -> Sender:
    """A gateway peer in Zambia."""
    return Sender(Peer(1, "sms", "x", "sms", "http://x/", {"region": "ZM", **settings}), datetime.now(UTC))


def text(values: dict[str, Any], **settings: Any) -> str:
    """The text of a reminder."""
    return write(View("reminder", "reminder", values={**VISIT, **values}), sender(**settings), "TH1").text


def test_reminder_is_written() -> None:
    """Number in E.164, name, time and place in the text, the message's own id as reference."""
    made = write(View("reminder", "reminder", values=VISIT), sender(), "TH1")
    assert made == Text("+260955123456", "Chipo, your next visit is on 12/03/2025 09:30 at Lakeside.", "TH1")


@pytest.mark.parametrize(
    ("values", "settings", "expected"),
    [
        ({"language": "fr"}, {}, "Chipo, votre prochaine visite : 12/03/2025 09:30, Lakeside."),
        ({"language": "pt_MZ"}, {}, "Chipo, a sua próxima visita: 12/03/2025 09:30, Lakeside."),
        ({"language": "xx"}, {}, "Chipo, your next visit is on 12/03/2025 09:30 at Lakeside."),
        ({"language": ""}, {"language": "es"}, "Chipo, su próxima visita: 12/03/2025 09:30, Lakeside."),
        ({"when": "2025-03-12"}, {"date_format": "%d.%m."}, "Chipo, your next visit is on 12.03. at Lakeside."),
        ({"when": date(2025, 3, 12)}, {}, "Chipo, your next visit is on 12/03/2025 at Lakeside."),
        ({"when": datetime(2025, 3, 12, tzinfo=UTC)}, {}, "Chipo, your next visit is on 12/03/2025 at Lakeside."),
        ({"template": "Come on {when}"}, {}, "Come on 12/03/2025 09:30"),
        ({"template": "tb"}, {"templates": {"tb": {"en": "TB: {when}"}}}, "TB: 12/03/2025 09:30"),
        ({}, {"templates": {"en": "Own: {place}"}}, "Own: Lakeside"),
        ({"name": ""}, {}, "your next visit is on 12/03/2025 09:30 at Lakeside."),
        ({"place": "Chief’s – clinic"}, {"templates": {"en": "{place}"}}, "Chief's - clinic"),
    ],
)
def test_texts_follow_language_and_template(values: dict[str, Any], settings: dict[str, Any], expected: str) -> None:
    """The person's language, the peer's own templates, and dates as the peer wants them."""
    assert text(values, **settings) == expected


def test_long_text_is_cut() -> None:
    """A text never takes more segments than the peer allows."""
    assert text({"place": "x" * 500}, max_segments=1).endswith("x...")
    assert len(text({"place": "x" * 500}, max_segments=1)) == 160


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"phone": ""}, "no phone number"),
        ({"phone": "12"}, "no phone number"),
        ({"when": ""}, "does not say when"),
        ({"when": "next week"}, "is no date"),
        ({"when": None}, "does not say when"),
        ({"template": "{diagnosis}"}, "asks for {diagnosis}"),
    ],
)
def test_impossible_reminders_are_refused(values: dict[str, Any], message: str) -> None:
    """What cannot be sent says why, and is not retried."""
    with pytest.raises(Unsupported, match=message):
        text(values)


def test_only_reminders_are_sent() -> None:
    """A person is no text message."""
    with pytest.raises(Unsupported, match="cannot carry a person"):
        write(View("person", "person"), sender(), "TH1")


def test_request_is_json_or_a_form() -> None:
    """Field names, constants and encoding are the gateway's."""
    made = Text("+260955123456", "Hi & bye", "TH1")
    assert orjson.loads(render(made, sender(sender="CLINIC"))) == {
        "to": "+260955123456",
        "text": "Hi & bye",
        "from": "CLINIC",
        "reference": "TH1",
    }
    form = sender(body="form", fields={"to": "msisdn", "reference": ""}, extra={"dlr": "1"})
    assert render(made, form) == b"msisdn=%2B260955123456&text=Hi+%26+bye&dlr=1"
