"""What gateways post back."""

from datetime import UTC, datetime

import orjson
import pytest

from adapters.contract import Envelope, Identity, Sender
from adapters.sms.incoming import answer, identify, parse, read
from tracker_core.context import Peer
from tracker_core.errors import Malformed
from tracker_core.issues import Issue, Report

JSON = Envelope("application/json")
FORM = Envelope("application/x-www-form-urlencoded")
SENDER = Sender(Peer(1, "gw", "x", "sms", None, {"region": "ZM"}), datetime(2025, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("raw", "envelope"),
    [
        (b'{"id": "m1", "from": "0955123456", "text": " Stop please"}', JSON),
        (b"message_id=m1&msisdn=0955123456&message=stop", FORM),
    ],
)
def test_stop_is_kept_as_opt_out(raw: bytes, envelope: Envelope) -> None:
    """A text becomes a Communication of the person's number, once per id of the gateway."""
    (change,) = read(parse(raw, envelope), SENDER).changes.records
    assert isinstance(change.document, dict)
    assert change.document["category"][0]["coding"][0]["code"] == "opt-out"
    assert change.document["sender"]["identifier"]["value"] == "tel:+260955123456"
    assert change.match == ("identifier=urn:tracker-hub:peer:gw:text|m1",)
    assert identify(raw, envelope).control_id == "m1"


def test_other_texts_are_kept_too() -> None:
    """Without an id each arrival is its own."""
    (change,) = read(parse(b'{"from": "x", "text": "Nonstop coming"}', JSON), SENDER).changes.records
    assert isinstance(change.document, dict)
    assert change.document["category"][0]["coding"][0]["code"] == "text"
    assert (change.method, change.document["sender"]["identifier"]["value"]) == ("create", "tel:x")


def test_receipts_are_noted() -> None:
    """A delivery receipt changes nothing and is seen in the report."""
    raw = b'{"id": "m1", "status": "delivered"}'
    reading = read(parse(raw, JSON), SENDER)
    assert reading.issues == [Issue("receipt", "message m1: delivered", "information")]
    assert identify(raw, JSON) == Identity("receipt", "m1", "receipt:m1:delivered", "")


@pytest.mark.parametrize("raw", [b"{", b"[]", b"{}", b'{"from": "x"}', b"\xff"])
def test_other_calls_are_refused(raw: bytes) -> None:
    """What is neither text nor receipt is malformed; naming it never raises."""
    with pytest.raises(Malformed):
        parse(raw, JSON)
    assert identify(raw, JSON) == Identity("text")


def test_answers_are_short() -> None:
    """Accepted, refused with a reason, or failed without details."""
    assert orjson.loads(answer(b"", JSON, Report(), None)) == {"accepted": True, "issues": []}
    assert orjson.loads(answer(b"", JSON, Report(), Malformed("no"))) == {"accepted": False, "reason": "no"}
    assert orjson.loads(answer(b"", JSON, Report(), KeyError("x")))["accepted"] is False
