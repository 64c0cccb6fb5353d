"""ICD-10 codes as written by people and systems, their one normal form, and ranges of them.

No content: only the shape of codes and the spans of the 22 chapters (WHO ICD-10, volume 2, section 2.4).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

SYSTEM = "http://hl7.org/fhir/sid/icd-10"
SYSTEM_CM = "http://hl7.org/fhir/sid/icd-10-cm"

DAGGER = "dagger"
ASTERISK = "aster"

CHAPTERS: dict[str, str] = {
    "I": "A00-B99", "II": "C00-D48", "III": "D50-D89", "IV": "E00-E90", "V": "F00-F99", "VI": "G00-G99",
    "VII": "H00-H59", "VIII": "H60-H95", "IX": "I00-I99", "X": "J00-J99", "XI": "K00-K93", "XII": "L00-L99",
    "XIII": "M00-M99", "XIV": "N00-N99", "XV": "O00-O99", "XVI": "P00-P96", "XVII": "Q00-Q99", "XVIII": "R00-R99",
    "XIX": "S00-T98", "XX": "V01-Y98", "XXI": "Z00-Z99", "XXII": "U00-U99",
}  # fmt: skip

_MARKS = {"+": DAGGER, "†": DAGGER, "*": ASTERISK, "!": ""}
_SHAPE = re.compile(r"([A-Z][0-9][0-9AB])\.?([0-9A-Z]{1,4})?\Z")
_PREFIX = re.compile(r"(?:ICD-?10(?:-?CM)?\s*[:|]\s*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """A code taken apart: its dotted normal form and its mark (`dagger`, `aster` or empty)."""

    code: str
    mark: str = ""


@lru_cache(maxsize=65536)
def read_code(text: str) -> Written | None:
    """Return the code that `text` writes, or None when it has not the shape of one.

    Accepts dotted, undotted and trailing-dot forms, any case, blanks around, a system prefix (`ICD10:I10.`), and the
    dagger and asterisk marks, before or after a trailing dot. Whether the code exists is a question to a code system.
    """
    bare = _PREFIX.sub("", text.strip(), count=1).upper()
    mark = ""
    while bare and bare[-1] in "+†*!.":
        mark = _MARKS.get(bare[-1], "") or mark
        bare = bare[:-1].rstrip()
    shape = _SHAPE.match(bare)
    if shape is None:
        return None
    category, rest = shape.groups()
    return Written(f"{category}.{rest}" if rest else category, mark)


def normal(text: str) -> str | None:
    """Return the dotted normal form of the code that `text` writes, or None when it is no code."""
    written = read_code(text)
    return written.code if written else None


def undotted(code: str) -> str:
    """Return `code` without its dot, as many claims and HL7v2 systems write it."""
    return code.replace(".", "")


def category(code: str) -> str:
    """Return the three-character category of a code in normal form."""
    return code[:3]


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of codes as spans between undotted bounds, both inclusive at their own length.

    `B50-B54` holds every code from B50 to B54.9; `B50` holds B50 and all below it; `A15.0-A15.3` stays within A15.
    """

    spans: tuple[tuple[str, str], ...] = ()

    def __contains__(self, code: object) -> bool:
        """Tell whether a code, in any written form, lies in one of the spans."""
        return isinstance(code, str) and _within(self.spans, code)

    def __str__(self) -> str:
        """Return the spans as `read_ranges` takes them."""
        return " ".join(_dotted(lo) if lo == hi else f"{_dotted(lo)}-{_dotted(hi)}" for lo, hi in self.spans)


def read_ranges(text: str) -> Ranges:
    """Read a list of codes, ranges and chapters (`B50-B54, A00 XVIII`), parted by blanks, commas or semicolons.

    Raises ValueError naming the part that is none of these.
    """
    return Ranges(tuple(_span(part) for part in re.split(r"[\s,;]+", text.strip()) if part))


def chapter(code: str) -> str | None:
    """Return the roman number of the chapter that `code` falls into by the WHO spans."""
    return next((number for number, spans in _chapters() if code in spans), None)


@lru_cache(maxsize=1)
def _chapters() -> tuple[tuple[str, Ranges], ...]:
    return tuple((number, read_ranges(span)) for number, span in CHAPTERS.items())


@lru_cache(maxsize=65536)
def _within(spans: tuple[tuple[str, str], ...], text: str) -> bool:
    code = normal(text)
    if code is None:
        return False
    flat = undotted(code)
    return any(lo <= flat[: len(lo)] and flat[: len(hi)] <= hi and len(flat) >= len(lo) for lo, hi in spans)


def _span(part: str) -> tuple[str, str]:
    first, dash, last = CHAPTERS.get(part.upper(), part).partition("-")
    lo = normal(first)
    hi = normal(last) if dash else lo
    if lo is None or hi is None:
        raise ValueError(f"{part!r} is no ICD-10 code, range or chapter")
    if undotted(hi) < undotted(lo):
        raise ValueError(f"the range {part!r} runs backwards")
    return undotted(lo), undotted(hi)


def _dotted(flat: str) -> str:
    return f"{flat[:3]}.{flat[3:]}" if len(flat) > 3 else flat
