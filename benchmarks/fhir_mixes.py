"""FHIR under mixed load: ports of the CRUD workload, Blaze's transaction workload and Blaze's patient-ui journey.

    python -m benchmarks.fhir_mixes URL [crud|transaction|patient-ui] …

URL names an empty database. The definitions are theirs, scaled down to two cores: CRUD with 8 users for 15 s instead of
300 for 5 min; transactions with 1, 4 and 16 users for 8 s each; patient-ui on 5,000 patients with a median of 40
arrivals a second for 30 s. `_total` is none, logins are checked, every write is kept as a message and audited by it,
documents are checked structurally.
"""

import random
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import psycopg

from benchmarks.wire import Wire, serving, tell, together

SECONDS = 15
FAMILIES = [
    f"{a}{b}"
    for a in ("Ab", "Bo", "Cha", "Di", "Eko", "Fa", "Gu", "Ha", "Iba", "Ju")
    for b in ("ra", "sso", "ni", "ma", "lu")
]
GIVEN = ["Ada", "Bola", "Chidi", "Dara", "Efe", "Femi", "Gozi", "Hauwa", "Ife", "Jide", "Kemi", "Lola"]
CITIES = ["Awka", "Bida", "Calabar", "Daura", "Enugu", "Funtua"]
EDITS = {"phone": 25, "email": 20, "address": 20, "maritalStatus": 15, "birthDate": 8, "family": 7, "active": 5}
SEARCHES = {
    "identifier": 25, "family+given": 25, "family+birthdate": 15, "name": 10, "family+gender": 10, "city+family": 5,
    "birthdate range": 5, "newest": 5,
}  # fmt: skip
LOINC = "http://loinc.org"


def crud(where: str) -> None:
    """Create nine records wired to one another, read each, change each, delete each: 36 requests an iteration."""

    def user(wire: Wire, _: int, seconds: float = SECONDS) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            made: list[tuple[str, dict[str, Any], str]] = []
            for type_ in _NINE:
                _, document, etag = wire.ask(f"POST {type_}", "POST", f"/{type_}", _nine(type_, made))
                made.append((type_, document, etag))
            for type_, document, _etag in made:
                wire.ask("GET", "GET", f"/{type_}/{document['id']}")
            for type_, document, _etag in made:
                wire.ask("PUT", "PUT", f"/{type_}/{document['id']}", document | {"language": "en"})
            for type_, document, _etag in reversed(made):
                wire.ask("DELETE", "DELETE", f"/{type_}/{document['id']}")

    together(where, 8, partial(user, seconds=2))  # what a process does once is not measured
    tell("CRUD (port), 8 users", *together(where, 8, user))


_NINE = (
    "Patient", "Location", "Organization", "Practitioner", "Encounter", "Observation", "MedicationRequest", "Claim",
    "ExplanationOfBenefit",
)  # fmt: skip


def _nine(type_: str, made: list[tuple[str, dict[str, Any], str]]) -> dict[str, Any]:
    known = {kind: {"reference": f"{kind}/{document['id']}"} for kind, document, _ in made}
    return {"resourceType": type_, **_BODIES[type_](known)}


TEXT = {"text": "of a benchmark"}
COVER = {"sequence": 1, "focal": True, "coverage": {"display": "a"}}
BILL = {"status": "active", "type": TEXT, "use": "claim", "created": "2026-01-01", "insurance": [COVER]}
VISIT = {"status": "finished", "class": {"code": "AMB"}}
ORDER = {"status": "active", "intent": "order", "medicationCodeableConcept": TEXT}
Known = dict[str, dict[str, str]]
_BODIES: dict[str, Callable[[Known], dict[str, Any]]] = {
    "Patient": lambda _: _patient(random.randrange(10**9)),
    "Location": lambda _: {"name": "Ward"},
    "Organization": lambda _: {"name": "Clinic"},
    "Practitioner": lambda _: {"name": [{"family": random.choice(FAMILIES)}]},
    "Encounter": lambda k: VISIT | {"subject": k["Patient"], "serviceProvider": k["Organization"]},
    "Observation": lambda k: _observation("") | {"subject": k["Patient"], "encounter": k["Encounter"]},
    "MedicationRequest": lambda k: ORDER | {"subject": k["Patient"]},
    "Claim": lambda k: BILL | {"patient": k["Patient"], "provider": k["Organization"], "priority": TEXT},
    "ExplanationOfBenefit": lambda k: (
        BILL
        | {"patient": k["Patient"], "provider": k["Organization"], "insurer": k["Organization"], "outcome": "complete"}
    ),
}


def _patient(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:bench", "value": f"{number:06d}"}],
        "name": [{"family": chance.choice(FAMILIES), "given": [chance.choice(GIVEN)]}],
        "gender": chance.choice(["male", "female"]),
        "birthDate": f"{chance.randint(1940, 2020)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        "address": [{"city": chance.choice(CITIES)}],
    }


def _observation(subject: str) -> dict[str, Any]:
    pressure = {
        "value": random.randint(90, 180),
        "unit": "mmHg",
        "system": "http://unitsofmeasure.org",
        "code": "mm[Hg]",
    }
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
        "subject": {"reference": subject},
        "valueQuantity": pressure,
    }


def transaction(where: str) -> None:
    """Post a patient with an observation, each transaction waiting for its answer."""
    for users in (1, 4, 16):
        until = time.perf_counter() + 8

        def user(wire: Wire, _: int, until: float = until) -> None:
            while time.perf_counter() < until:
                born = f"{random.randint(1940, 2020)}-01-01"
                person = {"resourceType": "Patient", "gender": random.choice(["male", "female"]), "birthDate": born}
                entries = [
                    {"fullUrl": "urn:uuid:p", "resource": person, "request": {"method": "POST", "url": "Patient"}},
                    {"resource": _observation("urn:uuid:p"), "request": {"method": "POST", "url": "Observation"}},
                ]
                wire.ask("transaction", "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

        tell(f"transactions (port of Blaze's), {users} users", *together(where, users, user))


def patient_ui(where: str, patients: int = 5_000, median: float = 40, seconds: float = 30) -> None:
    """Search, read one hit, put it with If-Match: arrivals by a Pareto distribution, whether or not others are done."""
    loader = Wire(where)
    for start in range(0, patients, 500):
        entries = [
            {"resource": _patient(n), "request": {"method": "POST", "url": "Patient"}}
            for n in range(start, start + 500)
        ]
        loader.ask("load", "POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    starts = _arrivals(median, seconds)
    begun = time.perf_counter()
    lanes = 16

    def user(wire: Wire, number: int) -> None:
        chance = random.Random(number)
        for due in starts[number::lanes]:
            time.sleep(max(0, begun + due - time.perf_counter()))
            _journey(wire, chance, patients)

    tell(f"patient-ui (port of Blaze's), {len(starts)} journeys", *together(where, lanes, user))


def _arrivals(median: float, seconds: float) -> list[float]:
    """Return when journeys begin: each ten seconds have a rate of their own, drawn with alpha 1.5."""
    chance = random.Random(5)
    out: list[float] = []
    at = rate = 0.0
    while at < seconds:
        if not out or int(at // 10) != int(out[-1] // 10):
            rate = min(2_000, median / 2 ** (1 / 1.5) * chance.paretovariate(1.5))
        out.append(at)
        at += chance.expovariate(rate)
    return out


def _journey(wire: Wire, chance: random.Random, patients: int) -> None:
    (kind,) = chance.choices(list(SEARCHES), list(SEARCHES.values()))
    sought = _patient(chance.randrange(patients))
    query = _query(kind, sought) | {"_count": "50", "_elements": "name,birthDate,gender,identifier"}
    _, found, _ = wire.ask(f"search {kind}", "GET", f"/Patient?{urlencode(query)}")
    hits = [entry for entry in found.get("entry", []) if entry["search"]["mode"] == "match"]
    if not hits:
        return
    id = chance.choice(hits)["resource"]["id"]
    _, document, etag = wire.ask("read", "GET", f"/Patient/{id}")
    (edit,) = chance.choices(list(EDITS), list(EDITS.values()))
    wire.ask("put", "PUT", f"/Patient/{id}", _EDIT[edit](document, chance), **{"If-Match": etag})


def _query(kind: str, sought: dict[str, Any]) -> dict[str, str]:
    family, given = sought["name"][0]["family"], sought["name"][0]["given"][0]
    born = sought["birthDate"]
    queries: dict[str, dict[str, str]] = {
        "identifier": {"identifier": f"urn:bench|{sought['identifier'][0]['value']}"},
        "family+given": {"family": family, "given": given},
        "family+birthdate": {"family": family, "birthdate": born},
        "name": {"name": family[:3]},
        "family+gender": {"family": family, "gender": sought["gender"]},
        "city+family": {"address-city": sought["address"][0]["city"], "family": family},
        "birthdate range": {"birthdate": f"ge{born[:7]}-01"},
        "newest": {"_sort": "-_lastUpdated"},
    }
    return queries[kind]


Edit = Callable[[dict[str, Any], random.Random], dict[str, Any]]
_EDIT: dict[str, Edit] = {
    "phone": lambda d, c: d | {"telecom": [{"system": "phone", "value": f"080{c.randrange(10**8):08d}"}]},
    "email": lambda d, c: d | {"telecom": [{"system": "email", "value": f"p{c.randrange(10**6)}@example.org"}]},
    "address": lambda d, c: d | {"address": [{"city": c.choice(CITIES)}]},
    "maritalStatus": lambda d, c: d | {"maritalStatus": {"text": c.choice(["single", "married"])}},
    "birthDate": lambda d, c: d | {"birthDate": f"{c.randint(1940, 2020)}-06-01"},
    "family": lambda d, c: d | {"name": [{"family": c.choice(FAMILIES), "given": [c.choice(GIVEN)]}]},
    "active": lambda d, _c: d | {"active": not d.get("active", False)},
}
MIXES: dict[str, Callable[[str], None]] = {"crud": crud, "transaction": transaction, "patient-ui": patient_ui}


def main(url: str, names: list[str]) -> None:
    """Run the named mixes, all of them unless some are named, on one hub."""
    with serving(url) as where:
        for name in names or MIXES:
            MIXES[name](where)
            with psycopg.connect(url, autocommit=True) as session:
                session.execute("analyze")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
