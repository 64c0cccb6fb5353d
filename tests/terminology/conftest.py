"""Samples of invented content."""

from pathlib import Path

import pytest

from terminology.code_system import CodeSystem, compile_system
from terminology.loaders import claml

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def tiny() -> Path:
    """An invented classification in ClaML."""
    return SAMPLES / "tiny.xml"


@pytest.fixture
def system(tiny: Path) -> CodeSystem:
    """The invented classification, compiled."""
    return compile_system(claml.read_edition(tiny), claml.read_concepts(tiny))
