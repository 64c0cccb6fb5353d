"""Senders that hang up and a hub that is killed: every acknowledged message is there, once, in order.

`python -m benchmarks.hl7v2_soak [MESSAGES]`: 10,000 updates of 20 persons over 20 connections; one message in fifty
loses its connection before its answer, the hub is killed (SIGKILL) three times. Ends with 1 when anything is wrong.
"""

import random
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from benchmarks.running import running
from hub.demo.processes import HubProcess

MESSAGES, SENDERS, KILLS = 10_000, 20, 3
HANG_UP = 0.02
PATIENCE = 120.0
MESSAGE = (
    "MSH|^~\\&|SOAK|WARD{sender}|HUB||20260305081500+0000||ADT^A08^ADT_A01|{id}|P|2.5.1\r"
    "EVN|A08|20260305081500+0000\rPID|1||S{sender}^^^SOAK^MR||Soak^Step{step}||19800101|F\rPV1|1|N\r"
)


@dataclass(slots=True)
class Sender:
    """One sender of one person: sends its messages in order, each until it is acknowledged."""

    number: int
    port: int
    chance: random.Random
    acknowledged: list[str] = field(default_factory=list)
    wire: socket.socket | None = None
    last: bytes = b""

    def send_all(self, count: int) -> None:
        """Send `count` messages."""
        for step in range(1, count + 1):
            control_id = f"{self.number}-{step}"
            raw = MESSAGE.format(sender=self.number, id=control_id, step=step).encode()
            until = time.monotonic() + PATIENCE
            while not self.is_taken(raw, control_id):
                if time.monotonic() > until:
                    raise TimeoutError(f"{control_id} was not taken within {PATIENCE:g} s, last answered {self.last!r}")
                time.sleep(0.05)
            self.acknowledged.append(control_id)
        self.hang_up()

    def is_taken(self, raw: bytes, control_id: str) -> bool:
        """Send a message; tell whether AA came for it."""
        try:
            if self.wire is None:
                self.wire = connect(self.port)
            self.wire.sendall(b"\x0b" + raw + b"\x1c\r")
            if self.chance.random() < HANG_UP:
                self.hang_up()
                return False
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                more = self.wire.recv(65536)
                if not more:
                    raise ConnectionError("hung up")
                answer += more
        except OSError:
            self.hang_up()
            return False
        self.last = answer
        return f"\rMSA|AA|{control_id}\r".encode() in answer

    def hang_up(self) -> None:
        """Close the connection."""
        if self.wire is not None:
            self.wire.close()
            self.wire = None


def connect(port: int) -> socket.socket:
    """Connect to the hub. While nobody listens, the system may connect a socket to itself: that is nobody, too."""
    wire = socket.create_connection(("127.0.0.1", port), timeout=30)
    if wire.getsockname() == wire.getpeername():
        wire.close()
        raise ConnectionError("nobody listens")
    return wire


def soak(messages: int = MESSAGES, senders: int = SENDERS, kills: int = KILLS, seed: int = 1) -> list[str]:
    """Send so many messages while the hub is killed so many times; return what was wrong afterwards."""
    with running() as (hub, url):
        chance = random.Random(seed)
        some = [Sender(n, hub.mllp, random.Random(chance.random())) for n in range(senders)]
        with ThreadPoolExecutor(senders) as threads:
            sending = [threads.submit(one.send_all, messages // senders) for one in some]
            for n in range(kills):
                wait_until(some, messages * (n + 1) // (kills + 1))
                kill(hub)
            for done in sending:
                done.result()
        settle(hub)
        return [problem for one in some for problem in problems(url, one)]


def wait_until(senders: list[Sender], count: int) -> None:
    """Wait until so many messages are acknowledged."""
    until = time.monotonic() + 10 * PATIENCE
    while sum(len(one.acknowledged) for one in senders) < count and time.monotonic() < until:
        time.sleep(0.02)


def kill(hub: HubProcess) -> None:
    """Kill the hub, and start it again."""
    assert hub.process is not None
    hub.process.kill()
    hub.process.wait()
    hub.start()
    hub.wait()


def settle(hub: HubProcess) -> None:
    """Wait until nothing is waiting any more."""
    with hub.client() as client:
        while any(row["state"] == "waiting" for row in client.get("/hub/balance").json()):
            time.sleep(0.2)


def problems(url: str, sender: Sender) -> list[str]:
    """Return what is wrong with the messages of a sender, and with the history of its person."""
    with psycopg.connect(url) as session:
        kept = session.execute(
            "select m.control_id, m.state from message m join peer p on p.id = m.peer"
            " where p.code = %s and m.type <> 'fault' order by m.id",
            (f"SOAK|WARD{sender.number}",),
        ).fetchall()
        written = session.execute(
            "select convert_from(v.doc, 'utf8')::jsonb #>> '{name,0,given,0}' from message m"
            " join peer p on p.id = m.peer join change_set s on s.message = m.id"
            " join record_version v on v.change_set = s.id where p.code = %s"
            " and convert_from(v.doc, 'utf8')::jsonb ->> 'resourceType' = 'Patient' order by v.version",
            (f"SOAK|WARD{sender.number}",),
        ).fetchall()
    wrong = []
    if [(control_id, "done") for control_id in sender.acknowledged] != kept:
        wrong.append(f"sender {sender.number}: {len(sender.acknowledged)} acknowledged, {len(kept)} kept, or not done")
    if [f"Step{step}" for step in range(1, len(sender.acknowledged) + 1)] != [name for (name,) in written]:
        wrong.append(f"person {sender.number}: {len(written)} versions, or not in order")
    return wrong


def main() -> None:
    """Soak and print."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    begun = time.perf_counter()
    wrong = soak(messages)
    print(f"{messages:,} messages, {SENDERS} connections, {KILLS} kills: {time.perf_counter() - begun:.0f} s")
    print("\n".join(wrong) or "every acknowledged message is there once, in order")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
