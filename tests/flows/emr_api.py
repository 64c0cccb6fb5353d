"""The HTTP API of an EMR, as many are: pages of rows that changed since a time, by its own clock, and its bad days."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.flows.listening import Answer, Listening


@dataclass(slots=True)
class EmrApi:
    """`/visits?updated_after=…&page=N` (also `offset`, `cursor`); `skew` is how far its clock is from ours.

    `faults` are answered first, one a request: (status, headers), status 0 drops the connection, 200 is no fault,
    1 answers when nobody waits any more: once `patience` is set, or it is stopped.
    `asked` keeps the queries. Bearer `open-sesame` is asked for.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    size: int = 2
    skew: timedelta = timedelta(0)
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    patience: threading.Event = field(default_factory=threading.Event)
    listening: Listening = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        self.listening = Listening(self.answer)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.listening.url

    def stop(self) -> None:
        """Stop listening."""
        self.patience.set()
        self.listening.stop()

    def save(self, visit_id: str, **row: Any) -> None:
        """Write a row down, by the API's clock."""
        self.rows = [one for one in self.rows if one["visit_id"] != visit_id]
        self.rows.append({"visit_id": visit_id, "updated_at": self.now(), **row})

    def now(self) -> str:
        """The time by its clock, as it writes it."""
        return (datetime.now(UTC) + self.skew).isoformat(timespec="microseconds")

    def answer(self, _method: str, target: str, sent: Mapping[str, str], _body: bytes) -> Answer:
        """Return status, headers and body; status 0 drops the connection."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.asked.append(query)
        if self.faults:
            status, given = self.faults.pop(0)
            if status == 1:
                self.patience.wait()
            elif status != 200:
                return status, given, b""
        if sent.get("authorization") != "Bearer open-sesame":
            return 401, {}, b"{}"
        since = query.get("updated_after")
        found = sorted(self.rows, key=lambda row: row["updated_at"])
        if since:
            after = datetime.fromisoformat(since)
            found = [row for row in found if datetime.fromisoformat(row["updated_at"]) > after]
        at = int(query.get("cursor") or query.get("offset") or (int(query.get("page", "1")) - 1) * self.size)
        page, rest = found[at : at + self.size], found[at + self.size :]
        more = {"next": str(at + self.size), "link": f"/visits?offset={at + self.size}"} if rest else {}
        headers = {"link": f'<{self.url}{more["link"]}>; rel="next"'} if rest else {}
        return 200, headers, json.dumps({"data": {"rows": page}, "meta": more}).encode()
