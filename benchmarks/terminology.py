"""How fast codes are looked up, subsumed, translated, searched and validated: `python -m benchmarks.terminology`.

ICD-10-CM from its package (98,466 codes, a tree) and an invented graph of 350,000 codes with up to three parents each
are loaded into a hub of its own. In process one core is used; over HTTP 8 connections share these cores with the hub
and its database. The peer of each in-process figure is a bare dictionary look-up in the same run; that of the HTTP
figures is `/health/live` asked by the same client.
"""

import base64
import http.client
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.hub import running
from hub.demo.processes import PASSWORD, HubProcess
from terminology import loading, snapshots, store
from terminology.code_system import CodeSystem
from terminology.concepts import Concept, Edition
from terminology.icd10 import SYSTEM_CM
from terminology.translating import compile_map

GRAPH = "http://example.org/graph"
SIZE = 350_000
ASKED = 20_000
CLIENTS = 8
WORDS = "acute chronic left right fracture infection of the lung bone fever unspecified".split()
TEXTS = ("fra", "acute in", "malig neo", "diab", "left hip", "tuber", "pneu", "cholera", "initial enc", "of the")


def graph(size: int) -> Iterator[Concept]:
    """Yield a polyhierarchy about ten levels deep with some twenty ancestors per code, as clinical ones have."""
    chance = random.Random(7)
    for at in range(size):
        above = {max(0, at // 6 - chance.randrange(50)) for _ in range(chance.choice((1, 1, 2, 3)))} if at else set()
        said = " ".join((*chance.choices(WORDS, k=4), f"kind{chance.randrange(4000)}"))
        yield Concept(str(at), said, tuple(str(one) for one in sorted(above)))


def micros(work: Callable[[int], object], count: int = ASKED) -> float:
    """Return the microseconds of one call: the median of five rounds."""
    found = []
    for _ in range(5):
        begun = time.perf_counter()
        for at in range(count):
            work(at)
        found.append((time.perf_counter() - begun) / count * 1e6)
    return statistics.median(found)


def in_process(system: CodeSystem) -> list[tuple[str, str, str]]:
    """Measure one compiled code system; each figure beside a bare look-up."""
    chance = random.Random(3)
    codes = [system.concepts[chance.randrange(len(system))].code for _ in range(ASKED)]
    plain = {code: code for code in codes}
    bare = micros(lambda at: plain[codes[at]])
    element = [{"code": code, "target": [{"code": code, "equivalence": "equivalent"}]} for code in set(codes)]
    mapped = compile_map({"group": [{"source": "a", "target": "b", "element": element}]})
    name = f"{system.edition.name}, {len(system):,} codes"
    figures = [
        ("lookup", micros(lambda at: system.lookup(codes[at]))),
        ("subsumes", micros(lambda at: system.subsumes(codes[at - 1], codes[at]))),
        ("translate", micros(lambda at: mapped.translate("a", codes[at]))),
    ]
    made = [(f"{what}, {name}", f"{value:.2f} µs", f"{value / bare:.0f} look-ups") for what, value in figures]
    for text in TEXTS[:4]:
        took = micros(lambda _, text=text: system.search(text), 20) / 1000  # type: ignore[misc]  # a bound default
        made.append((f"search {text!r}, {name}", f"{took:.2f} ms", ""))
    return made


def over_http(hub: HubProcess, url: str) -> list[tuple[str, str, str]]:
    """Measure `$validate-code` and prefix `$expand` on what is loaded."""
    with psycopg.connect(url) as session:
        system = snapshots.current(session, SYSTEM_CM)
    assert system is not None
    chance = random.Random(5)
    codes = [system.concepts[chance.randrange(len(system))].code for _ in range(4000)]
    whole = f"{SYSTEM_CM}?fhir_vs"
    asked = [f"/fhir/ValueSet/$validate-code?url={whole}&system={SYSTEM_CM}&code={code}" for code in codes]
    alive, _ = _ask(hub, ["/health/live"] * 4000)
    _ask(hub, asked[:50])
    rate, _ = _ask(hub, asked)
    rows = [("$validate-code over HTTP", f"{rate:,.0f}/s", f"{rate / alive:.2f} of /health/live")]
    for name, value_set in (("ICD-10-CM", whole), ("the graph", f"{GRAPH}?fhir_vs")):
        paths = [f"/fhir/ValueSet/$expand?url={value_set}&filter={quote(text)}&count=20" for text in TEXTS * 40]
        _ask(hub, paths[:10])
        rate, times = _ask(hub, paths, 1)
        p95 = statistics.quantiles(times, n=20)[-1] * 1000
        rows.append((f"$expand by prefix over HTTP, {name}", f"p95 {p95:.1f} ms", f"{rate:,.0f}/s, one connection"))
    return rows


def _ask(hub: HubProcess, paths: Sequence[str], clients: int = CLIENTS) -> tuple[float, list[float]]:
    """Return the answers per second of some connections, and the seconds of each."""

    where = urlsplit(hub.url)

    def work(mine: Sequence[str]) -> list[float]:
        # The plain client of the library: heavier ones are slower than what they are to measure.
        wire = http.client.HTTPConnection(where.hostname or "", where.port)
        token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        found = [_timed(wire, path, {"authorization": f"Basic {token}"}) for path in mine]
        wire.close()
        return found

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        taken = [one for each in pool.map(work, [paths[at::clients] for at in range(clients)]) for one in each]
    return len(paths) / (time.perf_counter() - begun), taken


def _timed(wire: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> float:
    begun = time.perf_counter()
    wire.request("GET", path, headers=headers)
    answer = wire.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(body[:500])
    return time.perf_counter() - begun


def main() -> None:
    """Load, measure, print."""
    table = Table("what", "figure", "beside", title="Terminology")
    with running() as (hub, url):
        with psycopg.connect(url) as session:
            for load in (loading.load_icd10cm, _load_graph):
                begun = time.perf_counter()
                loaded = load(session)
                session.commit()
                table.add_row(f"load {loaded.edition.name}", f"{time.perf_counter() - begun:.1f} s", "")
            for name in (SYSTEM_CM, GRAPH):
                begun = time.perf_counter()
                system = snapshots.current(session, name)
                assert system is not None
                table.add_row(f"compile {system.edition.name}", f"{time.perf_counter() - begun:.1f} s", "")
                for row in in_process(system):
                    table.add_row(*row)
        for row in over_http(hub, url):
            table.add_row(*row)
    Console(width=120).print(table)


def _load_graph(session: store.Session) -> "loading.Loaded":
    return store.load(session, Edition(GRAPH, "1", "the graph"), graph(SIZE))


if __name__ == "__main__":
    main()
