"""The compiled snapshot: what tracker, aggregates and bindings read of metadata, immutable and shared by all threads.

Types are named as DHIS2 names their collections (`programs`, `dataElements`), properties as DHIS2 names them where
`Object.doc` is concerned. Names here are ours.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple


class OrgUnit(NamedTuple):
    """An organisation unit. `path` is `/root/…/uid`, `level` 1 at the root; a tuple, because there may be 100,000."""

    pk: int
    uid: str
    code: str | None
    name: str
    path: str
    level: int
    opening: date
    closed: date | None

    @property
    def document(self) -> dict[str, Any]:
        """What is known here of the unit, as a DHIS2 document."""
        found = {"id": self.uid, "name": self.name, "path": self.path, "level": self.level}
        return found if self.code is None else {**found, "code": self.code}

    def is_under(self, other: "OrgUnit") -> bool:
        """Tell whether this unit is `other` or lies below it."""
        return self.path == other.path or self.path.startswith(other.path + "/")


def _by_name(unit: OrgUnit) -> tuple[str, str]:
    return unit.name.casefold(), unit.uid


@dataclass(frozen=True)
class Places:
    """The org unit tree as of one of its own versions; snapshots share it as long as no unit changes.

    `units` is by uid; `uids` gives the uid by pk, `keys` by (`organisationUnits`, code or name).
    """

    version: int
    units: Mapping[str, OrgUnit]
    uids: dict[int, str]
    keys: dict[tuple[str, str], str]

    @cached_property
    def by_name(self) -> Sequence[OrgUnit]:
        """All units in the order of their names."""
        return sorted(self.units.values(), key=_by_name)

    @cached_property
    def documents(self) -> Sequence[dict[str, Any]]:
        """What is known here of every unit, as DHIS2 documents, in the order of their names."""
        return [unit.document for unit in self.by_name]

    @cached_property
    def children(self) -> Mapping[str, Sequence[str]]:
        """The uids of the units right below each unit, in the order of their names."""
        made: dict[str, list[str]] = {}
        for unit in self.by_name:
            if unit.level > 1:
                made.setdefault(unit.path.rsplit("/", 2)[-2], []).append(unit.uid)
        return made

    @cached_property
    def _texts(self) -> tuple[str, Sequence[int]]:
        """Name and code of every unit of `by_name`, folded, as one text, and where each begins in it."""
        texts = [f"{unit.name}\n{unit.code or ''}\0".casefold() for unit in self.by_name]
        return "".join(texts), [0, *accumulate(map(len, texts))]

    def called(self, sought: str) -> list[OrgUnit]:
        """Return the units whose name or code has a part `sought`, in any case of letters, or whose uid it is."""
        text, starts = self._texts
        folded, exact = sought.casefold(), self.units.get(sought)
        found: list[OrgUnit] = []
        at = text.find(folded)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            found.append(self.by_name[number])
            at = text.find(folded, starts[number + 1])
        return found if exact is None or exact in found else sorted([*found, exact], key=_by_name)

    @cached_property
    def roots(self) -> Sequence[OrgUnit]:
        """The units without a parent, in the order of their names."""
        return [unit for unit in self.by_name if unit.level == 1]


@dataclass(frozen=True, slots=True)
class Object:
    """One stored object: `type` is the plural (`programs`), `doc` the document as imported. Do not change `doc`."""

    pk: int
    type: str
    uid: str
    code: str | None
    name: str
    doc: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OptionSet:
    """An option set: `options` maps code -> display name, in their order."""

    pk: int
    uid: str
    code: str | None
    name: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DataElement:
    """A data element. `value_type` is one of DHIS2's 27 (see `tracker.validation.value_types`)."""

    pk: int
    uid: str
    code: str | None
    name: str
    value_type: str
    option_set: OptionSet | None
    domain: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A tracked entity attribute. `unique` holds over the whole instance, or per org unit when `org_unit_scope`.

    `pattern` is the TextPattern by which its values are generated, empty when they are not.
    """

    pk: int
    uid: str
    code: str | None
    name: str
    value_type: str
    option_set: OptionSet | None
    unique: bool
    org_unit_scope: bool
    pattern: str
    confidential: bool


@dataclass(frozen=True, slots=True)
class EntityType:
    """A tracked entity type: its attributes (uid -> mandatory) in their order."""

    pk: int
    uid: str
    code: str | None
    name: str
    attributes: Mapping[str, bool]
    feature_type: str


@dataclass(frozen=True, slots=True)
class StageElement:
    """A data element's place in a stage."""

    element: DataElement
    compulsory: bool
    provided_elsewhere: bool
    future_date: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A program stage: `elements` by data element uid, in their order; `program` is the uid of its program."""

    pk: int
    uid: str
    code: str | None
    name: str
    program: str
    elements: Mapping[str, StageElement]
    repeatable: bool
    auto_generate: bool
    open_after_enrollment: bool
    generated_by_enrollment_date: bool
    min_days_from_start: int
    standard_interval: int | None
    validate_always: bool
    user_assignment: bool
    block_entry_form: bool
    feature_type: str
    sort_order: int


@dataclass(frozen=True, slots=True)
class ProgramAttribute:
    """An attribute's place in a program."""

    attribute: Attribute
    mandatory: bool
    future_date: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A program. `org_units` holds uids. `stages` in their order; `registration` false for event programs.

    Events of a period of type `expiry_period` may be written until `expiry_days` after its end, completed ones until
    `complete_expiry_days` after their completion; 0 means for ever. `days_after_options` is how long category options
    may be used after their end.
    """

    pk: int
    uid: str
    code: str | None
    name: str
    registration: bool
    entity_type: EntityType | None
    stages: Mapping[str, Stage]
    attributes: Mapping[str, ProgramAttribute]
    org_units: frozenset[str]
    category_combo: str
    once: bool
    incident_date: bool
    future_enrollment: bool
    future_incident: bool
    feature_type: str
    access_level: str
    expiry_period: str
    expiry_days: int
    complete_expiry_days: int
    days_after_options: int


@dataclass(frozen=True, slots=True)
class CategoryOption:
    """A category option; it may be used from `start` to `end`, both inclusive, where it has them."""

    pk: int
    uid: str
    code: str | None
    name: str
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class OptionCombo:
    """A category option combo: one choice of options (uids) of the category combo `combo` (uid)."""

    pk: int
    uid: str
    code: str | None
    name: str
    combo: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class RelationshipSide:
    """What one side of a relationship may be: `kind` is `trackedEntity`, `enrollment` or `event`; uids, or empty."""

    kind: str
    entity_type: str
    program: str
    stage: str


@dataclass(frozen=True, slots=True)
class RelationshipType:
    """A relationship type."""

    pk: int
    uid: str
    code: str | None
    name: str
    bidirectional: bool
    source: RelationshipSide
    target: RelationshipSide


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything of one metadata version. Mappings are by uid unless said otherwise.

    `uids` gives the uid of any object or org unit by pk. `with_options` are the data elements and attributes that have
    an option set, `confidential` the confidential attributes: most values concern neither.
    """

    version: int
    objects: Mapping[str, Mapping[str, Object]]
    places: Places
    programs: Mapping[str, Program]
    stages: Mapping[str, Stage]
    data_elements: Mapping[str, DataElement]
    attributes: Mapping[str, Attribute]
    entity_types: Mapping[str, EntityType]
    option_sets: Mapping[str, OptionSet]
    relationship_types: Mapping[str, RelationshipType]
    category_options: Mapping[str, CategoryOption]
    option_combos: Mapping[str, OptionCombo]
    with_options: frozenset[str]
    confidential: frozenset[str]
    uids: Mapping[int, str]
    _by_code: Mapping[tuple[str, str], str]
    _by_options: Mapping[tuple[str, frozenset[str]], str]

    @property
    def org_units(self) -> Mapping[str, OrgUnit]:
        """The org units."""
        return self.places.units

    def get(self, type: str, uid: str) -> Object | None:
        """Return the object `uid` of collection `type` (`programs`, `options` …; org units are in `org_units`)."""
        return self.objects.get(type, {}).get(uid)

    def uid_of(self, type: str, key: str) -> str | None:
        """Return the uid that `key` means within `type`: a uid, a code or a name, tried in that order.

        `type` may be `organisationUnits`. None when nothing or, by name, more than one object answers.
        """
        known = self.org_units if type == "organisationUnits" else self.objects.get(type, {})
        return key if key in known else self._by_code.get((type, key)) or None

    def option_combo_of(self, combo: str, options: Iterable[str]) -> str | None:
        """Return the option combo (uid) of category combo `combo` that stands for exactly these options."""
        return self._by_options.get((combo, frozenset(options)))

    def is_default_combo(self, combo: str) -> bool:
        """Tell whether a category combo is the default, which is what programs without one have."""
        found = self.get("categoryCombos", combo)
        return not combo or (found is not None and found.name == "default")

    def programs_at(self, org_unit: str) -> list[Program]:
        """Return the programs assigned to `org_unit` (uid)."""
        return [program for program in self.programs.values() if org_unit in program.org_units]
