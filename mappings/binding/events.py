"""The records of one encounter and the event of a stage: read, and written back by the five event rules.

1. Of several records with one code the live one with the latest effective time counts; retracted ones never do.
2. An edited value keeps notes, device, performer, identifiers and extensions; it drops `interpretation`,
   `dataAbsentReason` and the narrative, and turns `final` into `amended`.
3. Clearing a value retracts every live record of that code in the event.
4. In a multi-text the removed option's record is retracted, a new option makes a record, the others are untouched.
5. Deleting an event retracts the records made from it (`retract`); those of others are left alone.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from mappings.binding.grammar import Binding, BoundRow, Stage, Template
from mappings.codecs.codec import merged
from mappings.places import MISSING, Doc
from mappings.scope import Scope, Unfit
from tracker_core.records import definitions

Group: TypeAlias = Mapping[str, list[Doc]]
"""The records of one encounter by type: `{"Encounter": […], "Observation": […], "Condition": […]}`."""

_DEAD = frozenset({"entered-in-error", "cancelled"})
# What conditions and immunizations are there to say; of an observation it is the value.
_FACTS = {
    ("Condition", "code"),
    ("Immunization", "status"),
    ("Immunization", "occurrenceDateTime"),
    ("Immunization", "vaccineCode"),
}
_STALE = ("interpretation", "dataAbsentReason", "text")


@dataclass(slots=True)
class EventReading:
    """What the records say of an event: only what a row names. `None` in `data`: its records were retracted."""

    fields: dict[str, str] = field(default_factory=dict)
    data: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """One record to write: `before` is the record as it was, None for a new one; `after` its new state."""

    type: str
    before: Doc | None
    after: Doc


def select_stages(binding: Binding, group: Group) -> list[Stage]:
    """Return the stages of which the records of one encounter make an event.

    These are all whose test holds; when none does, the one marked `otherwise`, unless it has tests that all fail.
    Which stages these are depends on the records alone, not on the order in which they arrived.
    """
    live = {type: [record for record in records if is_live(record)] for type, records in group.items()}

    def holds(stage: Stage) -> bool:
        return any(test.holds(record) for test in stage.tests for record in live.get(test.type, ()))

    stages = binding.stages.values()
    chosen = [stage for stage in stages if not stage.otherwise and holds(stage)]
    return chosen or [stage for stage in stages if stage.otherwise and (not stage.tests or holds(stage))]


def read_event(stage: Stage, group: Group, scope: Scope) -> EventReading:
    """Read the event of `stage` that these records make. Values that don't fit leave an issue in `scope`."""
    reading = EventReading()
    for row in stage.rows:
        if not row.row.reads:
            continue
        value = read_value(row, group.get(row.type, ()), scope)
        if row.group and value is not MISSING:
            reading.data[row.key] = value
        elif isinstance(value, str):
            reading.fields[row.key] = value
    return reading


def read_value(row: BoundRow, records: Iterable[Doc], scope: Scope) -> Any:
    """Return the text that the records give a row: MISSING where none is the row's, None where none lives any more."""
    mine = [record for record in records if row.claims(record)]
    live = [record for record in mine if is_live(record)]
    if not mine:
        return MISSING
    if row.many:
        texts = dict.fromkeys(text for record in live if (text := text_of(row, record, scope)))
        return ",".join(texts) or None
    return text_of(row, newest(live), scope) if live else None


def text_of(row: BoundRow, record: Doc, scope: Scope) -> str | None:
    """Return the text of a row's place in one record; a value that does not fit leaves an issue and is None."""
    found = row.place.get(record)
    if found is MISSING or found is None:
        return None
    try:
        text: str | None = row.codec.encode(found, scope, None)
    except Unfit as unfit:
        note_unfit(row, unfit, str(found), scope)
        return None
    return text


def write_event(
    stage: Stage, wanted: Mapping[tuple[str, str], str | None], group: Group, links: Mapping[str, Any], scope: Scope
) -> list[Edit]:
    """Return the edits that make the records read as `wanted`: (`dataValues` or empty, key) -> text, None to clear.

    A place that already reads as wanted is not touched. `links` gives new records what their template refers to
    (`person`, `Encounter`, `occurredAt`). Values that no record can hold leave an issue.
    """
    desk = Desk({type: list(records) for type, records in group.items()})
    for row in stage.rows:
        value = wanted.get((row.group, row.key), MISSING)
        if value is MISSING or not row.row.writes:
            continue
        try:
            write_value(row, value or None, desk, stage.templates[row.type], links, scope)
        except Unfit as unfit:
            note_unfit(row, unfit, str(value), scope)
    return desk.edits()


def retract(group: Group, made_here: Iterable[str]) -> list[Edit]:
    """Return the edits that retract the live records whose id is among `made_here` (rule 5)."""
    desk = Desk({type: list(records) for type, records in group.items()})
    ids = set(made_here)
    for type, records in group.items():
        for record in records:
            if record.get("id") in ids and is_live(record):
                withdraw(desk.draft(type, record))
    return desk.edits()


@dataclass(slots=True)
class Desk:
    """The records at hand while an event is written; the first edit of one takes a copy."""

    records: dict[str, list[Doc]]
    originals: dict[int, Doc] = field(default_factory=dict)
    drafts: list[tuple[str, Doc]] = field(default_factory=list)

    def draft(self, type: str, record: Doc) -> Doc:
        """Return the record to change: a copy of `record`, or itself when it is one already."""
        if any(record is draft for _, draft in self.drafts):
            return record
        copy = deepcopy(record)
        self.records[type] = [copy if each is record else each for each in self.records[type]]
        self.originals[id(copy)] = record
        self.drafts.append((type, copy))
        return copy

    def add(self, type: str, record: Doc) -> None:
        """Lay a new record on the desk."""
        self.records.setdefault(type, []).append(record)
        self.drafts.append((type, record))

    def edits(self) -> list[Edit]:
        """Return what changed."""
        pairs = [(type, self.originals.get(id(draft)), draft) for type, draft in self.drafts]
        return [Edit(type, before, after) for type, before, after in pairs if before != after]


def write_value(
    row: BoundRow, wanted: str | None, desk: Desk, template: Template, links: Mapping[str, Any], scope: Scope
) -> None:
    """Make one row read as `wanted`."""
    records = desk.records.get(row.type, [])
    current = read_value(row, records, quiet(scope))
    if (None if current is MISSING else current) == wanted:
        return
    live = [record for record in records if row.claims(record) and is_live(record)]
    if row.many:
        write_options(row, wanted, live, desk, template, links, scope)
    elif wanted is None:
        for record in live:
            clear_value(row, desk.draft(row.type, record))
    elif live:
        amend(row, wanted, desk.draft(row.type, newest(live)), scope)
    else:
        desk.add(row.type, new_record(row, wanted, template, links, scope))


def write_options(
    row: BoundRow, wanted: str | None, live: list[Doc], desk: Desk, template: Template, links: Any, scope: Scope
) -> None:
    """Retract the records of options that are gone and make records of new ones (rule 4)."""
    options = dict.fromkeys(option for option in (wanted or "").split(",") if option)
    fresh = {option: new_record(row, option, template, links, scope) for option in options}
    held = {id(record): text_of(row, record, quiet(scope)) for record in live}
    for record in live:
        text = held[id(record)]
        if text is not None and text not in options:
            clear_value(row, desk.draft(row.type, record))
    for option, record in fresh.items():
        if option not in held.values():
            desk.add(row.type, record)


def amend(row: BoundRow, wanted: str, record: Doc, scope: Scope) -> None:
    """Set a row's place in a record that is there (rule 2)."""
    old = row.place.get(record)
    value = row.codec.decode(wanted, scope, None if old is MISSING else old)
    put(row, record, merged(row.codec, value, old))
    if row.type == "Observation" and holds_fact(row):
        for name in _STALE:
            record.pop(name, None)
        if record.get("status") == "final":
            record["status"] = "amended"


def clear_value(row: BoundRow, record: Doc) -> None:
    """Retract the record whose fact a row is (rule 3); of any other place, remove only that."""
    if holds_fact(row):
        withdraw(record)
    else:
        row.place.drop(record)


def withdraw(record: Doc) -> None:
    """Mark a record as entered in error."""
    if record.get("resourceType") == "Condition":
        system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
        record["verificationStatus"] = {"coding": [{"system": system, "code": "entered-in-error"}]}
        record.pop("clinicalStatus", None)  # con-5: a retracted condition has none
    else:
        record["status"] = "entered-in-error"


def new_record(row: BoundRow, wanted: str, template: Template, links: Mapping[str, Any], scope: Scope) -> Doc:
    """Return a record that says what the row wants, and beside it what the stage's template says."""
    record: Doc = {"resourceType": row.type}
    value = row.codec.decode(wanted, scope, None)
    for put_literal in template.literals:
        put_literal(record)
    for name, place in template.links:
        link = links.get(name)
        if link is not None:
            place.put(record, deepcopy(link))
    row.stamp(record)
    put(row, record, value)
    return record


def put(row: BoundRow, record: Doc, value: Any) -> None:
    """Put a value; another variant of the same choice would contradict it and goes."""
    first = row.place.path.steps[0].name
    choice = definitions.elements(row.type)[first].choice
    if choice:
        for name, element in definitions.elements(row.type).items():
            if element.choice == choice and name != first:
                record.pop(name, None)
    row.place.put(record, value)


def holds_fact(row: BoundRow) -> bool:
    """Tell whether a row's place is what its record is there to say."""
    if row.type == "Observation":
        return row.place.path.steps[0].name.startswith(("value", "component"))
    return (row.type, row.place.path.steps[0].name) in _FACTS


def coding_of(row: BoundRow) -> tuple[dict[str, str], str]:
    """Return the code of the Observation whose value a row is, and the unit of a Quantity; empty where none is."""
    record: Doc = {}
    row.stamp(record)
    codings = (record.get("code") or {}).get("coding") or [{}]
    kind, _, unit = row.codec.name.partition(":")
    return (dict(codings[0]) if holds_fact(row) else {}), unit if kind == "quantity" else ""


def is_live(record: Doc) -> bool:
    """Tell whether a record still says something: neither retracted nor cancelled."""
    if record.get("resourceType") == "Condition":
        codings = (record.get("verificationStatus") or {}).get("coding") or ()
        return all(coding.get("code") != "entered-in-error" for coding in codings)
    return record.get("status") not in _DEAD or record.get("resourceType") == "Encounter"


def newest(records: list[Doc]) -> Doc:
    """Return the record with the latest effective time, of equals the last."""
    return max(enumerate(records), key=lambda pair: (effective(pair[1]), pair[0]))[1]


def effective(record: Doc) -> str:
    """Return when a record's fact held, as text that compares by time."""
    period = record.get("effectivePeriod") or record.get("period") or {}
    times = (record.get("effectiveDateTime"), record.get("effectiveInstant"), period.get("start"))
    others = (
        record.get("occurrenceDateTime"),
        record.get("onsetDateTime"),
        record.get("recordedDate"),
        record.get("issued"),
    )
    return comparable(next((str(time) for time in (*times, *others) if time), ""))


def comparable(time: str) -> str:
    """Return a FHIR date or time in UTC; what is no time with offset stays as it is."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return time
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else time


def quiet(scope: Scope) -> Scope:
    """Return a scope like `scope` whose issues nobody hears."""
    return Scope(profile=scope.profile, quiet=True)


def note_unfit(row: BoundRow, unfit: Unfit, value: str, scope: Scope) -> None:
    """Add the issue of a value that a row could not carry."""
    if not scope.quiet:
        scope.issues.append(unfit.issue("warning", scope.where or row.row.left, value, str(row.row)))
