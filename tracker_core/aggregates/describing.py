"""Cells as adapters write them: every object by uid, code and name, option combos laid open into their dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracker_core.aggregates import vocabulary
from tracker_core.aggregates.values import Key
from tracker_core.aggregates.vocabulary import DEFAULT, Cube
from tracker_core.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Cell:
    """A value to describe; `value` None is a deletion."""

    key: Key
    value: str | None
    comment: str | None = None
    follow_up: bool = False
    data_set: str | None = None


def describe(known: Metadata, cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return each cell as an object, in the order given.

    `dataElement`, `orgUnit`, `dataSet`, `categoryOptionCombo`, `attributeOptionCombo` and both sides of each of
    `categories` and `attributes` are objects of `uid`, `code` and `name`; option combos are None where they are the
    default one, the data set where none is known. `period` is an identifier, `value` text or None.
    """
    units = {unit.pk: {"uid": unit.uid, "code": unit.code, "name": unit.name} for unit in known.org_units.values()}
    cubes = _Cubes(known)
    return [
        {
            "dataElement": name_of(known, "dataElements", cell.key.element),
            "period": cell.key.period,
            "orgUnit": units[cell.key.org_unit],
            "dataSet": name_of(known, "dataSets", cell.data_set) if cell.data_set else None,
            "categoryOptionCombo": _combo(known, cell.key.combo),
            "categories": cubes.explode(cell.key.combo),
            "attributeOptionCombo": _combo(known, cell.key.attribute_combo),
            "attributes": cubes.explode(cell.key.attribute_combo),
            "value": cell.value,
            "comment": cell.comment,
            "followUp": cell.follow_up,
        }
        for cell in cells
    ]


def name_of(known: Metadata, type: str, uid: str) -> dict[str, str | None]:
    """Return what an object is called; one that is gone keeps its uid."""
    item = known.get(type, uid)
    return {"uid": uid, "code": item.code if item else None, "name": item.name if item else uid}


def _combo(known: Metadata, uid: str) -> dict[str, str | None] | None:
    return None if uid == DEFAULT else name_of(known, "categoryOptionCombos", uid)


class _Cubes:
    """The category combos met so far, laid open once each."""

    def __init__(self, known: Metadata) -> None:
        self._known = known
        self._open: dict[str, Cube] = {}
        self._pairs: dict[str, list[list[dict[str, str | None]]]] = {}

    def explode(self, combo: str) -> list[list[dict[str, str | None]]]:
        if combo not in self._pairs:
            self._pairs[combo] = self._explode(combo)
        return self._pairs[combo]

    def _explode(self, combo: str) -> list[list[dict[str, str | None]]]:
        owner = vocabulary.combo_of(self._known, "categoryOptionCombos", combo) if combo != DEFAULT else ""
        if not owner:
            return []
        if owner not in self._open:
            self._open[owner] = vocabulary.cube(self._known, owner)
        pairs = self._open[owner].explode(combo)
        return [[{"uid": item.uid, "code": item.code, "name": item.name} for item in pair] for pair in pairs]
