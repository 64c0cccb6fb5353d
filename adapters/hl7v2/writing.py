"""From the hub's records to messages for a peer, by the mapping tables and the peer's profile."""

import logging
from typing import Any

import mappings
from adapters.contract import Sender, View
from adapters.hl7v2 import charset
from adapters.hl7v2.events import SENT
from adapters.hl7v2.reading import point, tables_of
from adapters.hl7v2.tailoring import tailor
from mappings import Mappings, Profile, Scope, er7
from mappings.er7 import Encoding, Message, Segment
from mappings.keys import KEY
from tracker_core.errors import Unsupported

log = logging.getLogger(__name__)

Doc = dict[str, Any]
RESULTS = frozenset({"Observation", "DiagnosticReport", "ServiceRequest", "Specimen"})
# An update of a person speaks of the visit at hand only; these belong to one.
OF_A_VISIT = frozenset({"Condition", "Procedure"})
# The field that takes a record's number knows it by this type: PV1-19, OBR-3, OBR-2, SCH-2 (table 0203).
NUMBERS = {"Encounter": "VN", "DiagnosticReport": "FILL", "ServiceRequest": "PLAC", "Appointment": "FILL"}
# A receiver finds these by their number alone: one without any goes by the hub's own id.
NEEDS_NUMBER = frozenset({"ServiceRequest", "Appointment"})
V2_TABLES = "http://terminology.hl7.org/CodeSystem/v2-"
# What a report of one observation says in the observation's words.
SHARED = (
    *("identifier", "status", "code", "category", "subject", "encounter", "issued", "performer", "basedOn"),
    *("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
)


def write(view: View, sender: Sender, control_id: str) -> Message:
    """Return the message of `view.type` (`ADT^A08`, `ORU^R01` …; by default what the records are) for a peer.

    The peer's settings: `version` (2.5.1), `charset` (table 0211, UNICODE UTF-8), `zone`, `naming`, `overlay`;
    `segments` and `values` (see `tailoring`); `application` and `facility` of the receiver (else its code,
    `APPLICATION|FACILITY`), `own_application` and `own_facility`, `processing` (P), `accept_ack` and `application_ack`
    (MSH-15 and 16).
    Raises `Unsupported` for another type, and for records without a patient.
    """
    kind = view.type or default_type(view)
    if kind not in SENT:
        raise Unsupported(f"{kind} is not written; {', '.join(SENT)} are", "MSH-9")
    settings = sender.peer.settings
    codec = charset.codec_of(str(settings.get("charset", "")))
    encoding = er7.with_charset(Encoding(), codec)
    header = msh(kind, sender, control_id, encoding)
    message = Message(encoding, [header])
    documents = [typed(document) for document in told_by(kind, united(view.documents))]
    tables = tables_of(sender.peer)
    structure = mappings.structure_of(tables, message)
    profile = mappings.profile_from(settings, sender.peer.code)
    segments, issues = mappings.write_message(tables, structure, documents, profile, encoding, header[12])
    for issue in issues:
        log.warning("not written for %s: %s", sender.peer.code, issue.text)
    if not any(segment[0] == "PID" for segment in segments):
        raise Unsupported(f"{kind} needs a patient, and there is none", "PID")
    message.segments += [*event(kind, sender), *segments]
    for order in message.all("ORC"):
        order[1] = order[1] or control_of(kind, documents)
    if kind == "ADT^A40":
        message.segments.append(ended(view, tables, profile, encoding))
    elif kind.startswith("ADT"):
        message = with_visit(message)
    return tailor(message, settings, sender.translate)


def told_by(kind: str, records: list[Doc]) -> list[Doc]:
    """Return those records, or more, that a message of this kind tells of."""
    if kind == "ORU^R01":
        return for_results(records)
    if kind == "ADT^A40":
        return [record for record in records if record["resourceType"] == "Patient"]
    return records if kind.startswith(("OML", "SIU")) else for_visit(records)


def control_of(kind: str, documents: list[Doc]) -> str:
    """Return the order control (table 0119): results of an order, or the order itself, new, changed or taken back."""
    order = next((one for one in documents if one["resourceType"] == "ServiceRequest"), {})
    if kind != "OML^O21":
        return "RE"
    if order.get("status") in ("revoked", "entered-in-error"):
        return "CA"
    return "NW" if str((order.get("meta") or {}).get("versionId", "1")) == "1" else "XO"


def ended(view: View, tables: Mappings, profile: Profile, encoding: Encoding) -> Segment:
    """Return the MRG of a merge. Raises `Unsupported` when nothing is known of the patient that ended."""
    replaced = united(view.values.get("replaced") or [])
    if not replaced:
        raise Unsupported("ADT^A40 needs the patient that ended, and none is known any more", "MRG")
    segment: Segment = ["MRG"]
    scope = Scope(profile, encoding)
    mappings.write_segment(tables.tables["MRG:Patient"], segment, replaced[0], scope, {})
    return segment


def render(message: Message, _sender: Sender) -> bytes:
    """Return the bytes of a message that `write` made, in the character set it was made for."""
    return charset.render_message(message)


def default_type(view: View) -> str:
    """Return what a view is sent as when nothing says it: results as such, anything else as an update of the person."""
    first = view.documents[0]["resourceType"] if view.documents else ""
    results = any(document["resourceType"] in RESULTS for document in view.documents)
    return "ORU^R01" if first in RESULTS or (results and view.kind == "person") else "ADT^A08"


def msh(kind: str, sender: Sender, control_id: str, encoding: Encoding) -> Segment:
    """Return the header of a message of `kind` for a peer."""
    settings = sender.peer.settings

    def said(name: str, default: str = "") -> str:
        return er7.escape(str(settings.get(name, default)), encoding)

    application, _, facility = sender.peer.code.partition("|")
    segment = ["MSH", encoding.field, encoding.characters]
    segment += [said("own_application", "TRACKER-HUB"), said("own_facility")]
    segment += [said("application", application), said("facility", facility)]
    segment += [stamp(sender), "", encoding.component.join([*kind.split("^"), SENT[kind]])]
    segment += [er7.escape(control_id, encoding), said("processing", "P"), said("version", "2.5.1")]
    segment += ["", "", said("accept_ack"), said("application_ack"), "", said("charset", "UNICODE UTF-8")]
    return segment


def stamp(sender: Sender) -> str:
    """Return when the message was made, with its offset, in the peer's zone."""
    zone = mappings.profile_from(sender.peer.settings).zone
    return (sender.received.astimezone(zone) if zone else sender.received).strftime("%Y%m%d%H%M%S%z")


def event(kind: str, sender: Sender) -> list[Segment]:
    """Return the EVN of an ADT message, nothing for another."""
    name, _, trigger = kind.partition("^")
    return [["EVN", trigger, stamp(sender)]] if name == "ADT" else []


def with_visit(message: Message) -> Message:
    """Return an ADT message with a PV1, which the standard wants even when there is no visit (class N)."""
    if message.first("PV1") is None:
        follows = {"PD1", "NK1", "ROL", "ARV"}
        last = max(n for n, segment in enumerate(message.segments) if segment[0] == "PID" or segment[0] in follows)
        message.segments.insert(last + 1, ["PV1", "1", "N"])
    return message


def for_visit(documents: list[Doc]) -> list[Doc]:
    """Return what an ADT message tells: the person and the newest visit with what belongs to it, but no results."""
    kept, visit = [], ""
    for document in documents:
        kind = document["resourceType"]
        if kind in RESULTS:
            continue
        if kind == "Encounter":
            if visit:
                continue
            visit = name_of(document)
        kept.append(document)
    return [document for document in kept if document["resourceType"] not in OF_A_VISIT or belongs(document, visit)]


def belongs(document: Doc, visit: str) -> bool:
    """Tell whether a record hangs on `visit`, or on none."""
    of: str = (document.get("encounter") or {}).get("reference", "")
    return of in {"", visit}


def for_results(documents: list[Doc]) -> list[Doc]:
    """Return what an ORU message tells: every result within a report, one of its own where it has none (OBR)."""
    reported = {
        result.get("reference")
        for document in documents
        if document["resourceType"] == "DiagnosticReport"
        for result in document.get("result") or ()
    }
    lone = [d for d in documents if d["resourceType"] == "Observation" and name_of(d) not in reported]
    return [*documents, *map(report_of, lone)]


def report_of(observation: Doc) -> Doc:
    """Return a report that holds one observation and says nothing that the observation does not."""
    report = {name: observation[name] for name in SHARED if name in observation}
    report["result"] = [{"reference": name_of(observation)}]
    return {"resourceType": "DiagnosticReport", "id": f"report-{observation.get('id', '')}", **report}


def typed(document: Doc) -> Doc:
    """Return a record whose number has a type where HL7 has a field for it: who writes FHIR often leaves it out."""
    code = NUMBERS.get(document["resourceType"])
    identifiers = document.get("identifier") or []
    if not code or any(found.get("type") for found in identifiers):
        return document
    known = {"coding": [{"system": f"{V2_TABLES}0203", "code": code}]}
    own = next((found for found in identifiers if found.get("system") != KEY), None)
    if own is None and document["resourceType"] in NEEDS_NUMBER and document.get("id"):
        own = {"system": f"urn:tracker-hub:{document['resourceType']}", "value": document["id"]}
    return {**document, "identifier": [{**own, "type": known}]} if own else document


def united(documents: list[Doc]) -> list[Doc]:
    """Return the documents of a person with one Patient, the first, that bears the identifiers of all of them."""
    patients = [document for document in documents if document["resourceType"] == "Patient"]
    if len(patients) < 2:
        return documents
    first = dict(patients[0])
    identifiers: list[Doc] = []
    for patient in patients:
        identifiers += [found for found in patient.get("identifier") or () if found not in identifiers]
    first["identifier"] = identifiers
    names = {name_of(patient): name_of(first) for patient in patients}
    others = [copied(document) for document in documents if document["resourceType"] != "Patient"]
    point(others, names)
    return [first, *others]


def copied(node: Any) -> Any:
    """Return a copy of a document that can be changed."""
    if isinstance(node, dict):
        return {name: copied(value) for name, value in node.items()}
    return [copied(value) for value in node] if isinstance(node, list) else node


def name_of(document: Doc) -> str:
    """Return the reference that leads to a document."""
    return f"{document['resourceType']}/{document.get('id', '')}"
