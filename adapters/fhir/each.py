"""Records for servers that take neither transactions nor ids of others, as OpenMRS' FHIR2: one request each.

The peer's setting `writes` `each` chooses this. What the record refers to is made where it is not, and then left alone;
what the server calls each thing is remembered.
"""

from typing import Any

import httpx
import orjson

from adapters.calling import call
from adapters.contract import Interrupted, Outgoing, Receipt, Sender, View
from adapters.fhir.foreign import id_there, rename
from adapters.fhir.verdicts import document_in, issues_in
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue
from tracker_core.records import documents

RECORD_SYSTEM = "urn:tracker-hub:record"
_HEADERS = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
# A thing is made before what refers to it.
_ORDER = ("Organization", "Location", "Practitioner", "Patient", "EpisodeOfCare", "Encounter")


def write(view: View, sender: Sender) -> dict[str, Any]:
    """Return a batch of what is to be made or changed, and the server's names of all that it has already.

    Of several Patients of one person the server's own is the one. Raises Unsupported when all of it came from there.
    """
    names = _names(sender.peer, view)
    about = view.documents[0] if view.kind == "record" else None
    entries = []
    for one in sorted(view.documents, key=_place):
        ours = f"{one['resourceType']}/{one['id']}"
        known = names.get(ours)
        changes = ours not in view.theirs and (about is None or one is about)
        if one["resourceType"] == "Patient" and known in {_there(sender.peer, own) for own in view.own_patients}:
            changes = False
        if known is None or changes:
            method = "PUT" if known else "POST"
            url = known or one["resourceType"]
            entries.append({"fullUrl": ours, "resource": one, "request": {"method": method, "url": url}})
    if not entries:
        raise Unsupported("all of this came from there")
    return {"resourceType": "Bundle", "type": "batch", "entry": entries, "names": names}


def _names(peer: Peer, view: View) -> dict[str, str]:
    own = next((_there(peer, one) for one in view.own_patients), None)
    patients = [f"Patient/{one['id']}" for one in view.documents if one["resourceType"] == "Patient"]
    names = dict.fromkeys(patients, own) if own else {}
    theirs = {ours: f"{ours.partition('/')[0]}/{id_there(peer, ours.partition('/')[2])}" for ours in view.theirs}
    return {ours: name for ours, name in {**names, **view.names, **theirs}.items() if name}


def _there(peer: Peer, document: dict[str, Any]) -> str:
    return f"{document['resourceType']}/{id_there(peer, document['id'])}"


def _place(document: dict[str, Any]) -> int:
    type = document["resourceType"]
    return _ORDER.index(type) if type in _ORDER else len(_ORDER)


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Make one request per entry, in order; the receipt tells the verdict of each and the server's names.

    What refers to a refused thing is not tried. Raises Unavailable when the server is away, with the names so far.
    """
    batch = documents.open_exactly(outgoing.body)
    names: dict[str, str] = dict(batch["names"])
    made: dict[str, str] = {}
    items: dict[str, str] = {}
    for entry in batch["entry"]:
        ours, document = entry["fullUrl"], entry["resource"]
        missing = [name for name in _references(document) if items.get(name)]
        if missing:
            items[ours] = f"it refers to {missing[0]}, which was refused"
            continue
        try:
            response = _request(peer, entry, names)
        except Unavailable as error:
            raise Interrupted(error.detail, made) from error
        items[ours] = _refusal(response)
        name = names.get(ours) or _name_in(response, document["resourceType"])
        if not items[ours] and name:
            names[ours] = made[ours] = name
    issues = [Issue("refused", reason, where=ours) for ours, reason in items.items() if reason]
    return Receipt(not issues, orjson.dumps(made), issues, items, made)


def _request(peer: Peer, entry: dict[str, Any], names: dict[str, str]) -> httpx.Response:
    """Make or change one thing under the server's names; a thing that a lost answer has made already is found again."""
    request, document = entry["request"], entry["resource"]
    body = {**rename(document, lambda one: names.get(one, one))}
    meta = {key: value for key, value in body.pop("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    body |= {"meta": meta} if meta else {}
    del body["id"]
    if document["resourceType"] != "Patient":  # whose identifiers a server may check against its own list
        body["identifier"] = _marked(body.get("identifier"), entry["fullUrl"])
    url = names.get(entry["fullUrl"]) or (_find(peer, body) if request["method"] == "POST" else "")
    if url:
        body["id"] = url.partition("/")[2]
        return call(peer, "PUT", url, body=documents.encode(body), headers=_HEADERS)
    return call(peer, "POST", request["url"], body=documents.encode(body), headers=_HEADERS)


def _marked(identifiers: Any, ours: str) -> Any:
    """Return identifiers with our own reference; a single one, as some types have it, stays."""
    mark = {"system": RECORD_SYSTEM, "value": ours}
    if isinstance(identifiers, dict):
        return identifiers
    return [*(one for one in identifiers or () if one != mark), mark]


def _find(peer: Peer, body: dict[str, Any]) -> str:
    """Return `Type/id` of what the server has under one of a document's identifiers, empty when it has none."""
    type, identifiers = body["resourceType"], body.get("identifier")
    known = [one for one in identifiers or () if isinstance(one, dict) and one.get("system") and one.get("value")]
    if not known or not isinstance(identifiers, list):
        return ""
    sought = ",".join(f"{one['system']}|{one['value']}" for one in known)
    response = call(peer, "GET", type, parameters={"identifier": sought}, headers=_HEADERS)
    entries = document_in(response.content).get("entry") or () if response.is_success else ()
    ids = [one["resource"]["id"] for one in entries if one.get("resource", {}).get("resourceType") == type]
    return f"{type}/{ids[0]}" if len(ids) == 1 else ""


def _references(node: Any) -> list[str]:
    found: list[str] = []

    def note(reference: str) -> str:
        found.append(reference)
        return reference

    rename(node, note)
    return found


def _refusal(response: httpx.Response) -> str:
    if response.is_success:
        return ""
    told = "; ".join(issue.text for issue in issues_in(document_in(response.content)))
    return f"{response.status_code} {told}".strip()


def _name_in(response: httpx.Response, type: str) -> str:
    """Return what the server called the thing it made: by the body, else by the header Location."""
    id = document_in(response.content).get("id")
    if not id:
        steps = response.headers.get("location", "").partition("/_history/")[0].rstrip("/").split("/")
        id = steps[-1] if type in steps else None
    return f"{type}/{id}" if id else ""
