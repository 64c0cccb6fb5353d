"""A small HTTP server for the peers that the tests play: one function answers every request."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[int, dict[str, str], bytes]
"""Status, headers and body; a status of 0 or below drops the connection."""
Answering: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Answer]
"""(method, target, headers, body) -> answer."""


@dataclass(slots=True)
class Listening:
    """Answers at `url` until `stop` is called."""

    answering: Answering
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        answering = self.answering

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", "0")))
                status, headers, body = answering(self.command, self.path, self.headers, raw)
                if status <= 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        for method in ("GET", "POST", "PUT", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.answer)
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
