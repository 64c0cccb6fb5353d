"""A definition bound to the metadata of this database: uids and keys in place of names, one row per possible cell."""

from dataclasses import dataclass
from itertools import product

from tracker_core.aggregates import vocabulary
from tracker_core.aggregates.definitions import Definition
from tracker_core.aggregates.vocabulary import DEFAULT
from tracker_core.errors import Conflict
from tracker_core.metadata.model import Metadata

ALL = "*"
"""Stands for every age, or every sex, where the report does not tell them apart."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One possible cell of a group: our age code and sex, and the option combo that holds their count."""

    element: str
    age: str
    sex: str
    combo: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a run needs of a definition. `elements` are data element uids in the order of the groups.

    `program`, `stage`, `birth_date` and `sex` are pks, None where the source names none; `element` is a uid.
    """

    data_set: str
    elements: tuple[str, ...]
    slots: tuple[Slot, ...]
    program: int | None
    stage: int | None
    element: str
    birth_date: int | None
    sex: int | None


def bind(metadata: Metadata, definition: Definition) -> Frame:
    """Find everything that the definition names. Raises `Conflict` naming all that this database does not have."""
    missing: list[str] = []
    elements = tuple(_uid(metadata, "dataElements", group.data_element, missing) for group in definition.groups)
    slots = [slot for uid in elements if uid for slot in _slots(metadata, definition, uid, missing)]
    source = definition.source
    frame = Frame(
        data_set=_uid(metadata, "dataSets", definition.data_set, missing),
        elements=elements,
        slots=tuple(slots),
        program=_pk(metadata, "programs", source.program, missing),
        stage=_pk(metadata, "programStages", source.stage, missing),
        element=_uid(metadata, "dataElements", source.element, missing) if source.element else "",
        birth_date=_date(metadata, source.birth_date, missing),
        sex=_pk(metadata, "trackedEntityAttributes", source.sex, missing),
    )
    if missing:
        raise Conflict(f"the case report {definition.code} needs metadata that is not here: {', '.join(missing)}")
    return frame


def _slots(metadata: Metadata, definition: Definition, element: str, missing: list[str]) -> list[Slot]:
    age, sex = definition.age, definition.sex
    if not age and not sex:
        return [Slot(element, ALL, ALL, DEFAULT)]
    cube = vocabulary.cube(metadata, vocabulary.combo_of(metadata, "dataElements", element))
    slots = []
    for our_age, our_sex in product(age.options if age else (ALL,), sex.options if sex else (ALL,)):
        chosen = {axis.category: axis.options[ours] for axis, ours in ((age, our_age), (sex, our_sex)) if axis}
        combo = cube.find(chosen)
        if combo is None:
            missing.append(f"the option combo {' × '.join(chosen.values())} of {element}")
        else:
            slots.append(Slot(element, our_age, our_sex, combo))
    return slots


def _uid(metadata: Metadata, type: str, key: str, missing: list[str]) -> str:
    uid = metadata.uid_of(type, key)
    if uid is None:
        missing.append(f"{key} in {type}")
    return uid or ""


def _pk(metadata: Metadata, type: str, key: str, missing: list[str]) -> int | None:
    uid = _uid(metadata, type, key, missing) if key else ""
    found = metadata.get(type, uid)
    return found.pk if found else None


def _date(metadata: Metadata, key: str, missing: list[str]) -> int | None:
    pk = _pk(metadata, "trackedEntityAttributes", key, missing)
    if pk is not None and metadata.attributes[metadata.uids[pk]].value_type not in {"DATE", "DATETIME", "AGE"}:
        missing.append(f"{key} as a date")
    return pk
