"""The binding file: what it may say, checked and compiled when it is loaded.

    binding NAME
    program KEY                                     uid, code or name of the program
    valueset NAME SYSTEM code-or-range…             ICD-10 knows ranges and chapters
    concepts NAME SYSTEM                            then indented lines, see `options`
    case TEST enrol …                               see `definitions`, as are the next two
    class CLASS TEST
    classify STAGE DATAELEMENT [CONCEPTS]
    schedule STAGE N… days                          visits made by an enrolment, days after it
    person                                          rows: attributes.CODE <-> path in Patient
    enrolment                                       rows: status … <-> path in EpisodeOfCare
    stage NAME [TEST [or TEST]…] [otherwise]
        rows: occurredAt, status, dataValues.CODE <-> Type[selector].path; new Type key=value…

A stage without test takes no records by itself; `otherwise` takes those of an encounter that no test of the binding
takes. `Condition` without selector is the diagnosis that makes the case. Sections of one name go on where the earlier
one stopped.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mappings.binding.codecs import find_codec
from mappings.binding.definitions import CLASSES, GROUPED, Case, Rule, Test, parse_case, parse_rule, parse_test
from mappings.binding.options import OptionMap, parse_options
from mappings.codecs.codec import Codec
from mappings.naming import expand
from mappings.paths import DOCUMENT, BadRow, Path, matcher, parse_key, parse_path, stamper
from mappings.places import Doc, Place, compile_place
from mappings.rows import Line, Row, Section, read_sections
from terminology.icd10 import SYSTEM, SYSTEM_CM, read_ranges
from terminology.value_sets import Include, ValueSet

_FIELDS = {
    "person": frozenset(),
    "enrolment": frozenset({"status", "enrolledAt", "occurredAt", "completedAt", "classification"}),
    "stage": frozenset({"status", "occurredAt", "scheduledAt", "completedAt"}),
}
_GROUPS = {"person": "attributes", "enrolment": "attributes", "stage": "dataValues"}


@dataclass(frozen=True, slots=True, eq=False)
class BoundRow:
    """One row: a tracker value (`group` `dataValues` or `attributes` and a `key`; or a field, `group` empty)
    and its place in a record.

    `claims` tells whether a record is the row's; `many` says that each of several records holds one option.
    """

    row: Row
    group: str
    key: str
    type: str
    claims: Callable[[object], bool]
    stamp: Callable[[Doc], None]
    many: bool
    place: Place
    codec: Codec


@dataclass(frozen=True, slots=True)
class Template:
    """`new Type key=value…`: what a record made from a tracker value says beside it."""

    type: str
    literals: tuple[Callable[[Doc], None], ...]
    links: tuple[tuple[str, Place], ...]


@dataclass(slots=True)
class Stage:
    """A program stage: which records make an event of it, and its rows."""

    name: str
    tests: tuple[Test, ...] = ()
    otherwise: bool = False
    rows: list[BoundRow] = field(default_factory=list)
    templates: dict[str, Template] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Classified:
    """Where the class of an episode is kept as a value: a stage, a data element, and its options if it has any."""

    stage: str
    element: str
    options: OptionMap | None = None

    def value_of(self, name: str) -> str:
        """Return the value that says a class."""
        return (self.options.option_of({"code": name}) if self.options else None) or name


@dataclass(slots=True)
class Binding:
    """One compiled binding. `program` is empty for a binding of persons only; `schedule` is (stage, days) pairs."""

    name: str
    program: str = ""
    value_sets: dict[str, ValueSet] = field(default_factory=dict)
    concepts: dict[str, OptionMap] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    classified: Classified | None = None
    schedule: list[tuple[str, int]] = field(default_factory=list)
    person: list[BoundRow] = field(default_factory=list)
    enrolment: list[BoundRow] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)


def parse_binding(text: str, name: str) -> Binding:
    """Parse and check the file `name`. Raises `BadRow` with file and line for whatever the language refuses."""
    sections = read_sections(text, name)
    if not sections or sections[0].heading[0] != "binding" or len(sections[0].heading) != 2:
        raise BadRow(f"{name}: the first line must be: binding NAME")
    binding = Binding(sections[0].heading[1])
    for section in sorted(sections[1:], key=_declared_first):
        reader = _SECTIONS.get(section.heading[0])
        if reader is None:
            raise BadRow(f"{name}:{section.line}: {section.heading[0]!r} begins nothing in a binding")
        try:
            reader(binding, section, name)
        except (BadRow, ValueError) as bad:
            text = str(bad)
            raise BadRow(text if text.startswith(f"{name}:") else f"{name}:{section.line}: {text}") from None
    _check(binding, name)
    return binding


def _declared_first(section: Section) -> int:
    return 0 if section.heading[0] in ("valueset", "concepts", "program") else 1


def _read_program(binding: Binding, section: Section, _name: str) -> None:
    (binding.program,) = _words(section, 1)


def _read_value_set(binding: Binding, section: Section, _name: str) -> None:
    title, system, *parts = section.heading[1:]
    system = expand(system)
    if system == SYSTEM:
        ranges = read_ranges(" ".join(parts))
        includes = tuple(Include(each, ranges) for each in (SYSTEM, SYSTEM_CM))
    else:
        includes = (Include(system, codes=frozenset(parts)),)
    binding.value_sets[title] = ValueSet(f"urn:tracker-hub:valueset:{title}", title, includes)


def _read_concepts(binding: Binding, section: Section, _name: str) -> None:
    title, system = _words(section, 2)
    binding.concepts[title] = parse_options(title, system, section.others)


def _read_case(binding: Binding, section: Section, _name: str) -> None:
    binding.cases.append(parse_case(list(section.heading[1:]), binding.value_sets))


def _read_rule(binding: Binding, section: Section, _name: str) -> None:
    binding.rules.append(parse_rule(list(section.heading[1:]), binding.value_sets))


def _read_classified(binding: Binding, section: Section, _name: str) -> None:
    stage, element, *maps = section.heading[1:]
    if len(maps) > 1 or any(name not in binding.concepts for name in maps) or binding.classified:
        raise BadRow("one line reads: classify STAGE DATAELEMENT [CONCEPTS]")
    options = binding.concepts[maps[0]] if maps else None
    if options and any(options.option_of({"code": name}) is None for name in CLASSES):
        raise BadRow(f"the concepts {options.name} must name {', '.join(CLASSES)}")
    binding.classified = Classified(stage, element, options)


def _read_schedule(binding: Binding, section: Section, _name: str) -> None:
    stage, *days, unit = section.heading[1:]
    if unit != "days" or not days:
        raise BadRow("a schedule reads: schedule STAGE N… days")
    binding.schedule += [(stage, int(day)) for day in days]


def _read_person(binding: Binding, section: Section, _name: str) -> None:
    binding.person += [_compile_row(binding, row, "person", "Patient") for row in section.rows]


def _read_enrolment(binding: Binding, section: Section, _name: str) -> None:
    binding.enrolment += [_compile_row(binding, row, "enrolment", "EpisodeOfCare") for row in section.rows]


def _read_stage(binding: Binding, section: Section, name: str) -> None:
    title, *rest = section.heading[1:]
    stage = binding.stages.setdefault(title, Stage(title))
    if rest[-1:] == ["otherwise"]:
        stage.otherwise, rest = True, rest[:-1]
    if rest:
        stage.tests += tuple(parse_test(part, binding.value_sets) for part in _split(rest, "or"))
    stage.rows += [_compile_row(binding, row, "stage", DOCUMENT) for row in section.rows]
    for line in section.others:
        template = _template(line, name)
        stage.templates[template.type] = template


def _compile_row(binding: Binding, row: Row, section: str, structure: str) -> BoundRow:
    group, key = _target(row, section)
    if row.tests or row.constant is not None:
        raise BadRow(f"{row}: rows of a binding have neither conditions nor constants")
    try:
        path = parse_path(row.right, structure)
        codec = find_codec(row.codec, binding.concepts)
    except BadRow as bad:
        raise BadRow(f"{row}: {bad}") from None
    if structure != DOCUMENT:
        if path.star >= 0:
            raise BadRow(f"{row}: `*` is only for the records of an event")
        return BoundRow(row, group, key, structure, _anything, _nothing, False, compile_place(path), codec)
    first, rest = path.steps[0], path.steps[1:]
    if first.name not in GROUPED or not rest or any(step.every for step in rest):
        raise BadRow(f"{row}: {row.right} names no element of {', '.join(GROUPED)}")
    claims, stamp = (matcher(first.keys), stamper(first.keys)) if first.keys else (_anything, _nothing)
    if first.name == "Condition" and not first.keys:
        claims = partial(_makes_case, binding.cases)
    place = compile_place(Path(row.right, first.name, rest))
    return BoundRow(row, group, key, first.name, claims, stamp, first.every, place, codec)


def _target(row: Row, section: str) -> tuple[str, str]:
    group, dot, key = row.left.partition(".")
    if dot and group == _GROUPS[section]:
        return group, key
    if not dot and group in _FIELDS[section]:
        return "", group
    raise BadRow(f"{row}: {row.left} is no value of a {section}")


def _template(line: Line, name: str) -> Template:
    where = f"{name}:{line.number}"
    if line.words[0] != "new" or len(line.words) < 2 or line.words[1] not in GROUPED:
        raise BadRow(f"{where}: {' '.join(line.words)!r} is neither a row nor new {'|'.join(GROUPED)}")
    type = line.words[1]
    literals, links = [], []
    for word in line.words[2:]:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise BadRow(f"{where}: {word!r} sets nothing")
        try:
            if value.startswith("@"):
                links.append((value[1:], compile_place(parse_path(key, type))))
            else:
                literals.append(stamper((parse_key(word, type, word),)))
        except BadRow as bad:
            raise BadRow(f"{where}: {bad}") from None
    return Template(type, tuple(literals), tuple(links))


def _check(binding: Binding, name: str) -> None:
    """Refuse what no single line shows."""
    if (binding.cases or binding.rules or binding.stages or binding.schedule) and not binding.program:
        raise BadRow(f"{name}: cases and stages need a program")
    if binding.classified and binding.classified.stage not in binding.stages:
        raise BadRow(f"{name}: there is no stage {binding.classified.stage} to classify")
    if sum(stage.otherwise for stage in binding.stages.values()) > 1:
        raise BadRow(f"{name}: only one stage can be the one otherwise")
    for stage in binding.stages.values():
        _check_rows(stage.rows, name)
        for row in stage.rows:
            if row.row.writes and row.type not in stage.templates:
                raise BadRow(f"{row.row}: without `new {row.type} …` nothing can be written")
    _check_rows(binding.person, name)
    _check_rows(binding.enrolment, name)


def _check_rows(rows: Iterable[BoundRow], name: str) -> None:
    ways: dict[Any, Row] = {}
    for bound in rows:
        for side in (("left", bound.group, bound.key), ("right", bound.row.right)):
            if bound.row.arrow == "<->" and ways.setdefault(side, bound.row) is not bound.row:
                raise BadRow(f"{bound.row}: {ways[side]} already goes both ways in {name}")


def _words(section: Section, count: int) -> tuple[str, ...]:
    words = section.heading[1:]
    if len(words) != count:
        raise BadRow(f"{' '.join(section.heading)!r}: {count} words belong behind {section.heading[0]}")
    return words


def _split(words: list[str], at: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == at:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _makes_case(cases: list[Case], record: object) -> bool:
    """Tell whether a condition meets a case definition; without any definition, every condition is as good."""
    tests = [case.test for case in cases if case.test.type == "Condition"]
    return not tests or (isinstance(record, dict) and any(test.holds(record) for test in tests))


def _anything(_record: object) -> bool:
    return True


def _nothing(_record: Doc) -> None:
    return None


_SECTIONS: dict[str, Callable[[Binding, Section, str], None]] = {
    "program": _read_program,
    "valueset": _read_value_set,
    "concepts": _read_concepts,
    "case": _read_case,
    "class": _read_rule,
    "classify": _read_classified,
    "schedule": _read_schedule,
    "person": _read_person,
    "enrolment": _read_enrolment,
    "stage": _read_stage,
}
