"""Searches of FHIR records on a seeded database: `python -m benchmarks.fhir_search URL`.

The mix is the W3 of the published comparisons (a port): names and addresses of patients, names of organizations by
their beginning and by a part, dates of three types with every prefix, categories; and beside it references, quantities,
composites, chains, includes and sorted lists. Twenty values of each, `_count=20`, no total. Each call goes through the
FHIR face without HTTP: parameters read, page found, bundle written. `--seconds` of closed loop by `--processes`.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from adapters.fhir import reads
from adapters.fhir.replies import Conditions
from benchmarks import fhir_population as p
from tracker_core.database import open_pool, reading

Make = Callable[[random.Random], tuple[str, list[tuple[str, str]]]]
_PREFIXES = ("", "eq", "lt", "gt", "ge", "le", "sa", "eb")


def _asked(type_: str, key: str, values: Callable[[random.Random], str], *more: tuple[str, str]) -> Make:
    return lambda chance: (type_, [(key, values(chance)), *more, ("_count", "20")])


def _day(chance: random.Random) -> str:
    return f"{chance.choice(_PREFIXES)}{chance.randrange(2018, 2026)}-{chance.randrange(1, 13):02}-15"


def _person(chance: random.Random) -> str:
    return f"p{chance.randrange(5_000)}"


W3: dict[str, Make] = {
    "patient name": _asked("Patient", "name", lambda c: c.choice(p.FAMILIES)),
    "patient name:contains": _asked("Patient", "name:contains", lambda c: c.choice(p.FAMILIES)[2:]),
    "patient address": _asked("Patient", "address", lambda c: c.choice(p.CITIES)),
    "patient address:contains": _asked("Patient", "address:contains", lambda c: c.choice(p.CITIES)[1:]),
    "organization name": _asked("Organization", "name", lambda c: c.choice(p.CITIES)),
    "organization name:contains": _asked("Organization", "name:contains", lambda _: "Clinic"),
    "patient birthdate": _asked("Patient", "birthdate", lambda c: f"{c.choice(_PREFIXES)}{c.randrange(1945, 2020)}"),
    "observation date": _asked("Observation", "date", _day),
    "encounter date": _asked("Encounter", "date", _day),
    "observation category": _asked("Observation", "category", lambda c: f"{p.CATEGORY}|{c.choice(p.CATEGORIES)}"),
}
BESIDE: dict[str, Make] = {
    "identifier": _asked("Patient", "identifier", lambda c: f"urn:national|{c.randrange(5_000):09}"),
    "family+given+birthdate": _asked(
        "Patient", "family", lambda c: c.choice(p.FAMILIES), ("given", "Ada"), ("birthdate", "ge1990")
    ),
    "observations of a patient": _asked("Observation", "patient", _person),
    "code of a patient, newest": _asked("Observation", "patient", _person, ("_sort", "-date")),
    "code, newest": _asked(
        "Observation", "code", lambda c: f"http://loinc.org|{c.choice(p.CODES)}", ("_sort", "-date")
    ),
    "code + date range": _asked(
        "Observation", "code", lambda c: f"http://loinc.org|{c.choice(p.CODES)}", ("date", "ge2024"), ("date", "lt2025")
    ),
    "quantity": _asked("Observation", "value-quantity", lambda c: f"gt{c.randrange(190, 199)}|{p.UCUM}|mm[Hg]"),
    "quantity in kPa": _asked("Observation", "value-quantity", lambda c: f"gt{c.randrange(24, 26)}|{p.UCUM}|kPa"),
    "code + quantity": _asked(
        "Observation", "code-value-quantity", lambda c: f"http://loinc.org|{c.choice(p.CODES)}$gt190"
    ),
    "code:text": _asked("Observation", "code:text", lambda c: f"measure {c.choice(p.CODES)}"),
    "chain by identifier": _asked("Observation", "subject:Patient.identifier", lambda c: f"{c.randrange(5_000):09}"),
    "chain by family": _asked("Observation", "subject:Patient.family", lambda c: c.choice(p.FAMILIES)),
    "chain by gender": _asked("Observation", "subject:Patient.gender", lambda _: "female"),
    "_has": _asked(
        "Patient", "_has:Condition:subject:code", lambda c: f"http://hl7.org/fhir/sid/icd-10|A{c.randrange(99):02}"
    ),
    "_has common": _asked("Patient", "_has:Observation:subject:status", lambda _: "final"),
    "include": _asked("Observation", "patient", _person, ("_include", "Observation:encounter")),
    "revinclude": _asked("Patient", "family", lambda c: c.choice(p.FAMILIES), ("_revinclude", "Observation:patient")),
    "compartment": lambda c: (f"Patient/{_person(c)}/*", [("_count", "20")]),
    "$everything": lambda c: (f"Patient/{_person(c)}/$everything", []),
    "_lastUpdated": _asked("Patient", "_lastUpdated", lambda _: "gt2020", ("_sort", "_lastUpdated")),
    "sorted by name": _asked("Patient", "gender", lambda _: "male", ("_sort", "family,given")),
    "OR of 200 codes": _asked(
        "Observation", "code", lambda c: ",".join(f"http://loinc.org|{n}" for n in range(200)) + f",{c.choice(p.CODES)}"
    ),
    "_total=estimate": _asked("Observation", "status", lambda _: "final", ("_total", "estimate")),
}


def run(url: str, seed: int, names: list[str], seconds: float) -> list[tuple[str, float]]:
    """Ask for `seconds`; return name and milliseconds of each call."""
    chance = random.Random(seed)
    pool = open_pool(url, size=1)
    makes = {**W3, **BESIDE}
    taken: list[tuple[str, float]] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        name = chance.choice(names)
        path, pairs = makes[name](chance)
        began = time.perf_counter()
        with reading(pool) as session:
            reads.read(session, "http://bench/fhir", path, pairs, Conditions())
        taken.append((name, (time.perf_counter() - began) * 1000))
    pool.close()
    return taken


def main() -> None:
    """Measure the mix as a whole, then each kind of call."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    run(asked.url, 0, list(W3), 2)
    with ProcessPoolExecutor(asked.processes) as workers:
        parts = [workers.submit(run, asked.url, n, list(W3), asked.seconds) for n in range(1, asked.processes + 1)]
        taken = [one for part in parts for one in part.result()]
    _tell(f"W3 mix, {asked.processes} processes", [ms for _, ms in taken], asked.seconds)
    for name in W3:
        _tell(f"  {name}", [ms for one, ms in taken if one == name])
    for name in BESIDE:
        _tell(f"  {name}", [ms for _, ms in run(asked.url, 5, [name], max(asked.seconds / 20, 0.3))])


def _tell(name: str, taken: list[float], seconds: float = 0) -> None:
    taken = sorted(taken)
    rate = f"{len(taken) / seconds:8.0f}/s" if seconds else " " * 10
    p95 = taken[int(len(taken) * 0.95)] if taken else 0
    print(f"{name:32}{rate}  p50 {statistics.median(taken):8.2f} ms  p95 {p95:8.2f} ms  ({len(taken)} calls)")


if __name__ == "__main__":
    main()
