"""The tables as they ship, and messages of invented persons."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mappings import Mappings, load
from mappings.er7 import Message, parse

SAMPLES = Path(__file__).parent.parent / "samples" / "hl7v2"


@pytest.fixture(scope="session")
def tables() -> Mappings:
    """Every table of the package."""
    return load()


@pytest.fixture
def sample() -> Callable[[str], Message]:
    """Return a sample message by name."""
    return lambda name: parse((SAMPLES / f"{name}.hl7").read_text(encoding="utf-8"))
