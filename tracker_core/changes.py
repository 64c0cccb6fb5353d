"""What a mapping reads out of a document: changes, never ids. `tracker_core.apply` decides which object each one is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tracker_core.issues import Issue
from tracker_core.metadata.importing.options import Options

Method = Literal["put", "create", "merge", "delete", "patch", "retract"]

ANY_VERSION = 0
NO_VERSION = -1
Strategy = Literal["create_and_update", "create", "update", "delete"]
Validation = Literal["full", "fail_fast", "skip"]


@dataclass(slots=True)
class RecordChange:
    """One FHIR record to write.

    `name` is the change's local name within its change set: other documents refer to it as `{"reference": name}`
    (`urn:uuid:…` from a bundle, `#Patient-1` from a message).
    `method`:
      `put`     the whole document under `id` (FHIR update; created when absent);
      `create`  a new record; with `match`, only when nothing matches (FHIR conditional create);
      `merge`   the record of this peer that `match` finds, else a new one: elements present in `document` replace,
                an element that is `None` is removed, identifiers and extensions are united by their keys, inner
                objects and periods are merged the same way, one type of a choice removes the others, elements not
                named stay (HL7v2 `""`, SMS fragments, EMR rows);
      `patch`   `document` is the finished new state of `id`, read under `version`; or, with `edit`, what that function
                makes of the current document of `id` or of what `match` finds (it returns an issue when it cannot);
      `delete`  the record `id` or what `match` finds: one record, unless `every`;
      `retract` what the sender no longer says: every live record of this peer that `match` finds and that no other
                change of the set writes becomes `entered-in-error` and stays readable; nothing when there is none.
                `document` is empty (`{}`). Snapshots use it: a corrected EMR row, DG1 segments of an ADT^A08. With
                `id`, that one record; with `inside` (`Encounter/7`), nothing is looked for when that record is new.
    `document` is JSON as bytes (kept digit for digit) or as a parsed object (decimals as `Decimal`).
    `match` is a FHIR search query without its type (`identifier=urn:x|1`); several mean OR, first hit wins.
    `version` is the version the sender believes current (If-Match); `ANY_VERSION` means whichever, `NO_VERSION` that
    there must be none (If-None-Match: *).
    `where` names the place in the source document for reports (`Bundle.entry[3]`, `PID`, `line 7`).
    Only `merge` uses the next two. `defaults` are top-level elements for a record that is made by this change; a record
    that is already there keeps its own (a constant must not undo a status). `clears` are (list element, example):
    before the document is merged, every item of that list that holds all of the example goes (`("telecom",
    {"use": "home"})`, HL7v2 `""` in PID-13).
    """

    type: str
    document: bytes | dict[str, Any]
    method: Method = "create"
    id: str = ""
    name: str = ""
    match: tuple[str, ...] = ()
    version: int = ANY_VERSION
    where: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    clears: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    edit: Callable[[bytes], bytes | Issue] | None = None
    every: bool = False
    inside: str = ""


@dataclass(slots=True)
class EntityChange:
    """A tracked entity (DHIS2 2.42 tracker object model). Metadata is named by uid.

    What is not named stays as it is: an empty `org_unit`, a missing key of `fields` or `attributes`. `None` clears.
    This holds for enrollments and events too.
    """

    uid: str = ""
    type: str = ""
    org_unit: str = ""
    attributes: dict[str, str | None] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    delete: bool = False
    where: str = ""


@dataclass(slots=True)
class EnrollmentChange:
    """An enrollment. `fields` holds the remaining properties under DHIS2's names (`status`, `occurredAt` …).

    `origin` is the pk of the record that caused it (case finding); at most one live enrollment per program and origin.
    """

    uid: str = ""
    entity: str = ""
    program: str = ""
    org_unit: str = ""
    enrolled_at: str = ""
    attributes: dict[str, str | None] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    origin: int | None = None
    delete: bool = False
    where: str = ""


@dataclass(slots=True)
class EventChange:
    """An event. `data` maps data element uid -> value; `None` clears.

    `origin` is the pk of the Encounter record that caused it; at most one live event per enrollment, stage and origin.
    """

    uid: str = ""
    enrollment: str = ""
    program: str = ""
    stage: str = ""
    org_unit: str = ""
    data: dict[str, str | None] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    origin: int | None = None
    delete: bool = False
    where: str = ""


@dataclass(slots=True)
class RelationshipChange:
    """A relationship; each side is `(kind, uid)` with kind `trackedEntity`, `enrollment` or `event`."""

    uid: str = ""
    type: str = ""
    source: tuple[str, str] = ("", "")
    target: tuple[str, str] = ("", "")
    fields: dict[str, Any] = field(default_factory=dict)
    delete: bool = False
    where: str = ""


@dataclass(slots=True)
class MergeChange:
    """Two records of one sender are one (ADT^A40): search queries for the survivor and the loser.

    `type` is `Patient`, or `Encounter` or `Account` (ADT^A42, A41).
    """

    survivor: str
    loser: str
    where: str = ""
    type: str = "Patient"


@dataclass(slots=True)
class RenumberChange:
    """A record of the sender has another identifier from now on (ADT^A47): `old` becomes `new`, both FHIR Identifiers.

    `old` is kept with `use=old`, so that who still uses it finds the record.
    """

    type: str
    old: dict[str, Any]
    new: dict[str, Any]
    where: str = ""


@dataclass(slots=True)
class MoveChange:
    """What was told of one patient is about another (ADT^A43, A44, A45): queries for what moves, and for the patient.

    `type` `Encounter` or `Account` moves that record with everything that hangs on it; `Patient` moves everything that
    hangs on that Patient record, which itself stays.
    """

    type: str
    query: str
    patient: str
    where: str = ""


@dataclass(slots=True)
class LinkChange:
    """Two Patient records of one sender belong together without being one (ADT^A24), or, `parted`, don't (A37)."""

    one: str
    other: str
    parted: bool = False
    where: str = ""


@dataclass(slots=True)
class RemovalChange:
    """A Patient record of the sender is to be deleted (ADT^A29): a search query for it."""

    query: str
    where: str = ""


@dataclass(slots=True)
class DecisionChange:
    """What a person decided of two Patient records, of whatever sources: they are of one person, or with `undo` not.

    `survivor` and `loser` are search queries as of a `MergeChange`; `result` is the survivor's Patient as it is to be
    after the merge, None to leave it as it is.
    """

    survivor: str
    loser: str
    result: dict[str, Any] | None = None
    undo: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class AggregateTerms:
    """How a document of aggregate values names things, and what it insists on; one object for all its values.

    Schemes are `UID`, `CODE`, `NAME` or `ATTRIBUTE:uid`; an empty one takes uid, code or name, whichever answers.
    `strategy` is DHIS2's importStrategy. `strict` holds the names of DHIS2's strict and require parameters that are on.
    """

    data_element: str = "UID"
    org_unit: str = "UID"
    data_set: str = "UID"
    category_option_combo: str = "UID"
    attribute_option_combo: str = "UID"
    category: str = "UID"
    category_option: str = "UID"
    strategy: Literal["CREATE_AND_UPDATE", "CREATE", "UPDATE", "DELETE"] = "CREATE_AND_UPDATE"
    strict: frozenset[str] = frozenset()


@dataclass(slots=True)
class AggregateChange:
    """One aggregate value, its metadata named as `terms` says; `None` value deletes, an empty one is missing.

    `categories` (category -> option) stands for the category option combo where that is named by its dimensions, and
    `attributes` likewise for the attribute option combo.
    """

    data_element: str
    period: str
    org_unit: str
    value: str | None
    category_option_combo: str = ""
    attribute_option_combo: str = ""
    categories: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    data_set: str = ""
    comment: str | None = None
    follow_up: bool = False
    terms: AggregateTerms = field(default_factory=AggregateTerms)
    where: str = ""


@dataclass(frozen=True, slots=True)
class Schemes:
    """How the tracker items of a document name metadata: `UID`, `CODE`, `NAME` or `ATTRIBUTE:uid` each.

    `other` holds for tracked entity types, their attributes and relationship types.
    """

    data_element: str = "UID"
    org_unit: str = "UID"
    program: str = "UID"
    stage: str = "UID"
    option_combo: str = "UID"
    option: str = "UID"
    other: str = "UID"


UIDS = Schemes()


@dataclass(slots=True)
class PackageChange:
    """Metadata to import: a payload of the shape of DHIS2's `/api/metadata`, and how."""

    payload: dict[str, Any]
    options: Options = field(default_factory=Options)


@dataclass(slots=True)
class ChangeSet:
    """Everything one document asks for, in document order per kind.

    `atomic` false means that each item stands alone (FHIR batch, EMR rows, DHIS2 `atomicMode=OBJECT`).
    The tracker items further obey DHIS2's import parameters: `strategy` says whether an item must be new (`create`),
    must exist (`update`) or goes (`delete`); `validation` `fail_fast` stops at an item's first issue, `skip` checks
    only what the write itself needs. Their metadata is named by `schemes`. With `patterns` generated attributes
    take only values that their pattern makes, or that were reserved.
    """

    records: list[RecordChange] = field(default_factory=list)
    entities: list[EntityChange] = field(default_factory=list)
    enrollments: list[EnrollmentChange] = field(default_factory=list)
    events: list[EventChange] = field(default_factory=list)
    relationships: list[RelationshipChange] = field(default_factory=list)
    renumbers: list[RenumberChange] = field(default_factory=list)
    merges: list[MergeChange] = field(default_factory=list)
    decisions: list[DecisionChange] = field(default_factory=list)
    moves: list[MoveChange] = field(default_factory=list)
    links: list[LinkChange] = field(default_factory=list)
    removals: list[RemovalChange] = field(default_factory=list)
    aggregates: list[AggregateChange] = field(default_factory=list)
    packages: list[PackageChange] = field(default_factory=list)
    atomic: bool = True
    strategy: Strategy = "create_and_update"
    validation: Validation = "full"
    schemes: Schemes = UIDS
    patterns: bool = False
