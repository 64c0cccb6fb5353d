"""A proposed table as a file, and what it makes of the sample's first rows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from adapters.contract import Sender
from adapters.emr.infer import Guess, infer
from adapters.emr.results import results
from adapters.emr.sheet import Row, Sheet
from adapters.emr.tables import FOLDER, compile_layout
from adapters.emr.visits import read_with
from mappings.concepts import parse_concept_map
from tracker_core.changes import RecordChange
from tracker_core.context import Peer
from tracker_core.issues import Report

_SHOWN = 5
_CONSTANTS = """\
"finished"      ->  Encounter.status
"AMB"           ->  Encounter.class.code
"http://terminology.hl7.org/CodeSystem/v3-ActCode" -> Encounter.class.system
"""


def propose(sheet: Sheet, name: str) -> tuple[str, list[str]]:
    """Return a table for a sheet of visits, as the text of its file, and lines that say how it was found.

    The lines are one per column, then the first rows as the table reads them. What is missing for rows of visits (a
    patient number, a date) is said; the table is then not usable until a person fills it in.
    """
    sexes = parse_concept_map((FOLDER / "concepts" / "sex.map").read_text("utf-8"), "sex")
    guesses, rows = infer(sheet, sexes)
    text = _table(name, guesses)
    lines = [_line(guess) for guess in guesses]
    missing = [need for need in ("patient number", "visit date") if not _column(guesses, need)]
    if missing:
        return text, [*lines, f"no column is the {' or the '.join(missing)}: add its row before the table is used"]
    return text, [*lines, *_preview(text, name, Sheet("rows", sheet.columns, iter(rows[:_SHOWN])), rows[:_SHOWN])]


def _column(guesses: Sequence[Guess], meaning: str) -> str:
    found = (one.column for one in guesses if one.mapped and one.meaning and one.meaning.name == meaning)
    return next(found, "")


def _table(name: str, guesses: Sequence[Guess]) -> str:
    patient, visit, day = (_column(guesses, what) for what in ("patient number", "visit number", "visit date"))
    required = [column for column in (patient, visit, day) if column]
    unknown = [guess.column for guess in guesses if not guess.mapped]
    out = ["# Proposed from a sample: look at every row before it is used.", name]
    out += [f"  required {' '.join(required)}"] if required else []
    out += [f"  ignore {' '.join(unknown)}"] if unknown else []
    out += [row for guess in guesses if guess.mapped for row in _rows(guess, guesses, day)]
    if not visit and patient and day:
        out.append(f"{patient},{day}  ->  Encounter.identifier[system=hub:visit-number].value  joined")
    return "\n".join([*out, _CONSTANTS])


def _rows(guess: Guess, guesses: Sequence[Guess], day: str) -> Iterator[str]:
    assert guess.meaning is not None
    about, column, path = guess.meaning.name, guess.column, guess.meaning.path
    note = f"# {guess.confidence:.0%}"
    if about == "diagnoses":
        certainty = _column(guesses, "certainty") or f"{column}_certainty"
        yield f"{column},{certainty}  <->  {path}  {guess.codec}  {note}"
    elif about == "age":
        born = _column(guesses, "birth date")
        if day:
            yield f"{column},{day}  ->  {path}  age  {f'when !{born}  ' if born else ''}{note}"
    elif about == "facility":
        yield f"{column}  <->  {path}  {guess.codec}  {note}"
        yield f'"urn:tracker-hub:org-unit"  ->  Encounter.serviceProvider.identifier.system  text  when {column}'
    elif about != "certainty":
        yield f"{column}  <->  {path}  {guess.codec}  {note}"


def _line(guess: Guess) -> str:
    what = guess.meaning.name if guess.mapped and guess.meaning else "not mapped"
    return f"{guess.written:24} {what:16} {guess.confidence:4.0%}  {guess.why}"


def _preview(text: str, name: str, sheet: Sheet, rows: Sequence[Row]) -> Iterator[str]:
    peer = Peer(0, "sample", "sample", "emr", None, {})
    reading = read_with(sheet, Sender(peer, datetime.now(UTC)), compile_layout(text, name))
    fates = {one.line: one for one in results(Report(issues=reading.issues))}
    for row in rows:
        fate = fates.get(row.line)
        yield "; ".join([f"line {row.line}: {fate.status}", *fate.reasons] if fate else [f"line {row.line}: accepted"])
        yield from (
            f"    {_told(one)}" for one in reading.changes.records if one.where == f"line {row.line}" and one.document
        )


def _told(change: RecordChange) -> str:
    assert isinstance(change.document, dict)
    hidden = ("resourceType", "identifier", "subject", "encounter", "meta")
    return f"{change.type} " + ", ".join(
        f"{key}={value}" for key, value in change.document.items() if key not in hidden
    )
