"""Lists, filters and searches of the tracker on a seeded database: `python -m benchmarks.tracker_search URL`.

Each call goes through the DHIS2 face without HTTP: parameters read, access checked, page found, documents loaded, JSON
written. Two users ask: one of the whole country, and a nurse who captures in one district and searches everywhere.
Values differ from call to call. Of each call the first page and page 100 are measured; the database is warm.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from adapters.dhis2.calls import Call
from adapters.dhis2.exports import ROUTES
from adapters.dhis2.webmessage import encode
from benchmarks import population as p
from hub.access import HubAccess
from hub.runtime import Runtime
from tracker_core import users
from tracker_core.context import User
from tracker_core.database import Pool, open_pool, transaction

NATIONAL, NURSE = "bench-national", "bench-nurse"
LIST_FIELDS = "trackedEntity,createdAt,inactive,attributes[attribute,value],programOwners[orgUnit,program]"
EVENT_FIELDS = "event,program,programStage,status,occurredAt,orgUnit,assignedUser[uid],dataValues[dataElement,value]"
_SERVE = {path: serve for _, path, serve in ROUTES}
Make = Callable[[random.Random], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of call: who asks for which list, and what varies."""

    name: str
    user: str
    path: str
    make: Make
    deep: bool = True


WHOLE = {"program": p.PROGRAM, "fields": LIST_FIELDS, "orgUnitMode": "ACCESSIBLE"}
LOCAL = {"program": p.PROGRAM, "fields": LIST_FIELDS, "orgUnitMode": "CAPTURE"}
NEWEST = {"order": "createdAt:desc"}
VISITS = {"program": p.PROGRAM, "programStage": p.VISIT, "fields": EVENT_FIELDS}
ENTITIES, EVENTS = "/tracker/trackedEntities", "/tracker/events"


def always(*parts: dict[str, str]) -> Make:
    """Return the same parameters each time."""
    merged = {name: value for part in parts for name, value in part.items()}
    return lambda _: merged


def facility(*parts: dict[str, str]) -> Make:
    """Return the parameters for some facility."""
    return lambda c: {**always(*parts)(c), "orgUnits": p.facility(c.randrange(p.FACILITIES)), "orgUnitMode": "SELECTED"}


def filtered(*parts: dict[str, str], by: Callable[[random.Random], str], name: str = "filter") -> Make:
    """Return the parameters with a filter that varies."""
    return lambda c: {**always(*parts)(c), name: by(c)}


def given(chance: random.Random) -> str:
    """Return some given name."""
    return chance.choice(p.GIVEN)


def cases() -> list[Case]:
    """Return what is measured."""
    return [*entity_lists(), *searches(), *event_lists()]


def entity_lists() -> list[Case]:
    """Return lists of tracked ENTITIES, as people browse them."""
    return [
        Case("entities of the program, newest", NATIONAL, ENTITIES, always(WHOLE, NEWEST)),
        Case("entities of the program, default order", NATIONAL, ENTITIES, always(WHOLE)),
        Case("entities of a district, newest", NURSE, ENTITIES, always(LOCAL, NEWEST)),
        Case("entities of a facility, newest", NATIONAL, ENTITIES, facility(WHOLE, NEWEST), deep=False),
        Case("entities, active enrollments", NURSE, ENTITIES, always(LOCAL, NEWEST, {"enrollmentStatus": "ACTIVE"})),
        Case("entities by family name", NATIONAL, ENTITIES, always(WHOLE, {"order": f"{p.LAST}:asc"})),
        Case(
            "filter: given name like",
            NATIONAL,
            ENTITIES,
            filtered(WHOLE, NEWEST, by=lambda c: f"{p.FIRST}:like:{given(c)[1:4]}"),
        ),
        Case(
            "filter: given name eq",
            NATIONAL,
            ENTITIES,
            filtered(WHOLE, NEWEST, by=lambda c: f"{p.FIRST}:eq:{given(c)}"),
        ),
    ]


def searches() -> list[Case]:
    """Return searches for one person, as at a registration desk."""
    return [
        Case(
            "search: given and family name start",
            NURSE,
            ENTITIES,
            filtered(
                WHOLE, by=lambda c: f"{p.FIRST}:sw:{given(c)[:3]},{p.LAST}:sw:{c.choice(p.FAMILY)[:4]},{p.SEX}:eq:f"
            ),
        ),
        Case(
            "search: phone eq",
            NURSE,
            ENTITIES,
            filtered(WHOLE, by=lambda c: f"{p.PHONE}:eq:+255{c.randrange(10**9):09d}"),
            deep=False,
        ),
        Case(
            "search: phone like",
            NURSE,
            ENTITIES,
            filtered(WHOLE, by=lambda c: f"{p.PHONE}:like:{c.randrange(10**6):06d}"),
            deep=False,
        ),
        Case(
            "search: phone like, of the type",
            NATIONAL,
            ENTITIES,
            filtered({"trackedEntityType": p.PERSON}, by=lambda c: f"{p.PHONE}:like:{c.randrange(10**6):06d}"),
            deep=False,
        ),
        Case(
            "search: unique number",
            NURSE,
            ENTITIES,
            filtered(WHOLE, by=lambda c: f"{p.NUMBER}:eq:S{c.randrange(10**6) * 6:011d}"),
            deep=False,
        ),
    ]


def event_lists() -> list[Case]:
    """Return lists of events and enrollments."""
    return [
        Case("events of a stage, newest", NATIONAL, EVENTS, always(VISITS, {"order": "occurredAt:desc"})),
        Case(
            "events of a district, newest",
            NURSE,
            EVENTS,
            always(VISITS, {"order": "occurredAt:desc", "orgUnitMode": "CAPTURE"}),
        ),
        Case(
            "events of a facility, newest", NATIONAL, EVENTS, facility(VISITS, {"order": "occurredAt:desc"}), deep=False
        ),
        Case(
            "events of a month",
            NATIONAL,
            EVENTS,
            always(VISITS, {"occurredAfter": "2023-03-01", "occurredBefore": "2023-03-31"}),
        ),
        Case(
            "single events, newest",
            NURSE,
            EVENTS,
            always({"program": p.SINGLE, "fields": EVENT_FIELDS, "orgUnitMode": "CAPTURE", "order": "occurredAt:desc"}),
        ),
        Case(
            "events: value eq",
            NATIONAL,
            EVENTS,
            filtered(VISITS, by=lambda c: f"{p.element(7)}:eq:{c.choice(p.CODES)}"),
        ),
        Case(
            "events: number range",
            NATIONAL,
            EVENTS,
            filtered(VISITS, by=lambda c: f"{p.element(0)}:gt:{c.randrange(80)}"),
        ),
        Case(
            "events: rare text",
            NATIONAL,
            EVENTS,
            filtered(VISITS, by=lambda c: f"{p.element(4)}:eq:word {c.randrange(1000)}"),
            deep=False,
        ),
        Case(
            "enrollments, newest",
            NURSE,
            "/tracker/enrollments",
            always({"program": p.PROGRAM, "orgUnitMode": "CAPTURE", "order": "enrolledAt:desc"}),
        ),
    ]


def measure(pool: Pool, case: Case, page: int, rounds: int) -> list[float]:
    """Return the milliseconds of each of `rounds` calls."""
    access, chance, taken = HubAccess(Runtime(pool, {})), random.Random(17), []
    for _ in range(rounds + 1):
        pairs = tuple({**case.make(chance), "page": str(page), "pageSize": "50"}.items())
        user = User("", case.user)
        call = Call("GET", case.path, "http://hub.example/api" + case.path, pairs, {}, b"", "", user)
        begun = time.perf_counter()
        reply = _SERVE[case.path](access, call)
        encode(reply.body)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken[1:]


def run(url: str, rounds: int, only: str = "") -> Iterator[tuple[Case, list[float], list[float]]]:
    """Measure every case that `only` is part of; yield it with its first pages and its hundredth ones."""
    pool = open_pool(url, size=2)
    with transaction(pool) as session:
        units = {NATIONAL: p.ROOT, NURSE: "OuSeedD0001"}
        for name, unit in units.items():
            if users.find(session, name) is None:
                search = [{"id": p.ROOT}]
                doc = {"organisationUnits": [{"id": unit}], "teiSearchOrganisationUnits": search}
                users.create(session, name, "benchmark-Only-1", [], doc=doc)
    for case in cases():
        if only in case.name:
            yield case, measure(pool, case, 1, rounds), measure(pool, case, 100, rounds) if case.deep else []
    pool.close()


def main() -> None:
    """Measure and print the median and the 95th percentile of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="a database filled by benchmarks.seed")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="a part of the names of the cases to run")
    given = parser.parse_args()
    table = Table(title="Milliseconds per page of 50", title_justify="left")
    for name in ("call", "user", "p50", "p95", "p50, page 100", "p95, page 100"):
        table.add_column(name, justify="left" if name in ("call", "user") else "right")
    for case, first, deep in run(given.url, given.rounds, given.only):
        table.add_row(case.name, case.user.removeprefix("bench-"), *_figures(first), *_figures(deep))
    Console(width=110).print(table)


def _figures(taken: list[float]) -> tuple[str, str]:
    if not taken:
        return "–", "–"
    return f"{statistics.median(taken):.0f}", f"{sorted(taken)[max(0, round(len(taken) * 0.95) - 1)]:.0f}"


if __name__ == "__main__":
    main()
