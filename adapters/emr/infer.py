"""A mapping table proposed from a sample: what each column seems to mean, how sure that is, and what it rests on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from adapters.emr.headers import MEANINGS, Meaning, means
from adapters.emr.sheet import Row, Sheet
from mappings.codecs.diagnoses import CERTAINTY
from mappings.concepts import ConceptMap
from terminology import icd10

ROWS = 500
SURE = 0.5
_ISO = "ISO"
FORMS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y/%m/%d", "%d/%m/%Y %H:%M:%S",
)  # fmt: skip
_ISO_DAY = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d.*)?)?\Z|\d{8}\Z|\d{4}\Z")
_AGE = re.compile(r"\d{1,3}\s*([a-z]+)?\.?\Z", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?\s*\D{0,6}\Z")
_PHONE = re.compile(r"\+?[\d ()/-]{7,17}\Z")


@dataclass(slots=True)
class Guess:
    """What one column seems to mean. Below `SURE`, or without a meaning, the column is not mapped. `why` says it."""

    column: str
    written: str
    meaning: Meaning | None
    confidence: float
    codec: str = ""
    why: str = ""

    @property
    def mapped(self) -> bool:
        """Whether the guess is good enough for a row."""
        return self.meaning is not None and self.confidence >= SURE


def infer(sheet: Sheet, sexes: ConceptMap) -> tuple[list[Guess], list[Row]]:
    """Return a guess for each column, in the order of the file, and the rows they rest on (the first 500).

    Headers in four languages say what a column may be, its values whether it is. A date that can be read day first or
    month first is never sure. Of two columns with one meaning the surer one keeps it.
    """
    rows = [row for row in islice(sheet.rows, ROWS) if not row.fault]
    guesses = [_guess(name, sheet.columns[name], _values(rows, name), sexes) for name in sheet.columns]
    taken: dict[str, Guess] = {}
    for guess in sorted(guesses, key=lambda one: -one.confidence):
        if guess.meaning is None:
            continue
        if guess.meaning.name in taken:
            first = taken[guess.meaning.name]
            guess.why = f"{first.written} is the {guess.meaning.name} already"
            guess.meaning = None
        else:
            taken[guess.meaning.name] = guess
    return guesses, rows


def _values(rows: Sequence[Row], name: str) -> list[str]:
    return [cell.strip() for row in rows if (cell := row.cells.get(name, "")).strip()]


def _guess(column: str, written: str, values: Sequence[str], sexes: ConceptMap) -> Guess:
    meaning, sure, unit = means(written)
    if meaning is None:
        return _by_values(column, written, values, sexes)
    guess = Guess(column, written, meaning, sure, meaning.codec, f"the header means {meaning.name}")
    if not values:
        guess.why += "; no values to tell by"
        return guess
    share = _share(meaning.shape, values, sexes)
    guess.confidence = round(max(0.0, sure + (0.4 if share > 0.9 else 0.2 if share > 0.6 else -0.3)), 2)
    guess.why += f"; {share:.0%} of the values look so"
    if meaning.shape == "date":
        _take_form(guess, values)
    if meaning.shape == "number":
        _take_unit(guess, unit, values)
    return guess


def _by_values(column: str, written: str, values: Sequence[str], sexes: ConceptMap) -> Guess:
    """Guess from values alone, where they have a shape that little else has."""
    for name, shape in (("diagnoses", "icd10"), ("sex", "sex")):
        if len(values) > 2 and _share(shape, values, sexes) > 0.9 and (shape != "sex" or len(set(values)) > 1):
            meaning = next(one for one in MEANINGS if one.name == name)
            return Guess(column, written, meaning, 0.6, meaning.codec, "the header is not known; the values look so")
    return Guess(column, written, None, 0.0, why="not known")


def _share(shape: str, values: Sequence[str], sexes: ConceptMap) -> float:
    """Return how many of the values have a shape."""
    tests: dict[str, Callable[[str], object]] = {
        "id": lambda text: len(text) <= 40 and any(c.isdigit() for c in text),
        "word": lambda text: any(c.isalpha() for c in text) or text.casefold() in CERTAINTY,
        "sex": lambda text: any(sexes.translate(spelled) for spelled in (text, text.lower(), text.upper())),
        "date": lambda text: _ISO_DAY.match(text) or any(_fits(text, form) for form in FORMS),
        "age": _AGE.match,
        "phone": _PHONE.match,
        "number": _NUMBER.match,
        "icd10": lambda text: all(icd10.normal(part) for part in re.split(r"[;,|/\s]+", text) if part),
    }
    return sum(bool(tests[shape](text)) for text in values) / len(values)


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True


def _take_form(guess: Guess, values: Sequence[str]) -> None:
    """Say how a column writes its dates, and whether that can be told at all."""
    if all(_ISO_DAY.match(text) for text in values):
        return
    forms = [form for form in FORMS if all(_fits(text, form) for text in values)]
    if not forms:
        guess.why += "; no one form fits all of its dates"
        guess.confidence = min(guess.confidence, 0.4)
        return
    guess.codec = f"date:{forms[0].replace(' ', '_')}"
    guess.why += f"; written {forms[0]}"
    if any(form.startswith("%m") for form in forms) and forms[0].startswith("%d"):
        guess.why += ", or month first: these values do not tell"
        guess.confidence = min(guess.confidence, 0.5)


def _take_unit(guess: Guess, unit: str, values: Sequence[str]) -> None:
    """Say which unit a column is in: that of its header, or what temperatures above 60 can only be."""
    kept = guess.codec.partition(":")[2]
    numbers = sorted(
        float(found[0].replace(",", ".")) for text in values if (found := re.match(r"\d+([.,]\d+)?", text))
    )
    if not unit and kept == "Cel" and numbers and numbers[len(numbers) // 2] > 60:
        unit = "[degF]"
    if unit and unit != kept:
        guess.codec = f"quantity:{kept}<{unit}"
        guess.why += f"; in {unit}, kept in {kept}"
