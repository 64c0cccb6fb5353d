"""The answer to a message: a message whose header says what became of it (FHIR R4 2.4.5, MessageHeader.response)."""

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

import orjson

from adapters.fhir import outcomes, xml
from adapters.fhir.messaging.reading import Json, open_message
from tracker_core.errors import HubError, wording
from tracker_core.issues import Report
from tracker_core.records.terms import instant


def acknowledge(raw: bytes, report: Report, error: BaseException | None) -> bytes:
    """Return the answer: `ok`, `transient-error` (send it again) or `fatal-error`, with an OperationOutcome.

    What cannot be read as a message is answered by the OperationOutcome alone.
    """
    try:
        header = open_message(xml.read(raw) if raw.lstrip()[:1] == b"<" else raw).header
    except HubError as fault:
        return outcomes.of_error(error or fault)
    outcome = outcomes.of_error(error) if error is not None else outcomes.outcome(report.issues)
    failed = error is not None or report.rejected
    code = "ok" if not failed else "transient-error" if error and wording(error).retried else "fatal-error"
    own, details = (uuid5(NAMESPACE_URL, f"tracker-hub:{part}:{header['id']}") for part in ("answer", "outcome"))
    answer: Json = {
        "resourceType": "MessageHeader",
        "id": str(own),
        **{name: header[name] for name in ("eventCoding", "eventUri") if name in header},
        **_destination(header),
        "source": {"name": "Tracker Hub", "endpoint": "urn:tracker-hub"},
        "response": {"identifier": header["id"], "code": code, "details": {"reference": f"urn:uuid:{details}"}},
    }
    head = {
        "resourceType": "Bundle",
        "id": str(uuid5(NAMESPACE_URL, f"tracker-hub:bundle:{header['id']}")),
        "type": "message",
        "timestamp": instant(datetime.now(UTC)),
    }
    entries = [_entry(str(own), orjson.dumps(answer)), _entry(str(details), outcome)]
    return orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _destination(header: Json) -> Json:
    source = header.get("source")
    endpoint = source.get("endpoint") if isinstance(source, dict) else None
    return {"destination": [{"endpoint": endpoint}]} if endpoint else {}


def _entry(id: str, resource: bytes) -> bytes:
    return b'{"fullUrl":"urn:uuid:%b","resource":%b}' % (id.encode(), resource)
