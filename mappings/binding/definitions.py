"""Case definitions as a binding states them: what makes a person a case, whom it may be, and how sure it is.

case TEST enrol [confirmed] [rank N] [sex male|female] [age A-B years|months|days] [at ORGUNIT] [window N days]
class suspected|probable|confirmed|ruled-out TEST
classify STAGE DATAELEMENT [CONCEPTS]           the class, also as a value of the episode's first event of a stage

TEST = PATH in VALUESET  |  PATH >=|>|<=|< NUMBER [UNIT]          a UCUM unit; other units are converted
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.paths import DOCUMENT, BadRow, Path, matcher, parse_path
from mappings.places import Doc, Place, compile_place
from terminology.value_sets import ValueSet
from tracker_core.records.units import scale

# What is read of one encounter.
GROUPED = ("Encounter", "Observation", "Condition", "Immunization")
# Weakest first: of all that the records say of an episode, the last in this order counts. A test that was negative
# outweighs a suspicion, and a positive one outweighs a negative one, whichever came first.
CLASSES = ("suspected", "probable", "ruled-out", "confirmed")
_ORDERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_AGE_UNITS = ("years", "months", "days")
_SEXES = ("male", "female")


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """One test on a record of `type` that its selector `claims`; `text` is how it is written."""

    type: str
    text: str
    claims: Callable[[object], bool]
    place: Place
    met: Callable[[Any], bool]

    def holds(self, record: Doc) -> bool:
        """Tell whether the record is one of the test's and its element meets it."""
        return self.claims(record) and self.met(self.place.get(record))


@dataclass(frozen=True, slots=True)
class Ages:
    """Whole years, months or days of age, both ends included; None is open."""

    low: int | None
    high: int | None
    unit: str

    def hold(self, born: date, day: date) -> bool:
        """Tell whether somebody born on `born` is of these ages on `day`."""
        months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
        age = {"years": months // 12, "months": months, "days": (day - born).days}[self.unit]
        return (self.low is None or age >= self.low) and (self.high is None or age <= self.high)

    def __str__(self) -> str:
        ends = ("" if self.low is None else self.low, "" if self.high is None else self.high)
        return f"{ends[0]}-{ends[1]} {self.unit}"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of whom, where and as which diagnosis a record tells: what a case definition may ask beside the record.

    `sex` is a FHIR administrative gender, `units` the names, codes and uids of the org unit and all above it, `rank`
    the rank of the diagnosis in its encounter; None and empty where nobody knows.
    """

    sex: str = ""
    born: date | None = None
    units: frozenset[str] = frozenset()
    rank: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A case definition: a test, what it asks beside that, and the days within which cases are one."""

    test: Test
    confirmed: bool = False
    window: int = 0
    rank: int | None = None
    sex: str = ""
    ages: Ages | None = None
    unit: str = ""

    @property
    def asks(self) -> bool:
        """Whether it asks for circumstances."""
        return bool(self.rank or self.sex or self.ages or self.unit)

    def refusal(self, about: Circumstances, day: date) -> str:
        """Return why a record that meets the test is no case on that day after all; empty when it is one."""
        if self.rank and about.rank != self.rank:
            return f"it is not the diagnosis of rank {self.rank}"
        if self.sex and about.sex != self.sex:
            return f"the person is {about.sex or 'of unknown sex'}, not {self.sex}"
        if self.ages and not (about.born and self.ages.hold(about.born, day)):
            return f"the person's age is {'not ' + str(self.ages) if about.born else 'not known'}"
        if self.unit and self.unit not in about.units:
            return f"it was not recorded at or below {self.unit}"
        return ""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A record that meets `test` says that the episode is of the class `name`."""

    name: str
    test: Test


def parse_test(words: list[str], sets: Mapping[str, ValueSet]) -> Test:
    """Parse a test. Raises `BadRow` for another form, an unknown value set, unit or element."""
    if len(words) >= 3 and words[1] in _ORDERS and len(words) <= 4:
        return _test(words, _compares(words[1], *words[2:]))
    if len(words) != 3 or words[1] != "in":
        raise BadRow(f"{' '.join(words)!r} is no test: PATH in VALUESET, or PATH >= NUMBER [UNIT]")
    if words[2] not in sets:
        raise BadRow(f"there is no value set {words[2]}")
    return _test(words, _within(sets[words[2]]))


def parse_case(words: list[str], sets: Mapping[str, ValueSet]) -> Case:
    """Parse what stands behind `case`. Raises `BadRow`."""
    if "enrol" not in words:
        raise BadRow("a case reads: case TEST enrol, then confirmed, rank, sex, age, at or window")
    at = words.index("enrol")
    asked: dict[str, Any] = {}
    rest = words[at + 1 :]
    while rest:
        reader = _OPTIONS.get(rest[0])
        if reader is None or rest[0] in asked:
            raise BadRow(f"{rest[0]!r} {'stands twice in' if reader else 'is nothing that belongs to'} a case")
        count, read = reader
        if len(rest) <= count:
            raise BadRow(f"something is missing behind {rest[0]!r}")
        asked[rest[0]] = read(*rest[1 : count + 1])
        rest = rest[count + 1 :]
    names = {"age": "ages", "at": "unit"}
    return Case(parse_test(words[:at], sets), **{names.get(word, word): value for word, value in asked.items()})


def parse_rule(words: list[str], sets: Mapping[str, ValueSet]) -> Rule:
    """Parse what stands behind `class`. Raises `BadRow`."""
    if not words or words[0] not in CLASSES:
        raise BadRow(f"a class is one of {', '.join(CLASSES)}")
    return Rule(words[0], parse_test(words[1:], sets))


def _test(words: list[str], met: Callable[[Any], bool]) -> Test:
    path = parse_path(words[0], DOCUMENT)
    first = path.steps[0]
    if first.name not in GROUPED or len(path.steps) < 2 or path.star >= 0:
        raise BadRow(f"{words[0]} names no element of {', '.join(GROUPED)}")
    claims = matcher(first.keys) if first.keys else _anything
    return Test(first.name, " ".join(words), claims, compile_place(Path(words[0], first.name, path.steps[1:])), met)


def _within(values: ValueSet) -> Callable[[Any], bool]:
    def met(found: Any) -> bool:
        return isinstance(found, dict) and values.holds_any(found.get("coding", [found]))

    return met


def _compares(order: str, number: str, unit: str = "") -> Callable[[Any], bool]:
    try:
        bound = Decimal(number)
    except InvalidOperation:
        raise BadRow(f"{number!r} is no number") from None
    measure = scale(unit) if unit else None
    if unit and measure is None:
        raise BadRow(f"{unit!r} is no unit of UCUM that is known here")

    def met(found: Any) -> bool:
        quantity = found if isinstance(found, dict) else {"value": found}
        value, told = quantity.get("value"), quantity.get("code") or quantity.get("unit") or ""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return False
        # `<5` tells nothing of what lies above: only a comparison that looks the same way can hold.
        if quantity.get("comparator") and quantity["comparator"][0] != order[0]:
            return False
        value = Decimal(value)
        if measure is not None and told != unit:
            other = scale(told)
            if other is None or other.dimension != measure.dimension:
                return False
            value = measure.from_other(value, other)
        return _ORDERS[order](value, bound)

    return met


def _anything(_record: object) -> bool:
    return True


def _one_of(kind: str, allowed: tuple[str, ...]) -> Callable[[str], str]:
    def read(word: str) -> str:
        if word not in allowed:
            raise BadRow(f"{word!r} is no {kind}: {', '.join(allowed)}")
        return word

    return read


def _whole(word: str) -> int:
    if not word.isdigit() or not int(word):
        raise BadRow(f"{word!r} is no whole number above 0")
    return int(word)


def _window(days: str, unit: str) -> int:
    _one_of("unit of a window", ("days",))(unit)
    return _whole(days)


def _ages(span: str, unit: str) -> Ages:
    low, dash, high = span.partition("-")
    ends = [int(end) if end.isdigit() else None for end in (low, high)]
    bad = not dash or any(end and known is None for end, known in zip((low, high), ends, strict=True))
    if bad or ends == [None, None]:
        raise BadRow(f"{span!r} is no span of ages: 0-4, 15-, -11")
    return Ages(ends[0], ends[1], _one_of("unit of age", _AGE_UNITS)(unit))


def _confirmed() -> bool:
    return True


_OPTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "confirmed": (0, _confirmed),
    "rank": (1, _whole),
    "sex": (1, _one_of("sex", _SEXES)),
    "age": (2, _ages),
    "at": (1, str),
    "window": (2, _window),
}
