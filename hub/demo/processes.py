"""The demonstration's cast as real processes and sockets: two hubs, a laboratory's listener, an SMS gateway."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import httpx

READY_SECONDS = 90.0
_PORTS = re.compile(r"^ +(HTTP|MLLP) .*:(\d+)$", re.MULTILINE)
PASSWORD = "demo-only-password"  # noqa: S105 - both hubs of the demonstration, on loopback, with invented data


@dataclass(slots=True)
class HubProcess:
    """A hub in a process of its own, with its own database, on ports that it chooses: known once it is ready."""

    name: str
    data: Path
    http: int = 0
    mllp: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens for HTTP."""
        return f"http://127.0.0.1:{self.http}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.data.with_suffix(".log")

    def start(self) -> None:
        """Start the process; `wait` tells when it is ready."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "hub", "serve", "--data", str(self.data)]
        command += ["--http", f"127.0.0.1:{self.http}", "--mllp", f"127.0.0.1:{self.mllp}"]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                command, stdout=out, stderr=out, env={**os.environ, "TRACKER_HUB_ADMIN_PASSWORD": PASSWORD}
            )

    def wait(self) -> None:
        """Return once the hub says that it is ready. Raises `RuntimeError` with the end of its log when it gives up."""
        assert self.process is not None
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if self._ready():
                return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the {self.name} hub did not become ready:\n{tail}")

    def _ready(self) -> bool:
        told = dict(_PORTS.findall(self.log.read_text(errors="replace")))
        if len(told) < 2:
            return False
        self.http, self.mllp = int(told["HTTP"]), int(told["MLLP"])
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)

    def client(self) -> httpx.Client:
        """Return an HTTP client signed in as its administrator."""
        return httpx.Client(base_url=self.url, auth=("admin", PASSWORD), timeout=60)


class Gateway:
    """An SMS gateway: accepts `POST /messages` and remembers what it was asked to send, once per idempotency key."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                key = self.headers.get("idempotency-key") or str(len(gateway.sent))
                gateway.sent.setdefault(key, json.loads(body))
                answer = json.dumps({"id": key, "status": "queued"}).encode()
                self.send_response(202)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where messages are posted to."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/messages"

    def stop(self) -> None:
        """Close the gateway."""
        self.server.shutdown()
        self.server.server_close()


class Laboratory:
    """A laboratory system's MLLP listener: keeps every message it gets and answers AA."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        laboratory = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                pending = b""
                while chunk := self.request.recv(65536):
                    pending += chunk
                    while b"\x1c\r" in pending:
                        frame, _, pending = pending.partition(b"\x1c\r")
                        message = frame.lstrip(b"\x0b")
                        laboratory.received.append(message)
                        self.request.sendall(b"\x0b" + _acknowledge(message) + b"\x1c\r")

        class Server(ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where messages are sent to."""
        return f"mllp://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        """Close the listener."""
        self.server.shutdown()
        self.server.server_close()


def _acknowledge(message: bytes) -> bytes:
    head = message.split(b"\r", 1)[0].split(b"|")
    parts = [
        b"MSH",
        b"^~\\&",
        head[4],
        head[5],
        head[2],
        head[3],
        head[6],
        b"",
        b"ACK",
        b"LAB" + head[9],
        b"P",
        head[11],
    ]
    return b"|".join(parts) + b"\rMSA|AA|" + head[9] + b"\r"


class Wire:
    """One MLLP connection to a hub, kept open, as a hospital's interface engine keeps it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)

    def send(self, message: bytes) -> str:
        """Send one message and return the acknowledgement's code (`AA`, `AE`, `AR`)."""
        self.socket.sendall(b"\x0b" + message + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("the hub closed the connection without an answer")
            answer += chunk
        for segment in answer.split(b"\r"):
            if segment.startswith(b"MSA|"):
                return segment.split(b"|")[1].decode()
        return ""

    def close(self) -> None:
        """Hang up."""
        self.socket.close()
