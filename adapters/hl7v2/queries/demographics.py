"""Who is that: Q22 finds candidates by what is known of somebody (IHE PDQ, ITI-21), Q21 one person by a number."""

import re
from collections.abc import Iterator

from adapters.hl7v2.queries import people
from adapters.hl7v2.queries.asked import Query
from adapters.hl7v2.queries.replies import Found
from mappings.er7 import Repetition
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, Unsupported

# Fields of PID by which candidates are found -> the search parameter that looks there.
PARAMETERS = {
    "PID.5.1": "family",
    "PID.5.2": "given",
    "PID.7.1": "birthdate",
    "PID.8.1": "gender",
    "PID.11.1": "address",
    "PID.11.3": "address-city",
    "PID.11.4": "address-state",
    "PID.11.5": "address-postalcode",
    "PID.11.6": "address-country",
    "PID.13.1": "phone",
}
NUMBER = ("PID.3.1", "PID.3.4", "PID.3.4.2")
SEXES = {"M": "male", "F": "female", "O": "other", "A": "other", "U": "unknown"}
FIELD = re.compile(r"@?PID\.(\d{1,2})(?:\.(\d{1,2}))?(?:\.(\d))?", re.IGNORECASE)


def answer_candidates(session: Session, query: Query) -> Found:
    """Answer Q22: a PID for each person that all parameters of QPD-3 fit, with numbers of the domains in QPD-8.

    Names and addresses fit from their beginning, with or without an asterisk behind. Raises `Malformed`,
    `Unsupported`, `NotFound` naming the field that is wrong.
    """
    given = dict(parameters(query))
    if not given:
        raise Malformed("no parameter says who is meant", "QPD-3")
    systems = people.domains(session, query, 8)
    pairs = [searched(name, value, where) for name, (value, where) in given.items() if name not in NUMBER]
    if set(given) & set(NUMBER):
        pairs.append(("identifier", number(session, query, given)))
    return people.page_of(session, query, people.matching(session, pairs), systems)


def answer_person(session: Session, query: Query) -> Found:
    """Answer Q21: the person with the number in QPD-3, with numbers of the domains in QPD-4."""
    numbers = query.repetitions(3)
    if len(numbers) != 1:
        raise Malformed("one number is needed", "QPD-3")
    found = people.with_number(session, query, numbers[0], "QPD-3")
    return people.page_of(session, query, found, people.domains(session, query, 4))


def parameters(query: Query) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the parameters of QPD-3 (`@PID.5.1^value`) as (field, (value, place)). Raises `Unsupported`."""
    for place, one in enumerate(query.repetitions(3), 1):
        where = f"QPD-3({place})"
        name, value = named(one[0][0] or ""), (one[1][0] or "" if len(one) > 1 else "").strip()
        if name not in PARAMETERS and name not in NUMBER:
            offered = ", ".join(f"@{field}" for field in (*PARAMETERS, *NUMBER))
            raise Unsupported(f"nobody is found by {one[0][0]!r}; offered are {offered}", where)
        if value:
            yield name, (value, where)


def named(text: str) -> str:
    """Return a field as the tables above write it: `@PID.5.1.1`, `PID.5` and `@PID.5.1` are one; empty for none."""
    found = FIELD.fullmatch(text.strip())
    if found is None:
        return ""
    field, component, sub = found[1], found[2] or "1", found[3] or "1"
    return f"PID.{field}.{component}" + (f".{sub}" if sub != "1" else "")


def searched(name: str, value: str, where: str) -> tuple[str, str]:
    """Return one parameter of the search. Raises `Malformed` for a value that cannot be meant."""
    parameter = PARAMETERS[name]
    if parameter == "gender":
        if value.upper() not in SEXES:
            raise Malformed(f"{value!r} is no sex of table 0001", where)
        return parameter, SEXES[value.upper()]
    if parameter == "birthdate":
        found = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?\d*", value)
        if found is None:
            raise Malformed(f"{value!r} is no date", where)
        return parameter, "-".join(part for part in found.groups() if part)
    return parameter, literal(value.rstrip("*"))


def literal(value: str) -> str:
    """Return a value as the search reads it back: its signs for lists and tokens escaped."""
    return re.sub(r"([\\,|$])", r"\\\1", value)


def number(session: Session, query: Query, given: dict[str, tuple[str, str]]) -> str:
    """Return the identifier that `PID.3` parameters name, with or without its authority."""
    value, namespace, universal = (given.get(name, ("", ""))[0] for name in NUMBER)
    if not value:
        raise Malformed("an assigning authority without a number", "QPD-3")
    if not namespace and not universal:
        return literal(value)
    cx: Repetition = [[value], [""], [""], [namespace, universal]]
    system = query.system(cx)
    people.check_domain(session, query, system, given[NUMBER[1] if namespace else NUMBER[2]][1])
    return records.token(system, value)
