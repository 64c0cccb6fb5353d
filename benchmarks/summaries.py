"""Patient summaries over HTTP, of synthetic persons with whole histories; and how fast documents are validated.

    python -m benchmarks.summaries FOLDER [seconds]

`FOLDER` holds Synthea bundles (`*.json.gz`), hospitals and practitioners named `0-…`. A hub of its own, four clients.
"""

import argparse
import gzip
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.running import running
from tracker_core.profiles import Library, World, validate
from tracker_core.records import documents

CLIENTS = 4


def main() -> None:
    """Load, ask, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seconds", type=float, nargs="?", default=20.0)
    asked = parser.parse_args()
    bundles = [gzip.decompress(path.read_bytes()) for path in sorted(asked.folder.glob("*.json.gz"))]
    print(f"validated: {validation_rate(bundles):,.0f} resources/s by one process, R4's rules and invariants")
    with running() as (hub, _), hub.client() as client:
        for bundle in bundles:
            client.post("/fhir", content=bundle).raise_for_status()
        found = client.get("/fhir/Patient", params={"_count": 1000}).json()["entry"]
        paths = [f"/fhir/Patient/{one['resource']['id']}/$summary" for one in found]
        times, sizes = ask(client, paths, asked.seconds)
    rate = len(times) / asked.seconds
    cut = statistics.quantiles(times, n=20)
    print(f"summaries: {rate:.1f}/s, {len(times)} of {len(paths)} persons by {CLIENTS} clients;", end=" ")
    print(f"p50 {cut[9] * 1000:.0f} ms, p95 {cut[18] * 1000:.0f} ms; {statistics.mean(sizes) / 1000:.0f} kB each")


def validation_rate(bundles: list[bytes]) -> float:
    """Return how many resources a second are validated, of those in the first bundles."""
    resources = [entry["resource"] for raw in bundles[:6] for entry in documents.decode(raw)["entry"]]
    world = World(Library())
    validate(world, resources[:200])
    began = time.perf_counter()
    validate(world, resources)
    return len(resources) / (time.perf_counter() - began)


def ask(client: httpx.Client, paths: list[str], seconds: float) -> tuple[list[float], list[int]]:
    """Ask for one person after another; return the time and the size of each answer."""
    end = time.perf_counter() + seconds
    times: list[float] = []
    sizes: list[int] = []

    def run(first: int) -> None:
        at = first
        while time.perf_counter() < end:
            began = time.perf_counter()
            answer = client.get(paths[at % len(paths)])
            answer.raise_for_status()
            times.append(time.perf_counter() - began)
            sizes.append(len(answer.content))
            at += CLIENTS

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(run, range(CLIENTS)))
    return times, sizes


if __name__ == "__main__":
    main()
