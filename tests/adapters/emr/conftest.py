"""An EMR as a peer, its samples, and a way to send a file through the adapter without a hub."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Envelope, Reading, Sender
from adapters.emr import ADAPTER
from tracker_core.context import Peer

SAMPLES = Path(__file__).parent / "samples"
RECEIVED = datetime(2024, 6, 1, tzinfo=UTC)
CSV = Envelope("text/csv")


def emr(**settings: Any) -> Sender:
    """The EMR of a health centre, as the sender of a file that arrives on 1 June 2024."""
    return Sender(Peer(7, "hc1", "Health Centre", "emr", None, settings), RECEIVED)


def read(raw: bytes | str, envelope: Envelope = CSV, **settings: Any) -> Reading:
    """What the adapter reads in a file."""
    body = raw.encode() if isinstance(raw, str) else raw
    return ADAPTER.read(ADAPTER.parse(body, envelope), emr(**settings))


@pytest.fixture
def visits() -> bytes:
    """A file with nothing wrong in it."""
    return (SAMPLES / "visits.csv").read_bytes()


@pytest.fixture
def dirty() -> bytes:
    """A file with something wrong in nearly every row."""
    return (SAMPLES / "dirty.csv").read_bytes()
