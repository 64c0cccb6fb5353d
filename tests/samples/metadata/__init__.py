"""Metadata of an invented country: org units, a malaria program, an event program, relationship types."""

import json
from pathlib import Path
from typing import Any


def country() -> dict[str, Any]:
    """Return the payload, fresh for each caller."""
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "country.json").read_text("utf-8"))
    return loaded
