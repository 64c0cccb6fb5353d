"""Processor time of a hub and its database, from /proc: what a rate costs, whatever else the machine is doing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.demo.processes import HubProcess

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of processor time used so far by the hub's own process and by its PostgreSQL."""

    hub: float
    database: float

    def since(self, before: "Spent") -> "Spent":
        """Return what was used after `before`."""
        return Spent(self.hub - before.hub, self.database - before.database)


def spent(hub: HubProcess) -> Spent:
    """Return what a running hub with an embedded PostgreSQL has used."""
    assert hub.process is not None
    postmaster = int(next(hub.data.rglob("postmaster.pid")).read_text().splitlines()[0])
    return Spent(_seconds(hub.process.pid), sum(_seconds(pid) for pid in _family(postmaster)))


def _family(root: int) -> Iterator[int]:
    """Yield a process and everything below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := _fields(int(folder.name)):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, [])


def _seconds(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0


def _fields(pid: int) -> list[str]:
    """Return what stands after the name in `/proc/<pid>/stat`; nothing for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
