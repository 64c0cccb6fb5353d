"""The mapping table of an EMR: found by its peer's settings, compiled once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mappings
from mappings.codecs.cells import cell_codecs
from mappings.concepts import ConceptMap, parse_concept_map
from mappings.flat import FlatTable, compile_flat
from mappings.library import edition
from mappings.paths import BadRow
from tracker_core.context import Peer
from tracker_core.errors import Unsupported

FOLDER = Path(mappings.__file__).parent / "tables" / "emr"
DEFAULT = "visits"
PATIENT_SYSTEM = "hub:patient-number"
_NEEDED = (
    f"Patient.identifier[system={PATIENT_SYSTEM}].value",
    "Encounter.identifier[system=hub:visit-number].value",
    "Encounter.period.start",
)
_NAME = re.compile(r"[\w-]+(/[\w-]+)?")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A table with what rows of it need besides: the code of the Observation that each column of one is about.

    `keys` are the columns of identifiers; `nothing` are the words that say a cell is empty. `edition` names what
    the tables and the overlay said when they were compiled.
    """

    table: FlatTable
    observations: Mapping[str, str]
    diagnoses: frozenset[str]
    keys: frozenset[str] = frozenset()
    nothing: frozenset[str] = frozenset()
    edition: str = ""

    def column_of(self, record: str, about: str) -> str:
        """Return the column that a record's element or code is read from, empty when none is."""
        if record == "Observation" and self.observations:
            return next((column for column, code in self.observations.items() if code == about), "")
        if record == "Condition" and self.diagnoses:
            return min(self.diagnoses)
        prefix = f"{record}.{about}" if record not in ("Observation", "Condition") else f"{record}.code"
        rules = (rule for rule in self.table.rules if rule.columns and rule.row.right.startswith(prefix))
        return next((rule.columns[0] for rule in rules), "")


def layout_of(peer: Peer, table: str = "") -> Layout:
    """Return the layout that `table` names, else the peer's settings.

    `table` (default `visits`) is a file of the built-in folder or of `overlay`, a folder whose file of that name is
    laid over the built-in one; `dates` are forms (`%d/%m/%Y`) that are read beside ISO, `nothing` are words that say
    no more than an empty cell (`NULL`). Raises Unsupported when there
    is no such table or it does not compile: the peer is misconfigured.
    """
    settings = peer.settings
    name, overlay = table or str(settings.get("table", DEFAULT)), str(settings.get("overlay", ""))
    try:
        return _layout(name, overlay, tuple(settings.get("dates", ())), tuple(settings.get("nothing", ())))
    except BadRow as bad:
        raise Unsupported(f"the table {name} of {peer.code} is not usable: {bad}") from bad


@lru_cache(maxsize=64)
def _layout(name: str, overlay: str, dates: tuple[str, ...], nothing: tuple[str, ...] = ()) -> Layout:
    base, over = _text(FOLDER, name), _text(Path(overlay), name) if overlay else ""
    if not base and not over:
        raise BadRow("there is no such table")
    find_codec = cell_codecs(_concept_maps(overlay), dates)
    table = compile_flat(base or over, f"emr/{name}", find_codec, over if base else "")
    return _of_table(table, nothing, [Path(overlay)] if overlay else [])


def compile_layout(text: str, name: str, overlay: str = "") -> Layout:
    """Return the layout of a table file that is no peer's yet. Raises `BadRow` with file and line for a wrong row."""
    return _of_table(compile_flat(text, name, cell_codecs(_concept_maps(overlay))))


def check_all() -> int:
    """Compile every built-in table; return how many there are. Raises `BadRow` for the first that does not fit."""
    names = [path.relative_to(FOLDER).with_suffix("") for path in sorted(FOLDER.rglob("*.map"))]
    tables = [name.as_posix() for name in names if name.parts[0] != "concepts"]
    return len([_layout(name, "", ()) for name in tables])


def _of_table(table: FlatTable, nothing: tuple[str, ...] = (), overlays: Sequence[Path] = ()) -> Layout:
    rights = {rule.row.right for rule in table.rules if rule.row.reads}
    absent = [] if table.facts.records else [path for path in _NEEDED if path not in rights]
    if absent:
        raise BadRow(f"{table.name}: rows of visits need a row to {', '.join(absent)}")
    diagnoses = frozenset() if table.facts.records else _columns_of(table, "Condition")
    keys = frozenset(
        column
        for rule in table.rules
        if ".identifier[" in rule.row.right or rule.codec.name.startswith("key>")
        for column in rule.columns
    )
    words = frozenset(word.casefold() for word in nothing)
    return Layout(table, _observations(table), diagnoses, keys, words, edition(overlays))


def person_column(table: FlatTable) -> str:
    """Return the column that names the person a row is about, empty when none does."""
    for rule in table.rules:
        numbers = rule.row.right.startswith(f"Patient.identifier[system={PATIENT_SYSTEM}]")
        if rule.columns and (numbers or rule.codec.name == "key>Patient"):
            return rule.columns[0]
    return ""


@dataclass(frozen=True, slots=True)
class Sets:
    """The files of a set, in the order in which they are best applied; those of `lookups` only serve the others."""

    files: tuple[str, ...]
    lookups: frozenset[str]


def set_of(peer: Peer, table: str = "") -> Sets | None:
    """Return the set of files that `table`, else the peer's settings name; None when they name a single table."""
    name = table or str(peer.settings.get("table", DEFAULT))
    path = FOLDER / name / "set.txt"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    return Sets(tuple(words[0] for words in lines), frozenset(words[0] for words in lines if "lookup" in words))


def _text(folder: Path, name: str) -> str:
    path = folder / f"{name}.map"
    return path.read_text("utf-8") if _NAME.fullmatch(name) and path.is_file() else ""


def _concept_maps(overlay: str) -> dict[str, ConceptMap]:
    folders = [FOLDER / "concepts", *([Path(overlay) / "concepts"] if overlay else [])]
    files = [path for folder in folders for path in sorted(folder.glob("*.map"))]
    maps = [parse_concept_map(path.read_text("utf-8"), f"emr/concepts/{path.name}") for path in files]
    return {found.name: found for found in maps}


def _observations(table: FlatTable) -> dict[str, str]:
    """Return the code by which a column selects its Observation."""
    return {
        column: rule.place.path.steps[0].keys[0].value
        for rule in table.rules
        if rule.place is not None and rule.row.right.startswith("Observation[")
        for column in rule.columns
    }


def _columns_of(table: FlatTable, record: str) -> frozenset[str]:
    rules = [rule for rule in table.rules if re.match(rf"{record}\b", rule.row.right)]
    return frozenset(column for rule in rules for column in rule.columns[:1])
