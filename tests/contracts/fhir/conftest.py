"""A FHIR server on a real socket for clients that others wrote, and Node's packages where they can be had."""

from pathlib import Path

import pytest

from tests.adapters.fhir.conftest import client, server
from tests.contracts.node import installed

__all__ = ["client", "node", "server"]

SCRIPTS = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of the Node scripts with their packages installed, or a skip."""
    return installed(SCRIPTS, "fhir-clients")
