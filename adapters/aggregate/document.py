"""The parsed document of this folder's formats: which one it is, and its body."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["adx", "json", "xml", "csv", "measure"]


@dataclass(frozen=True, slots=True)
class Document:
    """`kind` names the format: ADX, a DHIS2 data value set as JSON, XML or CSV, or MeasureReport."""

    kind: Kind
    body: Any
