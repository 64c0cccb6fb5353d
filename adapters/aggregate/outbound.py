"""Reports going out: the cells of a submission as the format the peer takes, and what its answer means for each."""

from typing import Any

import httpx
import orjson

from adapters.aggregate import adx, measure, value_sets
from adapters.aggregate.schemes import Schemes, schemes
from adapters.aggregate.verdicts import verdicts
from adapters.contract import Outgoing, Receipt, Sender, View
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue

MEASURES = "urn:dhis2:dataSets:"
_AGAIN = frozenset({408, 425, 429})
_DEFAULTS = {adx.CONTENT_TYPE: "CODE", value_sets.CONTENT_TYPE: "UID", measure.CONTENT_TYPE: "CODE"}


def content_type(peer: Peer) -> str:
    """Return what a peer takes, by its setting `content_type`: ADX unless it says otherwise."""
    found = str(peer.settings.get("content_type") or adx.CONTENT_TYPE).partition(";")[0]
    if found not in _DEFAULTS:
        raise Unsupported(f"reports cannot be written as {found}; choose one of {', '.join(_DEFAULTS)}")
    return found


def write(view: View, _: Sender, control_id: str) -> dict[str, Any]:
    """Return a submission together with the id its message goes by. Raises `Unsupported` for any other view."""
    if view.kind != "report":
        raise Unsupported(f"a {view.kind} cannot be written as aggregate values")
    return view.values | {"control_id": control_id}


def render(document: dict[str, Any], sender: Sender) -> bytes:
    """Return the bytes, in the peer's format and under its id schemes (setting `schemes`, as DHIS2 names them)."""
    peer = sender.peer
    return render_cells(
        document["cells"],
        document["dataSet"],
        content_type(peer),
        _schemes(peer),
        document["created"],
        str(peer.settings.get("measures") or MEASURES),
    )


def render_cells(
    cells: list[dict[str, Any]],
    data_set: dict[str, Any] | None,
    wanted: str,
    names: Schemes,
    made: str,
    base: str = MEASURES,
) -> bytes:
    """Return cells in one of the three formats: all three carry the same ones. Raises `Unsupported`."""
    if wanted == adx.CONTENT_TYPE:
        return adx.write(cells, data_set, names, made)
    if wanted == measure.CONTENT_TYPE:
        return measure.write(cells, data_set, names, made, base)
    return value_sets.write(cells, data_set, names)


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Push a report to the peer's address: a DHIS2 server for ADX and data value sets, a FHIR base for MeasureReports.

    The answer's verdict on each value is in `items`, by its position. Raises `Unavailable` when the peer is away, busy,
    or fails (5xx, 408, 425, 429): sending the same values twice does no harm.
    """
    if not peer.address:
        raise Unsupported(f"the peer {peer.code} has no address")
    method, url, parameters = _target(outgoing, peer)
    headers = {"content-type": outgoing.content_type, **peer.settings.get("headers", {})}
    try:
        with httpx.Client(timeout=float(peer.settings.get("timeout", 60))) as client:
            response = client.request(
                method, url, params=parameters, content=outgoing.body, headers=headers, **_credentials(peer)
            )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Unsupported(f"the address of {peer.code} cannot be used: {error}") from error
    except httpx.TransportError as error:
        raise Unavailable(f"the receiver {peer.code} cannot be reached: {type(error).__name__}") from error
    if response.status_code >= 500 or response.status_code in _AGAIN:
        raise Unavailable(f"the receiver {peer.code} answered {response.status_code}")
    return judge(response.status_code, response.content, outgoing)


def judge(status: int, body: bytes, outgoing: Outgoing) -> Receipt:
    """Return what an answer means. The body counts: a 409 may have stored rows, a 200 may hide refused ones.

    A message is accepted when the receiver took the document, even if it turned single values away. Answers without a
    body that can be read are judged by their status alone.
    """
    try:
        answered = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        answered = {}
    found = verdicts(answered, outgoing) if isinstance(answered, dict) else None
    if found is not None:
        issues = [Issue(reason.partition(" ")[0], reason, where=item) for item, reason in found.items() if reason]
        return Receipt(accepted=True, answer=body, issues=issues, items=found)
    if 200 <= status < 300:
        return Receipt(accepted=True, answer=body)
    text = str(answered.get("message") or f"the receiver answered {status}") if isinstance(answered, dict) else ""
    return Receipt(accepted=False, answer=body, issues=[Issue("refused", text or f"the receiver answered {status}")])


def _target(outgoing: Outgoing, peer: Peer) -> tuple[str, str, dict[str, str]]:
    address = str(peer.address).rstrip("/")
    if outgoing.content_type.startswith(measure.CONTENT_TYPE):
        bundle = orjson.loads(outgoing.body).get("resourceType") == "Bundle"
        return ("POST", address, {}) if bundle else ("PUT", f"{address}/MeasureReport/{outgoing.control_id}", {})
    url = address if address.endswith("dataValueSets") else f"{address}/api/dataValueSets"
    return "POST", url, {**_schemes(peer).as_parameters(), "importStrategy": "CREATE_AND_UPDATE"}


def _schemes(peer: Peer) -> Schemes:
    given = peer.settings.get("schemes")
    return schemes(given if isinstance(given, dict) else {}, _DEFAULTS[content_type(peer)])


def _credentials(peer: Peer) -> dict[str, Any]:
    """Return basic authentication for a secret `user:password`, else a DHIS2 personal access token or bearer token."""
    if not peer.secret:
        return {}
    if peer.settings.get("auth", "basic") == "basic":
        user, _, password = peer.secret.partition(":")
        return {"auth": (user, password)}
    return {"auth": _Token(f"{'ApiToken' if peer.settings['auth'] == 'token' else 'Bearer'} {peer.secret}")}


class _Token(httpx.Auth):
    """Puts a ready authorization header on each request."""

    def __init__(self, header: str) -> None:
        self._header = header

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = self._header
        yield request
