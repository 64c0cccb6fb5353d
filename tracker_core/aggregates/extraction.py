"""What case reports read in records: the coded diagnoses of a Condition, a visit's day and places, a person's age."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker_core.aggregates import codes

Document = dict[str, Any]

_SEXES = {"male": "M", "female": "F", "other": "O"}
_NOT_SO = {"refuted", "entered-in-error"}
_NOT_HELD = {"cancelled", "entered-in-error"}


@dataclass(frozen=True, slots=True)
class Visit:
    """An encounter as reports see it: whether it was held at all, its local day, and its places, the nearest first.

    `places` are literal references (`Location/x`) and identifier values.
    """

    held: bool
    day: date | None
    places: tuple[str, ...]


def diagnoses(condition: Document) -> list[str]:
    """Return the ICD-10 codes of a Condition in normal form; none when it is refuted or was entered in error."""
    if _codes(condition.get("verificationStatus")) & _NOT_SO:
        return []
    codings = _items(_object(condition.get("code")).get("coding"))
    found = (codes.normal(str(c.get("code", ""))) for c in codings if codes.is_icd10(str(c.get("system", ""))))
    return sorted({code for code in found if code})


def visit(encounter: Document) -> Visit:
    """Return what an Encounter says of itself; one that was cancelled or entered in error was not held."""
    located = [_object(item).get("location") for item in _items(encounter.get("location"))]
    places = [place for reference in (*located, encounter.get("serviceProvider")) for place in _places(reference)]
    held = encounter.get("status") not in _NOT_HELD
    return Visit(held, day(_object(encounter.get("period")).get("start")), tuple(places))


def condition_day(condition: Document) -> date | None:
    """Return the day of a Condition that belongs to no visit: when it was recorded, else when it began."""
    onset = condition.get("onsetDateTime") or _object(condition.get("onsetPeriod")).get("start")
    return day(condition.get("recordedDate")) or day(onset)


def keeper(place: Document) -> tuple[str, ...]:
    """Return what an Organization or Location may be known by as an org unit, and then who keeps it.

    Its own id and identifiers come first; after them the organization that manages it and what it is part of.
    """
    own = [str(place.get("id", "")), *(str(i.get("value", "")) for i in _items(place.get("identifier")))]
    above = [p for name in ("managingOrganization", "partOf") for p in _places(place.get(name))]
    return tuple(key for key in (*own, *above) if key)


def person(patients: Iterable[Document]) -> tuple[date | None, str | None]:
    """Return birth date and sex (`M`, `F`, `O`) of a person from their Patient documents, the most telling first."""
    born: date | None = None
    sex: str | None = None
    for patient in patients:
        born = born or birth_date(patient.get("birthDate"))
        sex = sex or _SEXES.get(str(patient.get("gender")))
    return born, sex


def birth_date(text: Any) -> date | None:
    """Return a FHIR date of birth as a day; one without month or day is taken at the middle of what it says."""
    if not isinstance(text, str):
        return None
    middle = {4: "-07-01", 7: "-15"}.get(len(text), "")
    return day(text + middle)


def day(text: Any) -> date | None:
    """Return the local day of a FHIR date or dateTime, as its author's calendar showed it; None for partial ones."""
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _places(reference: Any) -> list[str]:
    value = _object(reference)
    identifier = _object(value.get("identifier")).get("value")
    return [str(place) for place in (value.get("reference"), identifier) if place]


def _codes(concept: Any) -> set[str]:
    return {str(coding.get("code")) for coding in _items(_object(concept).get("coding"))}


def _items(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Document:
    return value if isinstance(value, dict) else {}
