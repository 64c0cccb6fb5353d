"""A FHIR server with the limits of OpenMRS' FHIR2 module: no transactions, no ids of others, no identifiers of obs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from tests.flows.listening import Answer, Listening

KEEPS_IDENTIFIERS = ("Patient", "Encounter")
Found = tuple[int, dict[str, Any] | None]


@dataclass(slots=True)
class Fhir2:
    """`faults` are answered first, one a request: a status, 0 drops the connection, 200 is no fault, -1 does what is
    asked and drops the connection. `calls` keeps method and path.
    """

    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    listening: Listening = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        self.listening = Listening(self.answer)

    @property
    def url(self) -> str:
        """The base address."""
        return f"{self.listening.url}/ws/fhir2/R4"

    def stop(self) -> None:
        """Stop listening."""
        self.listening.stop()

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

    def answer(self, method: str, target: str, _sent: Mapping[str, str], raw: bytes) -> Answer:
        """Return status and body."""
        path = urlsplit(target).path.removeprefix("/ws/fhir2/R4").strip("/")
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.calls.append(f"{method} {path}")
        fault = self.faults.pop(0) if self.faults else 200
        if fault not in (200, -1):
            return fault, {}, b""
        status, document = self._do(method, path, query, json.loads(raw) if raw else {})
        body = json.dumps(document).encode() if document else b""
        return (status if fault == 200 else -1), {"content-type": "application/fhir+json"}, body

    def _do(self, method: str, path: str, query: dict[str, str], document: dict[str, Any]) -> Found:
        if method == "GET":
            return self._search(path, query)
        if method == "POST":
            return self._create(path, document)
        if path not in self.resources:
            return self._refuse(405, "clients may not choose ids")
        return 200, self.save(document, path.partition("/")[2])

    def _create(self, path: str, document: dict[str, Any]) -> Found:
        if not path:
            return self._refuse(400, "transactions are not supported")
        if "id" in document:
            return self._refuse(400, "resource ids are given by the server")
        missing = [one for one in _references(document) if one not in self.resources]
        if missing:
            return self._refuse(422, f"{missing[0]} does not exist")
        return 201, self.save(document)

    def _refuse(self, status: int, text: str) -> Found:
        issue = {"severity": "error", "code": "processing", "diagnostics": text}
        return status, {"resourceType": "OperationOutcome", "issue": [issue]}

    def _search(self, type: str, query: dict[str, str]) -> Found:
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
