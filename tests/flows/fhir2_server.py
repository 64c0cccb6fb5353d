"""A FHIR server with the limits of OpenMRS' FHIR2 module: no transactions, no ids of others, no identifiers of obs."""

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

KEEPS_IDENTIFIERS = ("Patient", "Encounter")
Answer = tuple[int, dict[str, Any] | None]


@dataclass(slots=True)
class Fhir2:
    """`faults` are answered first, one a request: a status, 0 drops the connection, 200 is no fault, -1 does what is
    asked and drops the connection. `calls` keeps method and path.
    """

    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        fhir2 = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", "0")))
                status, document = fhir2.answer(self.command, self.path, raw)
                if status <= 0:
                    self.close_connection = True
                    return
                body = json.dumps(document).encode() if document else b""
                self.send_response(status)
                self.send_header("content-type", "application/fhir+json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def do_PUT(self) -> None:
                self.answer()

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/ws/fhir2/R4"

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def save(self, document: dict[str, Any], id: str = "") -> dict[str, Any]:
        """Keep a resource, under a new id unless one is given."""
        id = id or document.get("id") or str(uuid4())
        kept = {**document, "id": id, "meta": {"lastUpdated": datetime.now(UTC).isoformat(), "versionId": "1"}}
        if document["resourceType"] not in KEEPS_IDENTIFIERS:
            kept.pop("identifier", None)
        self.resources[f"{document['resourceType']}/{id}"] = kept
        return kept

    def of(self, type: str) -> list[dict[str, Any]]:
        """The resources of a type."""
        return [one for one in self.resources.values() if one["resourceType"] == type]

    def answer(self, method: str, target: str, raw: bytes) -> Answer:
        """Return status and body."""
        path = urlsplit(target).path.removeprefix("/ws/fhir2/R4").strip("/")
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.calls.append(f"{method} {path}")
        fault = self.faults.pop(0) if self.faults else 200
        if fault not in (200, -1):
            return fault, None
        document = json.loads(raw) if raw else {}
        status, body = self._do(method, path, query, document)
        return (status if fault == 200 else -1), body

    def _do(self, method: str, path: str, query: dict[str, str], document: dict[str, Any]) -> Answer:
        if method == "GET":
            return self._search(path, query)
        if method == "POST":
            return self._create(path, document)
        if path not in self.resources:
            return self._refuse(405, "clients may not choose ids")
        return 200, self.save(document, path.partition("/")[2])

    def _create(self, path: str, document: dict[str, Any]) -> Answer:
        if not path:
            return self._refuse(400, "transactions are not supported")
        if "id" in document:
            return self._refuse(400, "resource ids are given by the server")
        missing = [one for one in _references(document) if one not in self.resources]
        if missing:
            return self._refuse(422, f"{missing[0]} does not exist")
        return 201, self.save(document)

    def _refuse(self, status: int, text: str) -> Answer:
        issue = {"severity": "error", "code": "processing", "diagnostics": text}
        return status, {"resourceType": "OperationOutcome", "issue": [issue]}

    def _search(self, type: str, query: dict[str, str]) -> Answer:
        found = sorted(self.of(type), key=lambda one: str(one["meta"]["lastUpdated"]))
        if "identifier" in query:
            sought = set(query["identifier"].split(","))
            found = [
                one for one in found if sought & {f"{i['system']}|{i['value']}" for i in one.get("identifier", ())}
            ]
        if "_lastUpdated" in query:
            since = datetime.fromisoformat(query["_lastUpdated"].removeprefix("ge"))
            found = [one for one in found if datetime.fromisoformat(one["meta"]["lastUpdated"]) >= since]
        at, count = int(query.get("at", "0")), int(query.get("_count", "10"))
        more = f"{self.url}/{type}?" + urlencode({**query, "at": at + count})
        links = [{"relation": "next", "url": more}] if len(found) > at + count else []
        entries = [{"resource": one} for one in found[at : at + count]]
        return 200, {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for one in node for found in _references(one)]
    if not isinstance(node, dict):
        return []
    own = [node["reference"]] if isinstance(node.get("reference"), str) else []
    return [*own, *(found for one in node.values() for found in _references(one))]
