"""Receivers that behave, or misbehave, as told."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = list[tuple[int, bytes]]


@dataclass(slots=True)
class Receiver:
    """An HTTP server that keeps what it gets and answers by `script`, one (status, body) a request, the last one on."""

    script: Script
    received: list[bytes] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        made = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                made.received.append(self.rfile.read(int(self.headers.get("content-length", "0"))))
                status, body = made.script.pop(0) if len(made.script) > 1 else made.script[0]
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_PUT(self) -> None:
                self.do_POST()

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
