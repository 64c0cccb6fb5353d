"""`Patient/$everything`: all that is known of a patient, and what that refers to (FHIR R4 Patient operations)."""

from collections.abc import Sequence
from functools import cache

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.issues import Issue
from tracker_core.records.definitions import compartments, parameters, resource_types
from tracker_core.records.extraction import sources
from tracker_core.records.search import frequencies, ranges
from tracker_core.records.search.composing import any_of, has_any
from tracker_core.records.search.includes import included
from tracker_core.records.search.pages import Arm, Asked, Page, fill
from tracker_core.records.search.searching import counted
from tracker_core.records.stored import read
from tracker_core.records.terms import MAX_TIME, MIN_TIME, date_range, reference_token

# What tells when care was given, the first that a type has
_CARE_DATES = ("date", "recorded-date", "authoredon", "authored", "period", "created", "sent", "started")


def everything(session: Session, id: str, pairs: Sequence[tuple[str, str]]) -> Page:
    """Return a page of the patient's compartment, the patient included, with what its records refer to.

    Understands `_type`, `_since`, `start` and `end` (dates of care; what has none is always there), `_count`,
    `_cursor` and `_mdm=true`: all records of the person, from every source that knows them. What is referred to is
    left out when it belongs to another person. Raises `NotFound`, and `Malformed` for a value that cannot be read.
    """
    frequencies.refresh(session)
    given = {key: value for key, value in pairs if value}
    patient = read(session, [("Patient", id)]).get(("Patient", id))
    if patient is None or patient.deleted:
        raise NotFound(f"there is no Patient/{id}")
    whole = given.get("_mdm") == "true" and patient.subject is not None
    belongs = _of_person(patient.subject) if whole else _of_patient(patient.pk)
    page = Page(issues=_ignored(pairs))
    count = counted({"_count": [given["_count"]]} if "_count" in given else {})
    arm = Arm(_types(given.get("_type", "")), (belongs, *_times(given)))
    fill(session, page, Asked([arm], count=count, cursor=given.get("_cursor", "")))
    beside = included(session, ["Patient"], page.matches, {"_include": ["*"]}, page.issues)
    members = compartments()["Patient"]
    page.includes = [
        one for one in beside if one.subject is None or (one.subject == patient.subject and one.type not in members)
    ]
    return page


_KNOWN = ("_type", "_since", "start", "end", "_count", "_cursor", "_mdm", "_format", "_pretty", "_elements", "_summary")


def _ignored(pairs: Sequence[tuple[str, str]]) -> list[Issue]:
    text = "$everything has no parameter {}"
    return [Issue("not-supported", text.format(key), "warning", where=key) for key, _ in pairs if key not in _KNOWN]


def _types(text: str) -> tuple[int, ...]:
    known = resource_types()
    members = [name for name in compartments()["Patient"] if name in known]
    named = [name.strip() for name in text.split(",") if name.strip()]
    if any(name not in known for name in named):
        raise Malformed("_type names a resource type that R4 does not have", where="_type")
    return tuple(sorted(known[name] for name in members if not named or name in named)) or (0,)


def _of_person(person: int | None) -> sql.Composable:
    return sql.SQL("r.subject = {}").format(sql.Literal(person))


def _of_patient(pk: int) -> sql.Composable:
    return any_of(
        [sql.SQL("r.pk = {}").format(sql.Literal(pk)), has_any([reference_token(n, pk) for n in patient_numbers()])]
    )


@cache
def patient_numbers() -> tuple[int, ...]:
    """Return the numbers of the parameters by which records belong to a patient."""
    members = compartments()["Patient"].items()
    return tuple(
        sorted(
            {
                n
                for type_, codes in members
                for code in codes
                if code in parameters(type_)
                for n in sources(type_)[code].numbers
            }
        )
    )


def _times(given: dict[str, str]) -> list[sql.Composable]:
    parts = []
    if "_since" in given:
        since = ranges.updated_condition("ge", given["_since"])
        if since is None:
            raise Malformed(f"_since is an instant, not {given['_since']!r}", where="_since")
        parts.append(since)
    if "start" in given or "end" in given:
        parts.append(_within_care(_bound(given, "start"), _bound(given, "end")))
    return parts


def _bound(given: dict[str, str], name: str) -> int:
    if name not in given:
        return MIN_TIME if name == "start" else MAX_TIME
    found = date_range(given[name])
    if found is None:
        raise Malformed(f"{name} is a date, not {given[name]!r}", where=name)
    return found[0] if name == "start" else found[1]


def _within_care(start: int, end: int) -> sql.Composable:
    entries = sql.SQL("select from record_date d where d.pk = r.pk and d.param = any({}::smallint[])").format(
        sql.Literal(list(_care_numbers()))
    )
    return sql.SQL("(not exists ({entries}) or exists ({entries} and d.lo < {end} and d.hi > {start}))").format(
        entries=entries, start=sql.Literal(start), end=sql.Literal(end)
    )


@cache
def _care_numbers() -> tuple[int, ...]:
    numbers: set[int] = set()
    for type_ in compartments()["Patient"]:
        known = parameters(type_)
        code = next((c for c in _CARE_DATES if c in known and known[c].type == "date"), "")
        numbers |= set(sources(type_)[code].numbers) if code else set()
    return tuple(sorted(numbers))
