"""What a case report counts: which facts, in which groups, by which dates and facilities, and into which data elements.

A definition is a JSON document, stored with a version; every submission keeps the one it was made with.
"""

from dataclasses import dataclass
from typing import Any

from tracker_core import periods
from tracker_core.aggregates import ages, codes
from tracker_core.aggregates.ages import UNKNOWN, AgeGroup
from tracker_core.aggregates.codes import CodeRange
from tracker_core.issues import Issue

_UNITS = {
    "diagnoses": ("conditions", "encounters", "persons"),
    "enrollments": ("enrollments", "persons"),
    "events": ("events", "enrollments", "persons"),
}
_DATES = {"diagnoses": ("visit",), "enrollments": ("enrolledAt", "occurredAt"), "events": ("occurredAt", "scheduledAt")}
_PLACES = {
    "diagnoses": ("visit", "registration"),
    "enrollments": ("enrollment", "registration"),
    "events": ("event", "enrollment", "registration"),
}
_SEXES = ("M", "F", "O", UNKNOWN)


@dataclass(frozen=True, slots=True)
class Source:
    """Where cases come from, and what is counted of them.

    `kind`   `diagnoses` (ICD-10 codings of Condition records), `enrollments` or `events` of `program`;
    `count`  the unit that is counted once: conditions, encounters, enrollments, events or persons. A person is counted
             once per group, org unit and period, at the age of the first fact;
    `date`   which date places the fact in a period, and at which the age is taken;
    `place`  whose org unit the fact counts for: that of the visit, event or enrollment, or where the person registered;
    `element` the data element of an event that holds the ICD-10 code, needed where groups have codes;
    `birth_date`, `sex` the tracked entity attributes to read before the person's Patient records are asked;
    `statuses` of enrollments or events that count; all but cancelled, skipped and planned ones when empty.
    """

    kind: str
    count: str
    date: str
    place: str
    program: str = ""
    stage: str = ""
    element: str = ""
    birth_date: str = ""
    sex: str = ""
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """One data element of the report and the codes that count for it; no codes: every fact of the source."""

    data_element: str
    ranges: tuple[CodeRange, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """One disaggregation: its DHIS2 category, and for each of our values (`M`, `P0Y--P5Y`) the category option."""

    category: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class Definition:
    """A case report. Metadata is named by uid or code.

    `empty` says what becomes of a cell that loses its last case: `zero` (value 0) or `delete`.
    `zeros` reports every cell of every org unit that reports at all, 0 where there was no case.
    """

    code: str
    name: str
    data_set: str
    period_type: str
    source: Source
    groups: tuple[Group, ...]
    age: Axis | None
    age_groups: tuple[AgeGroup, ...]
    sex: Axis | None
    empty: str
    zeros: bool


def parse(doc: Any) -> tuple[Definition | None, list[Issue]]:
    """Read a definition document; without errors among the issues there is a definition."""
    if not isinstance(doc, dict):
        return None, [Issue("report-definition", "a definition is a JSON object")]
    missing = [name for name in ("code", "dataSet") if not _text(doc, name)]
    issues = [Issue("required", f"{name} is missing", where=name) for name in missing]
    period_type = _choice(doc, "periodType", periods.TYPES, "Monthly", issues)
    empty = _choice(doc, "empty", ("zero", "delete"), "zero", issues)
    source = _source(doc.get("source"), issues)
    groups = tuple(_group(item, n, source, issues) for n, item in enumerate(_items(doc, "groups", issues)))
    age, sex = _axis(doc, "age", issues), _axis(doc, "sex", issues)
    age_groups = _age_groups(age, issues)
    if sex and not set(sex.options) <= set(_SEXES):
        issues.append(Issue("report-sex", f"a sex is one of {', '.join(_SEXES)}", where="sex.options"))
    if issues:
        return None, issues
    name = _text(doc, "name") or _text(doc, "code")
    zeros = doc.get("zeros") is True
    definition = Definition(
        _text(doc, "code"), name, _text(doc, "dataSet"), period_type, source, groups, age, age_groups, sex,
        empty, zeros,
    )  # fmt: skip
    return definition, []


def _source(doc: Any, issues: list[Issue]) -> Source:
    doc = doc if isinstance(doc, dict) else {}
    kind = _choice(doc, "kind", tuple(_UNITS), "", issues, "source.")
    known = kind if kind in _UNITS else "diagnoses"
    if kind in {"enrollments", "events"} and not _text(doc, "program"):
        issues.append(Issue("required", "source.program is missing", where="source.program"))
    return Source(
        kind=known,
        count=_choice(doc, "count", _UNITS[known], "", issues, "source."),
        date=_choice(doc, "date", _DATES[known], _DATES[known][0], issues, "source."),
        place=_choice(doc, "place", _PLACES[known], "", issues, "source."),
        program=_text(doc, "program"),
        stage=_text(doc, "stage"),
        element=_text(doc, "element"),
        birth_date=_text(doc, "birthDate"),
        sex=_text(doc, "sex"),
        statuses=tuple(str(status) for status in doc.get("statuses") or ()),
    )


def _group(item: Any, n: int, source: Source, issues: list[Issue]) -> Group:
    item = item if isinstance(item, dict) else {}
    where = f"groups[{n}]"
    element = _text(item, "dataElement")
    if not element:
        issues.append(Issue("required", f"{where}.dataElement is missing", where=f"{where}.dataElement"))
    texts = [str(code) for code in item.get("codes") or ()]
    ranges = [codes.parse(text) for text in texts]
    issues.extend(
        Issue("report-codes", "not an ICD-10 code or range of codes", where=f"{where}.codes", value=text)
        for text, read in zip(texts, ranges, strict=True)
        if read is None
    )
    if source.kind == "diagnoses" and not texts:
        issues.append(Issue("required", f"{where}.codes is missing", where=f"{where}.codes"))
    if texts and (source.kind == "enrollments" or (source.kind == "events" and not source.element)):
        issues.append(Issue("report-codes", "codes need a source that holds codes", where=f"{where}.codes"))
    return Group(element, tuple(read for read in ranges if read))


def _axis(doc: dict[str, Any], name: str, issues: list[Issue]) -> Axis | None:
    item = doc.get(name)
    if item is None:
        return None
    options = item.get("options") if isinstance(item, dict) else None
    if isinstance(options, list):
        options = {str(option): str(option) for option in options}
    if not isinstance(options, dict) or not options or not _text(item, "category"):
        issues.append(Issue("report-axis", f"{name} needs a category and options", where=name))
        return None
    return Axis(_text(item, "category"), {str(ours): str(theirs) for ours, theirs in options.items()})


def _age_groups(axis: Axis | None, issues: list[Issue]) -> tuple[AgeGroup, ...]:
    texts = [text for text in (axis.options if axis else ()) if text != UNKNOWN]
    read = [ages.parse(text) for text in texts]
    issues.extend(
        Issue("report-age", "not an ADX age code such as P1Y--P5Y", where="age.options", value=text)
        for text, group in zip(texts, read, strict=True)
        if group is None
    )
    groups = [group for group in read if group]
    issues.extend(
        Issue("report-age", f"age groups overlap: {one} and {other}", where="age.options")
        for one, other in ages.overlapping(groups)
    )
    return tuple(groups)


def _items(doc: dict[str, Any], name: str, issues: list[Issue]) -> list[Any]:
    items = doc.get(name)
    if isinstance(items, list) and items:
        return items
    issues.append(Issue("required", f"{name} is missing", where=name))
    return []


def _text(doc: Any, name: str) -> str:
    value = doc.get(name) if isinstance(doc, dict) else None
    return value if isinstance(value, str) else ""


def _choice(
    doc: dict[str, Any], name: str, allowed: tuple[str, ...], default: str, issues: list[Issue], prefix: str = ""
) -> str:
    value = doc.get(name, default)
    if value not in allowed:
        text = f"{prefix}{name} is one of {', '.join(allowed)}"
        issues.append(Issue("report-choice", text, where=prefix + name, value=str(value)))
    return str(value)
