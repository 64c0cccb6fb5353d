"""Acknowledgements: MSH, MSA and ERR in the words of the message they answer (2.9, 2.15.5, 2.15.8)."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from adapters.hl7v2 import charset
from adapters.hl7v2.header import Header, read_header
from mappings import er7
from mappings.er7 import Encoding
from tracker_core.errors import Conflict, Malformed, NotFound, Unavailable, Unsupported, wording
from tracker_core.issues import Issue, Report

Verdict = Literal["AA", "AE", "AR"]

CONDITIONS = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
SEVERITIES = {"error": "E", "warning": "W", "information": "I"}
MOST_ERRORS = 50
PLACE = re.compile(r"(?P<segment>[A-Z][A-Z0-9]{2})(?:[\[:](?P<number>\d+)\]?)?(?:-(?P<rest>[\d.()\[\]]+))?")
REST = re.compile(r"(?P<field>\d+)(?:[(\[](?P<repetition>\d+)[)\]])?(?:\.(?P<component>\d+))?(?:\.(?P<sub>\d+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One ERR: a condition of table 0357, the place (ERL components), severity, our own code and the text."""

    condition: str
    place: tuple[str, ...]
    severity: str
    code: str
    text: str


def answer(
    raw: bytes, report: Report, error: BaseException | None = None, default: str = "", *, silent: bool = False
) -> bytes:
    """Return the acknowledgement of `raw`: AA when it was applied, AE or AR with the reasons when it was not.

    There is one answer: the application's (AA, AE, AR), or the accept acknowledgement (CA, CE, CR) where MSH-15 asks
    for that one only. A message that wants neither is answered all the same, because its sender commonly waits; with
    `silent` it gets no bytes (2.9.3). `default` is the character set of a peer that does not name one.
    """
    verdict: Verdict = "AA"
    if error is not None:
        verdict = "AR" if wording(error).ack == "AR" else "AE"
    elif report.rejected:
        verdict = "AR" if report.extra.get("refused") else "AE"
    return acknowledge(raw, verdict, faults_of(report, error, verdict), default, silent=silent)


def accept(raw: bytes, error: BaseException | None = None, default: str = "") -> bytes:
    """Return the accept acknowledgement (CA, CE, CR): the first of two answers; empty unless MSH-15 asks (2.9.3.2)."""
    header = read_header(raw, default)
    verdict: Verdict = "AA" if error is None else "AE" if wording(error).retried else "AR"
    if header is None or not wanted(header.text(15).upper(), verdict):
        return b""
    faults = faults_of(Report(), error, verdict)
    return rendered(header, "C" + verdict[1], faults)


def is_accept(answer: bytes) -> bool:
    """Tell whether an acknowledgement is an accept acknowledgement: CA, CE or CR."""
    return re.search(rb"\rMSA.C[AER]", answer) is not None


def expecting(answer: bytes, number: int) -> bytes:
    """Return an acknowledgement that names the sequence number expected next (MSA-4)."""
    message, _ = charset.parse_message(answer)
    found = message.first("MSA")
    if found is not None:
        found += [""] * (5 - len(found))
        found[4] = str(number)
    return charset.render_message(message)


def refuse(raw: bytes, verdict: Verdict, condition: str, text: str) -> bytes:
    """Return the refusal of a message, or of the beginning of one, that never reached the flow."""
    return acknowledge(raw, verdict, [Fault(condition, (), "E", "", text)])


def acknowledge(
    raw: bytes, verdict: Verdict, faults: Sequence[Fault], default: str = "", *, silent: bool = False
) -> bytes:
    """Return the acknowledgement of `raw` with this verdict; see `answer`."""
    header = read_header(raw, default)
    if header is None:
        header = Header(["MSH", "|", Encoding().characters], Encoding())
    code = code_for(header, verdict)
    if not code and silent:
        return b""
    return rendered(header, code or verdict, faults)


def rendered(header: Header, code: str, faults: Sequence[Fault]) -> bytes:
    """Return the acknowledgement with this code as bytes."""
    message = er7.Message(header.encoding, [msh(header), msa(header, code, faults)])
    if header.version and header.version < (2, 5):
        message.segments += old_err(faults, header.encoding)
    else:
        message.segments += [err(fault, header.encoding) for fault in faults[:MOST_ERRORS]]
    return charset.render_message(message)


def code_for(header: Header, verdict: Verdict) -> str:
    """Return MSA-1 for `verdict` under the sender's MSH-15 and MSH-16, empty when it wants no answer (2.9.3)."""
    accept, application = header.text(15).upper(), header.text(16).upper()
    if not accept and not application:
        return verdict
    if wanted(application, verdict):
        return verdict
    return "C" + verdict[1] if wanted(accept, verdict) else ""


def wanted(condition: str, verdict: Verdict) -> bool:
    """Tell whether an acknowledgement condition (table 0155: AL, NE, ER, SU) asks for this verdict; empty is never."""
    return condition in {"AL", "SU" if verdict == "AA" else "ER"}


def msh(header: Header) -> er7.Segment:
    """Return the MSH of the answer: sender and receiver changed places, same version, processing id and charset."""
    asked = header.segment
    segment = ["MSH", header.encoding.field, er7.get(asked, 2)]
    segment += [er7.get(asked, field) for field in (5, 6, 3, 4)]
    segment += [datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000"), "", answer_type(header), secrets.token_hex(10)]
    segment += [er7.get(asked, 11) or "P", er7.get(asked, 12) or "2.5.1"]
    if er7.get(asked, 18):
        segment += ["", "", "", "", "", er7.get(asked, 18)]
    return segment


def answer_type(header: Header) -> str:
    """Return MSH-9: `ACK^A08^ACK`, without what the version of the sender does not know yet."""
    trigger = er7.escape(header.text(9, 2), header.encoding)
    parts = ["ACK", trigger, "ACK"] if trigger else ["ACK"]
    version = header.version or (2, 5)
    return header.encoding.component.join(parts[: 3 if version >= (2, 3, 1) else 2 if version >= (2, 3) else 1])


def msa(header: Header, code: str, faults: Sequence[Fault]) -> er7.Segment:
    """Return the MSA: the verdict, the control id as it came, and the first reason as text."""
    segment = ["MSA", code, er7.get(header.segment, 10)]
    if code[1] != "A" and faults:
        segment.append(er7.escape(faults[0].text[:80], header.encoding))
    return segment


def err(fault: Fault, encoding: Encoding) -> er7.Segment:
    """Return one fault as the ERR segment of version 2.5 and later."""
    condition = [fault.condition, CONDITIONS[fault.condition], "HL70357"]
    return [
        "ERR",
        "",
        encoding.component.join(fault.place),
        encoding.component.join(condition),
        fault.severity,
        er7.escape(fault.code, encoding),
        "",
        "",
        er7.escape(fault.text, encoding),
    ]


def old_err(faults: Sequence[Fault], encoding: Encoding) -> list[er7.Segment]:
    """Return the faults as the one ERR segment that versions before 2.5 know: repetitions of ERR-1."""
    if not faults:
        return []
    repetitions = []
    for fault in faults[:MOST_ERRORS]:
        place = [*fault.place[:3], "", "", ""][:3]
        words = [fault.condition, CONDITIONS[fault.condition], "HL70357", fault.code, fault.text]
        coded = (encoding.subcomponent or " ").join(er7.escape(word, encoding) for word in words)
        repetitions.append(encoding.component.join([*place, coded]))
    return [["ERR", (encoding.repetition or encoding.component).join(repetitions)]]


def faults_of(report: Report, error: BaseException | None, verdict: Verdict) -> list[Fault]:
    """Return everything to tell the sender: the exception, then the issues; in an AA nothing counts as an error."""
    faults = []
    if error is not None:
        detail = getattr(error, "detail", "") or "an internal error; the message is kept"
        where = getattr(error, "where", "")
        faults.append(Fault(condition_of(error, where), place_of(where), "E", wording(error).fhir, detail))
    told = {fault.text for fault in faults}
    faults += [fault_of(issue, verdict) for issue in report.issues if issue.text not in told]
    return faults


def fault_of(issue: Issue, verdict: Verdict) -> Fault:
    """Return an issue as an ERR."""
    severity = SEVERITIES[issue.severity]
    if verdict == "AA" and severity == "E":
        severity = "W"
    text = f"{issue.text} ({issue.value})" if issue.value and issue.value not in issue.text else issue.text
    return Fault(condition_of_issue(issue), place_of(issue.where), severity, issue.code, text)


def condition_of(error: BaseException, where: str) -> str:
    """Return the condition of table 0357 for what was raised."""
    if isinstance(error, Unsupported):
        return {"MSH-9.2": "201", "MSH-12": "203", "MSH-11": "202"}.get(where, "200")
    if isinstance(error, Malformed):
        return "101" if where in {"MSH-9", "MSH-10"} else "102" if "-" in where else "100"
    if isinstance(error, Conflict):
        return "205"
    if isinstance(error, NotFound):
        return "204"
    return "206" if isinstance(error, Unavailable) else "207"


def condition_of_issue(issue: Issue) -> str:
    """Return the condition of table 0357 that an issue comes nearest to, by the word of its code."""
    for words, condition in (
        (("authority",), "204"),
        (("required", "missing"), "101"),
        (("unknown", "code", "unmapped"), "103"),
        (("duplicate",), "205"),
        (("not-found",), "204"),
        (("structure", "segment"), "100"),
    ):
        if any(word in issue.code for word in words):
            return condition
    return "102" if issue.where else "207"


def place_of(where: str) -> tuple[str, ...]:
    """Return the ERL components of a place such as `PID-3`, `OBX:2-5.1` or `PID[1]-3(2).1`; empty for any other."""
    found = PLACE.search(where)
    if found is None:
        return ()
    rest = REST.match(found["rest"] or "")
    parts = [found["segment"], found["number"] or "1"]
    if rest:
        parts += [rest["field"], rest["repetition"] or "1", rest["component"] or "", rest["sub"] or ""]
    while not parts[-1]:
        parts.pop()
    return tuple(parts)
