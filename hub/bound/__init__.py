"""Bindings at work: what records say of programs, and what programs say as records.

`derive` follows a write of records, `express` a write of tracker rows; each is quiet where the other side already says
the same, so nothing echoes. `replay` derives from records that were here before their binding; `rehearse` only tells
what would come of it.
"""

from hub.bound.deriving import derive
from hub.bound.expressing import express
from hub.bound.groups import parse
from hub.bound.loading import Bound, current, find, remove, save, share_identifier, texts, tie
from hub.bound.measure_reports import take_values
from hub.bound.replaying import Trial, counted, rehearse, replay, types_of

__all__ = [
    "Bound",
    "Trial",
    "counted",
    "current",
    "derive",
    "express",
    "find",
    "parse",
    "rehearse",
    "remove",
    "replay",
    "save",
    "share_identifier",
    "take_values",
    "texts",
    "tie",
    "types_of",
]
