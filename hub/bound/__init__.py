"""Bindings at work: what records say of programs, and what programs say as records.

`derive` follows a write of records, `express` a write of tracker rows; each is quiet where the other side already says
the same, so nothing echoes. `replay` derives from records that were here before their binding.
"""

from hub.bound.deriving import derive
from hub.bound.expressing import express
from hub.bound.groups import parse
from hub.bound.loading import Bound, current, save, share_identifier
from hub.bound.measure_reports import take_values
from hub.bound.replaying import replay

__all__ = ["Bound", "current", "derive", "express", "parse", "replay", "save", "share_identifier", "take_values"]
