"""Rates of a running hub over its real wires: a process of its own, embedded PostgreSQL, everything on these cores."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import httpx
import orjson

from benchmarks import tracker_import
from benchmarks.bundles import patient_bundles
from benchmarks.ceiling import copy_rate
from benchmarks.running import running
from benchmarks.table import Row
from hub.demo import writing
from hub.demo.people import make_day
from hub.demo.processes import HubProcess, Wire

CLIENTS = 2
READS = 4000
MESSAGES = 1500
WIRES = 8


def rows() -> list[Row]:
    """Measure every path once, in one hub."""
    with running() as (hub, url):
        return [_import(hub, url), _read(hub), *_messages(hub, url), _tracker(hub, url)]


def _spread(work: Sequence[bytes], clients: int, send: Callable[[httpx.Client, bytes], None], hub: HubProcess) -> float:
    """Return the seconds that `clients` connections need for all of `work`."""
    queue = iter(work)
    lock = threading.Lock()

    def drain() -> None:
        with hub.client() as client:
            while True:
                with lock:
                    item = next(queue, None)
                if item is None:
                    return
                send(client, item)

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(drain) for _ in range(clients)]:
            done.result()
    return time.perf_counter() - begun


def _import(hub: HubProcess, url: str) -> Row:
    first, bundles = patient_bundles()
    with hub.client() as client:
        for bundle in first:
            _post(client, bundle)
    entries = [orjson.dumps(entry["resource"]) for bundle in bundles for entry in orjson.loads(bundle)["entry"]]
    seconds = _spread(bundles, CLIENTS, _post, hub)
    ceiling = copy_rate(url, entries, max(1, len(entries) // len(bundles)))
    return Row(
        "FHIR transaction import",
        "resources",
        len(entries) / seconds,
        ceiling,
        "COPY of the same documents, a transaction per bundle",
        f"{len(bundles)} bundles, {len(entries)} resources, {CLIENTS} connections, HTTP",
    )


def _post(client: httpx.Client, bundle: bytes) -> None:
    response = client.post("/fhir", content=bundle, headers={"content-type": "application/fhir+json"})
    assert response.status_code == 200, response.text[:500]


def _read(hub: HubProcess) -> Row:
    with hub.client() as client:
        found = client.get("/fhir/Patient?_count=20").json()["entry"]
    paths = [f"/fhir/Patient/{entry['resource']['id']}".encode() for entry in found]
    work = [paths[n % len(paths)] for n in range(READS)]

    def get(client: httpx.Client, path: bytes) -> None:
        assert client.get(path.decode()).status_code == 200

    def live(client: httpx.Client, _path: bytes) -> None:
        assert client.get("/health/live").status_code == 200

    seconds = _spread(work, 4, get, hub)
    bare = _spread(work, 4, live, hub)
    return Row(
        "FHIR read",
        "requests",
        len(work) / seconds,
        len(work) / bare,
        "the same client asking /health/live",
        "GET Patient/{id} with login, 4 connections",
    )


def _messages(hub: HubProcess, url: str) -> Iterator[Row]:
    visits = make_day(date(2026, 3, 2)).visits["hl7v2"]
    results = [message for _, message in writing.hl7_messages(visits) if b"ORU^R01" in message]
    senders = sorted({message.split(b"|")[3].decode() for message in results})
    for said, meaning in (("stored", "durably stored"), ("applied", "applied")):
        with hub.client() as client:
            for sender in senders:
                body = {"format": "hl7v2", "settings": {"acknowledge": said}}
                client.put(f"/hub/peers/CLINIC|{sender}", json=body).raise_for_status()
        work = [_numbered(results[n % len(results)], f"{said}{n}") for n in range(MESSAGES)]
        ceiling = copy_rate(url, work, 1)
        yield Row(
            f"ORU^R01 over MLLP, {meaning} before AA",
            "messages",
            len(work) / _send_over(hub.mllp, work),
            ceiling,
            "COPY of the same messages, a transaction each, one connection",
            f"{len(work)} messages of {len(work[0])} bytes, {WIRES} connections",
        )
        _settle(hub)


def _send_over(port: int, work: Sequence[bytes]) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(WIRES) as pool:
        for done in [pool.submit(_send_all, port, work[n::WIRES]) for n in range(WIRES)]:
            done.result()
    return time.perf_counter() - begun


def _settle(hub: HubProcess) -> None:
    """Wait until the workers have applied everything, so that they don't run beside the next measurement."""
    with hub.client() as client:
        while any(row["state"] == "waiting" for row in client.get("/hub/balance").json()):
            time.sleep(0.2)


def _tracker(hub: HubProcess, url: str) -> Row:
    rate = tracker_import.measure(hub, url)
    return Row(
        "tracker import",
        "entities",
        rate.ours,
        rate.ceiling,
        "COPY of the same rows, all indexes on, one connection",
        f"payloads of 500 entities, 8 attributes, 1 enrollment, 1 event of 20 values, {CLIENTS} connections, HTTP",
    )


def _numbered(message: bytes, number: str) -> bytes:
    head, rest = message.split(b"\r", 1)
    fields = head.split(b"|")
    fields[9] = number.encode()
    return b"|".join(fields) + b"\r" + rest.replace(b"^LAB|34566-0", f"-{number}^LAB|34566-0".encode())


def _send_all(port: int, messages: Sequence[bytes]) -> None:
    wire = Wire(port)
    try:
        for message in messages:
            code = wire.send(message)
            assert code == "AA", code
    finally:
        wire.close()
