"""What no row can say, because it looks at several segments: the event's word, and what a record lacks without it."""

from base64 import b64encode
from collections.abc import Callable, Sequence

from mappings.codecs.attachments import PLAIN, plain_text
from mappings.keys import Draft, coded
from mappings.library import Mappings
from mappings.places import Doc

PARENT = "urn:tracker-hub:parent-result"
Rule = Callable[[Draft, Mappings, str], None]


def settle(drafts: Sequence[Draft], mappings: Mappings, event: str) -> None:
    """Finish the records of one message; `event` is its trigger (MSH-9.2)."""
    for draft in drafts:
        rule = RULES.get(draft.type)
        if rule is not None:
            rule(draft, mappings, event)
    for report in (draft for draft in drafts if draft.type == "DiagnosticReport" and "extension" in draft.doc):
        hang_on_parent(report, drafts)


def hang_on_parent(report: Draft, drafts: Sequence[Draft]) -> None:
    """Make the results of a report members of the result that it goes on from (OBR-26), where the message holds that.

    A culture grows an organism, whose susceptibilities are a report of their own (HL7 v2.9, 7.4.1.26).
    """
    told = next((one for one in report.doc["extension"] or () if one.get("url") == PARENT), None)
    parts = {part["url"]: part for part in (told or {}).get("extension") or ()}
    code = coded(parts.get("code", {}).get("valueCodeableConcept"))
    facet = parts.get("sub-id", {}).get("valueString", "")
    for draft in drafts if code else ():
        own = draft.near("DiagnosticReport") is report
        if draft.type == "Observation" and draft.facet == facet and not own and coded(draft.doc.get("code")) == code:
            draft.doc["hasMember"] = [*draft.doc.get("hasMember", ()), *report.doc.get("result", ())]
            return


def settle_visit(draft: Draft, mappings: Mappings, event: str) -> None:
    """The event has the last word on the status of a visit (guide MSH[Encounter])."""
    status = mappings.concepts["Event[EncounterStatus]"].translate(event)
    if status is not None:
        draft.doc["status"] = status.code
    if event == "A13":
        settle_cancelled_discharge(draft)


def settle_cancelled_discharge(draft: Draft) -> None:
    """The visit goes on: it has neither an end nor a disposition any more (A13)."""
    draft.doc["period"] = {**(draft.doc.get("period") or {}), "end": None}
    hospitalization = draft.doc.setdefault("hospitalization", {})
    hospitalization["dischargeDisposition"] = None


def settle_judged(draft: Draft, _mappings: Mappings, _event: str) -> None:
    """What was told in error is neither active nor resolved (R4: con-5, ait-2)."""
    verified = (draft.doc.get("verificationStatus") or {}).get("coding") or [{}]
    if verified[0].get("code") == "entered-in-error":
        draft.defaults.pop("clinicalStatus", None)
        draft.doc["clinicalStatus"] = None


def settle_result(draft: Draft, _mappings: Mappings, _event: str) -> None:
    """An OBX without OBX-14 was observed at its OBR-7 (7.4.2.14); the word behind a status goes with the status."""
    if "status" in draft.doc:
        draft.doc.setdefault("_status", None)
    report = draft.near("DiagnosticReport")
    if report is not None and not any(name.startswith("effective") for name in draft.doc):
        draft.doc.update({name: v for name, v in report.doc.items() if name.startswith("effective")})


def settle_request(draft: Draft, _mappings: Mappings, _event: str) -> None:
    """TQ1 says more of the time than OBR-6: one type of a choice stands."""
    if draft.doc.get("occurrenceTiming") or draft.doc.get("occurrencePeriod"):
        draft.doc.pop("occurrenceDateTime", None)


def settle_prescription(draft: Draft, _mappings: Mappings, _event: str) -> None:
    """A change of an order that was never seen is still one of an order."""
    draft.defaults.setdefault("intent", "order")


def settle_appointment(draft: Draft, mappings: Mappings, event: str) -> None:
    """The event tells the status that SCH-25 does not; the patient and the contacts have said nothing yet."""
    status = mappings.concepts["Event[AppointmentStatus]"].translate(event)
    if status is not None:
        draft.doc.setdefault("status", status.code)
    for participant in draft.doc.get("participant") or ():
        participant.setdefault("status", "needs-action")


def settle_document(draft: Draft, mappings: Mappings, event: str) -> None:
    """Lines of text are one content; the event cancels a document and says what a new one does to its parent."""
    status = mappings.concepts["Event[DocumentStatus]"].translate(event)
    if status is not None:
        draft.doc["status"] = status.code
    for relation in draft.doc.get("relatesTo") or ():
        relation.setdefault("code", "replaces" if event in REPLACING else "appends")
    contents = draft.doc.get("content")
    if contents:
        draft.doc["content"] = joined_texts(contents)


def joined_texts(contents: list[Doc]) -> list[Doc]:
    """Return the contents of a document with its lines of text joined; one that holds nothing but a type goes."""
    held = [content for content in contents if content["attachment"].keys() - {"contentType"}] or contents
    texts = [c["attachment"] for c in held if c["attachment"].get("contentType") == PLAIN and "data" in c["attachment"]]
    if len(texts) < 2:
        return held
    whole = "\n".join(plain_text(text) for text in texts)
    first = {**texts[0], "data": b64encode(whole.encode()).decode()}
    return [{"attachment": first}, *(content for content in held if content["attachment"] not in texts)]


# MDM events whose document takes the place of the one that TXA-13 names (HL7 v2.9, 9.4).
REPLACING = frozenset({"T09", "T10"})
RULES: dict[str, Rule] = {
    "AllergyIntolerance": settle_judged,
    "Condition": settle_judged,
    "Encounter": settle_visit,
    "Observation": settle_result,
    "ServiceRequest": settle_request,
    "MedicationRequest": settle_prescription,
    "Appointment": settle_appointment,
    "DocumentReference": settle_document,
}
