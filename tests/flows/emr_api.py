"""The HTTP API of an EMR, as many are: pages of rows that changed since a time, by its own clock, and its bad days."""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(slots=True)
class EmrApi:
    """`/visits?updated_after=…&page=N` (also `offset`, `cursor`); `skew` is how far its clock is from ours.

    `faults` are answered first, one a request: (status, headers), status 0 drops the connection, 200 is no fault,
    1 answers too late.
    `asked` keeps the queries. Bearer `open-sesame` is asked for.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    size: int = 2
    skew: timedelta = timedelta(0)
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = api.answer(self.path, self.headers.get("authorization", ""))
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def save(self, visit_id: str, **row: Any) -> None:
        """Write a row down, by the API's clock."""
        self.rows = [one for one in self.rows if one["visit_id"] != visit_id]
        self.rows.append({"visit_id": visit_id, "updated_at": (datetime.now(UTC) + self.skew).isoformat(), **row})

    def answer(self, target: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body; status 0 drops the connection."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.asked.append(query)
        if self.faults:
            status, given = self.faults.pop(0)
            if status == 1:
                time.sleep(1)
            elif status != 200:
                return status, given, b""
        if authorization != "Bearer open-sesame":
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
