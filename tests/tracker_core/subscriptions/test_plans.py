"""What Subscriptions say: read, kept, and refused at the element that is wrong."""

from typing import Any

import orjson
import pytest

from tracker_core.subscriptions import plans
from tracker_core.subscriptions.plans import Plan, Trigger, Wrong

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"


def subscription(**changed: Any) -> dict[str, Any]:
    """Return a Subscription as a client asks for it."""
    channel = {"type": "rest-hook", "endpoint": "http://x"}
    return {"status": "requested", "criteria": "Observation?code=1", "channel": channel, **changed}


def test_plain() -> None:
    """Criteria of R4 are one trigger on creations and updates; a plan comes back as it was stored."""
    plan = plans.read_subscription(subscription())
    assert plan == Plan("rest-hook", "http://x", triggers=(Trigger("Observation", "code=1"),))
    assert plans.opened(orjson.loads(orjson.dumps(plans.stored(plan)))) == plan


def test_of_a_topic() -> None:
    """A topic's url with the extensions of the Backport IG; numbers are cut to what is offered."""
    numbers = {"heartbeat-period": 60, "timeout": 1000, "max-count": 20}
    channel = {
        "type": "websocket",
        "extension": [{"url": f"{BACKPORT}{name}", "valueUnsignedInt": value} for name, value in numbers.items()],
        "_payload": {"extension": [{"url": f"{BACKPORT}payload-content", "valueCode": "full-resource"}]},
    }
    filters = {"extension": [{"url": f"{BACKPORT}filter-criteria", "valueString": "Observation?code=1"}]}
    plan = plans.read_subscription(subscription(criteria="http://t", _criteria=filters, channel=channel))
    assert (plan.topic, plan.content, plan.triggers) == ("http://t", "full-resource", ())
    assert (plan.heartbeat, plan.timeout, plan.most) == (60, 30, 20)
    assert plan.filters == (("Observation", "code=1"),)
    assert plans.opened(orjson.loads(orjson.dumps(plans.stored(plan)))) == plan


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"criteria": "Nothing?code=1"}, "criteria"),
        ({"criteria": "Observation?nothing=1"}, "criteria"),
        ({"criteria": "Observation?_count=1"}, "criteria"),
        ({"channel": {"type": "sms"}}, "channel.type"),
        ({"channel": {"type": "rest-hook", "endpoint": "ftp://x"}}, "channel.endpoint"),
        ({"channel": {"type": "rest-hook"}}, "channel.endpoint"),
        ({"channel": {"type": "email", "endpoint": "mailto:nobody"}}, "channel.endpoint"),
        (
            {"channel": {"type": "rest-hook", "endpoint": "http://x", "payload": "text/csv"}},
            "channel.payload",
        ),
        (
            {"channel": {"type": "rest-hook", "endpoint": "http://x", "header": ["Host: y"]}},
            "channel.header",
        ),
        ({"channel": {"type": "rest-hook", "endpoint": "http://x", "header": ["X"]}}, "channel.header"),
    ],
)
def test_refusals(change: dict[str, Any], place: str) -> None:
    """Each is refused at its element."""
    with pytest.raises(Wrong) as wrong:
        plans.read_subscription(subscription(**change))
    assert wrong.value.element == place


@pytest.mark.parametrize(
    ("name", "value"), [("payload-content", "all"), ("timeout", 0), ("filter-criteria", "Nothing?x=1")]
)
def test_extensions_that_are_refused(name: str, value: object) -> None:
    """A value of an extension that means nothing is refused."""
    extension = {"extension": [{"url": f"{BACKPORT}{name}", "valueX": value}]}
    channel = {"type": "rest-hook", "endpoint": "http://x", "_payload": extension, **extension}
    with pytest.raises(Wrong):
        plans.read_subscription(subscription(channel=channel, _criteria=extension))
