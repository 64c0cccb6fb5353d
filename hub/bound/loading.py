"""Bindings as they stand: shipped files and stored ones, parsed once, tied to the metadata of this hub."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from threading import Lock
from typing import Any

from mappings.binding import Binding, Stage, default_text, parse_binding
from mappings.binding.checking import problems_of
from mappings.binding.grammar import BoundRow
from tracker_core import identity, metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.issues import Issue
from tracker_core.metadata import Attribute, Metadata, Program
from tracker_core.metadata import Stage as ProgramStage
from tracker_core.metadata.importing.writing import delete

_KEPT = 4
_loaded: OrderedDict[tuple[str, int, str], tuple[int, tuple["Bound", ...]]] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class BoundStage:
    """A stage of a binding with its stage in the metadata: `elements` maps a row's key to the data element's uid."""

    rules: Stage
    stage: ProgramStage
    elements: dict[str, str]


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding tied to metadata. `program` is None for one of persons only, or whose program is not here (yet).

    `attributes` maps a row's key to the attribute; `classified` are the uids of the stage and the data element that
    hold the class of an episode; `issues` tell what the metadata does not have. `derived` is one that no file
    gave: it is made of the program's metadata alone.
    """

    binding: Binding
    program: Program | None
    stages: dict[str, BoundStage]
    attributes: dict[str, Attribute]
    person: tuple[BoundRow, ...]
    classified: tuple[str, str] | None = None
    issues: tuple[Issue, ...] = field(default=())
    derived: bool = False

    def stage_of(self, uid: str) -> BoundStage | None:
        """Return the bound stage of a program stage's uid."""
        return next((bound for bound in self.stages.values() if bound.stage.uid == uid), None)


def current(session: Session) -> tuple[Bound, ...]:
    """Return the bindings of this hub, shipped ones first; a stored one replaces the shipped one of its name.

    Kept per process until the metadata changes; storing a binding is such a change.
    """
    known = metadata.load(session)
    database = (session.info.host, session.info.port, session.info.dbname)
    kept = _loaded.get(database)
    if kept is not None and kept[0] == known.version:
        return kept[1]
    given = [_tie(_parsed(text, name), known) for name, (text, _) in texts(session).items()]
    fresh = (*_completed(known, given), *_derive(known, given))
    with _lock:
        _loaded[database] = (known.version, fresh)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return fresh


def save(session: Session, context: Context, text: str, name: str) -> Bound:
    """Store the binding file `text` under `name`, in effect from the next message on; return it tied to the metadata.

    Raises `Malformed` with file, line and reason when the language refuses it.
    """
    tied = tie(session, text, name)
    document: dict[str, Any] = {"code": name, "name": name, "text": text}
    report = metadata.import_objects(session, context, {"bindings": [document]})
    if report.errors:
        raise Malformed(report.errors[0].text)
    return _tie(tied.binding, metadata.load(session))


def remove(session: Session, context: Context, name: str) -> None:
    """Remove a stored binding: a shipped one of its name is in effect again. Raises `NotFound`."""
    uid = metadata.load(session).uid_of("bindings", name)
    if uid is None:
        raise NotFound(f"no binding {name} is stored")
    delete(session, context, [("bindings", uid)])
    metadata.bump(session)


def tie(session: Session, text: str, name: str) -> Bound:
    """Return the binding file `text` tied to the metadata, without storing it.

    Raises `Malformed` with file, line and reason for everything that the language refuses.
    """
    problems = problems_of(text, f"{name}.map")
    if problems:
        raise Malformed("; ".join(problems))
    return _tie(_parsed(text, name), metadata.load(session))


def texts(session: Session) -> dict[str, tuple[str, str]]:
    """Return the text of every binding by name, and where it comes from: `shipped` or `stored`."""
    found = {name: (text, "shipped") for name, text in _shipped()}
    for stored in metadata.load(session).objects.get("bindings", {}).values():
        found[str(stored.code)] = (str(stored.doc["text"]), "stored")
    return found


def find(session: Session, name: str) -> Bound:
    """Return the binding called `name` as it stands. Raises `NotFound`."""
    wanted = dict(zip(texts(session), current(session), strict=False))
    if name not in wanted:
        raise NotFound(f"there is no binding {name}")
    return wanted[name]


def share_identifier(session: Session, context: Context, system: str, attribute: str = "NATIONAL_ID") -> Bound:
    """Declare an identifier system that several sources share, and let it fill this attribute (uid or code)."""
    identity.trust(session, [system], context.actor)
    name = f"identifier-{attribute.lower()}"
    rows = f"attributes.{attribute} <-> identifier[system={system}].value\n"
    return save(session, context, f"binding {name}\nperson\n{rows}", name)


def _derive(known: Metadata, given: Iterable[Bound]) -> Iterator[Bound]:
    """Yield a binding for every program that no file binds."""
    bound = {one.program.uid for one in given if one.program}
    for program in known.programs.values():
        if program.uid not in bound:
            yield _default(known, program)


def _default(known: Metadata, program: Program) -> Bound:
    return replace(_tie(_parsed(default_text(program), f"program-{program.uid}"), known), derived=True)


def _completed(known: Metadata, given: Iterable[Bound]) -> Iterator[Bound]:
    """Yield the bindings, each with what no file says of its program: the enrolment, and stages, as by default."""
    said: dict[str, set[str]] = {}
    enrolled = {one.program.uid for one in given if one.program and one.binding.enrolment}
    for one in given:
        if one.program:
            said.setdefault(one.program.uid, set()).update(stage.stage.uid for stage in one.stages.values())
    for one in given:
        if one.program is None:
            yield one
            continue
        default, uid = _default(known, one.program), one.program.uid
        rest = {name: stage for name, stage in default.stages.items() if stage.stage.uid not in said[uid]}
        said[uid].update(stage.stage.uid for stage in rest.values())
        binding = one.binding
        if uid not in enrolled:
            enrolled.add(uid)
            binding = replace(binding, enrolment=default.binding.enrolment)
        yield replace(one, binding=binding, stages={**one.stages, **rest})


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[str, str], ...]:
    folder = resources.files("mappings") / "tables" / "bindings"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".map")), key=lambda file: file.name)
    return tuple((file.name.removesuffix(".map"), file.read_text("utf-8")) for file in files)


@lru_cache(maxsize=1024)
def _parsed(text: str, name: str) -> Binding:
    return parse_binding(text, f"{name}.map")


def _tie(binding: Binding, known: Metadata) -> Bound:
    """Look up everything that the binding names; what is not here is left out and told."""
    issues: list[Issue] = []
    program = known.programs.get(known.uid_of("programs", binding.program) or "") if binding.program else None
    if binding.program and program is None:
        issues.append(_absent(binding, "program", binding.program))
    attributes = {}
    for row in binding.person:
        found = known.attributes.get(known.uid_of("trackedEntityAttributes", row.key) or "")
        if found is None:
            issues.append(_absent(binding, "attribute", row.key, str(row.row)))
        else:
            attributes[row.key] = found
    stages: dict[str, BoundStage] = {}
    for name, rules in binding.stages.items() if program else ():
        stage = _find_stage(program, name) if program else None
        if stage is None:
            issues.append(_absent(binding, "stage", name))
        else:
            stages[name] = BoundStage(rules, stage, _elements(binding, rules, stage, issues))
    person = tuple(row for row in binding.person if row.key in attributes)
    classified = _classified(binding, stages, issues)
    return Bound(binding, program, stages, attributes, person, classified, tuple(issues))


def _classified(binding: Binding, stages: dict[str, BoundStage], issues: list[Issue]) -> tuple[str, str] | None:
    told = binding.classified
    stage = stages[told.stage].stage if told and told.stage in stages else None
    if told is None or stage is None:
        return None
    for uid, bond in stage.elements.items():
        if told.element in (uid, bond.element.code):
            return stage.uid, uid
    issues.append(_absent(binding, f"data element of {told.stage}", told.element))
    return None


def _find_stage(program: Program, key: str) -> ProgramStage | None:
    return next((stage for stage in program.stages.values() if key in (stage.uid, stage.code, stage.name)), None)


def _elements(binding: Binding, rules: Stage, stage: ProgramStage, issues: list[Issue]) -> dict[str, str]:
    by_key = {key: uid for uid, bond in stage.elements.items() for key in (uid, bond.element.code) if key}
    absent = [row for row in rules.rows if row.group and row.key not in by_key]
    issues += [_absent(binding, f"data element of {rules.name}", row.key, str(row.row)) for row in absent]
    return {row.key: by_key[row.key] for row in rules.rows if row.group and row.key in by_key}


def _absent(binding: Binding, what: str, key: str, row: str = "") -> Issue:
    text = f"the binding {binding.name} names the {what} {key}, which the metadata does not have"
    return Issue("unbound", text, "warning", value=key, row=row)
