"""How alike two Patient records are: a probability and the reason per field.

Each field adds the base-2 logarithm of how much more often it agrees that way between records of one person than
between strangers (Fellegi and Sunter's weights, set by hand). A missing field adds nothing.
"""

from dataclasses import dataclass

from rapidfuzz.distance import JaroWinkler

from tracker_core.identity.names import name_sound

# The chance that two records in one block are one person, before looking: 1 in 8192.
_PRIOR = -13.0
# Pairs at least this probable are filed for review.
REVIEW = 0.85
_CLOSE, _SIMILAR = 0.88, 0.78

_WEIGHTS = {
    "family": {"equal": 7.0, "close": 6.0, "sound": 5.0, "similar": 3.0, "differs": -2.0},
    "given": {"equal": 7.0, "close": 6.0, "sound": 5.0, "similar": 2.0, "differs": -10.0},
    "names": {"swapped": 11.0},
    "birthDate": {"equal": 10.0, "swapped": 8.0, "near": 6.0, "same year": 3.0, "differs": -8.0},
    "sex": {"equal": 1.0, "differs": -6.0},
    "phone": {"equal": 7.0, "differs": -0.5},
}


@dataclass(frozen=True, slots=True)
class Folded:
    """The comparable side of a Patient record: folded names, FHIR birth date and gender, phones as last digits."""

    record: int
    person: int
    family: str = ""
    given: str = ""
    birth_date: str = ""
    sex: str = ""
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """`score` is a probability between 0 and 1; `reasons` says per field how it compares."""

    score: float
    reasons: dict[str, str]


def compare(left: Folded, right: Folded) -> Likeness:
    """Compare two records field by field. Symmetric."""
    reasons = _compare_names(left, right)
    for field, verdict in (
        ("birthDate", compare_birth_dates(left.birth_date, right.birth_date)),
        ("sex", compare_sexes(left.sex, right.sex)),
        ("phone", _compare_phones(left.phones, right.phones)),
    ):
        if verdict:
            reasons[field] = verdict
    bits = _PRIOR + sum(_WEIGHTS[field][verdict] for field, verdict in reasons.items())
    return Likeness(round(1 / (1 + 2.0**-bits), 4), reasons)


def contradicts(left: Folded, right: Folded) -> bool:
    """Tell whether sex or birth date say that these cannot be one person, whatever identifier they share."""
    return "differs" in (
        compare_sexes(left.sex, right.sex),
        compare_birth_dates(left.birth_date, right.birth_date),
    )


def compare_sexes(left: str, right: str) -> str:
    """Return `equal`, `differs`, or "" when either is not plainly male or female."""
    if {left, right} <= {"male", "female"}:
        return "equal" if left == right else "differs"
    return ""


def compare_birth_dates(left: str, right: str) -> str:
    """Return how two FHIR dates agree: `equal`, `swapped` (day for month), `near`, `same year`, `differs`, or "".

    `near` is one digit off; `same year` is all that partial dates can tell.
    """
    if not left or not right:
        return ""
    if left == right and len(left) == 10:
        return "equal"
    if len(left) < 10 or len(right) < 10:
        shorter = min(len(left), len(right))
        return "same year" if left[:shorter] == right[:shorter] else "differs"
    if left[:4] == right[:4] and (left[5:7], left[8:10]) == (right[8:10], right[5:7]):
        return "swapped"
    return "near" if sum(a != b for a, b in zip(left, right, strict=True)) == 1 else "differs"


def _compare_names(left: Folded, right: Folded) -> dict[str, str]:
    verdicts = {
        "family": _compare_name(left.family, right.family),
        "given": _compare_name(left.given, right.given),
    }
    if "differs" in verdicts.values() and _swapped(left, right):
        return {"names": "swapped"}
    return {field: verdict for field, verdict in verdicts.items() if verdict}


def _swapped(left: Folded, right: Folded) -> bool:
    cross = {_compare_name(left.family, right.given), _compare_name(left.given, right.family)}
    return cross <= {"equal", "close"}


def _compare_name(left: str, right: str) -> str:
    if not left or not right:
        return ""
    if left == right:
        return "equal"
    words, others = set(left.split()), set(right.split())
    similarity = JaroWinkler.similarity(left, right)
    if words <= others or others <= words or similarity >= _CLOSE:
        return "close"
    if name_sound(left) == name_sound(right):
        return "sound"
    return "similar" if similarity >= _SIMILAR else "differs"


def _compare_phones(left: tuple[str, ...], right: tuple[str, ...]) -> str:
    if not left or not right:
        return ""
    return "equal" if set(left) & set(right) else "differs"
