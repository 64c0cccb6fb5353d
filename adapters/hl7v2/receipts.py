"""What an acknowledgement says, as a receipt."""

from dataclasses import dataclass

from adapters.contract import Receipt
from adapters.hl7v2 import charset
from adapters.hl7v2.acks import CONDITIONS
from mappings import er7
from mappings.er7 import Encoding, Segment
from tracker_core.errors import Malformed, Unavailable
from tracker_core.issues import Issue, Severity

SEVERITY: dict[str, Severity] = {"W": "warning", "I": "information"}
CODES = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})
# What the receiver may accept when it is asked again: a locked record, and our own word for a database that is away.
PASSING = frozenset({"206", "transient"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """An acknowledgement as received: MSA-1, MSA-2 (empty when the receiver could not read it), and its faults."""

    code: str
    control_id: str
    raw: bytes
    issues: tuple[Issue, ...]


def read_verdict(raw: bytes) -> Verdict:
    """Return what the acknowledgement `raw` says. Raises `Malformed` when it is none."""
    message, _ = charset.parse_message(raw)
    msa = message.first("MSA")
    code = er7.value(msa, message.encoding, 1)
    if code not in CODES:
        raise Malformed(f"the answer holds no acknowledgement code but {code!r}", "MSA-1")
    issues = [issue for segment in message.all("ERR") for issue in read_err(segment, message.encoding)]
    remark = er7.value(msa, message.encoding, 3)
    if code[1] != "A" and not issues:
        issues.append(Issue("refused", remark or f"answered {code} without a reason"))
    return Verdict(code, er7.value(msa, message.encoding, 2), raw, tuple(issues))


def read_err(segment: Segment, encoding: Encoding) -> list[Issue]:
    """Return the issues of an ERR segment in the form of 2.5 (ERR-3) or of the versions before (ERR-1)."""
    if er7.get(segment, 1) and not er7.get(segment, 3):
        return [read_eld(text, encoding) for text in er7.split(er7.get(segment, 1), encoding.repetition)]

    def part(field: int, component: int = 1) -> str:
        return er7.value(segment, encoding, field, component)

    condition, severity = part(3), SEVERITY.get(part(4), "error")
    text = part(8) or part(7) or part(3, 2) or CONDITIONS.get(condition, condition)
    return [Issue(part(5) or condition, text, severity, place([part(2, n) for n in range(1, 7)]))]


def read_eld(text: str, encoding: Encoding) -> Issue:
    """Return one repetition of ERR-1: segment, sequence, field and a coded condition with its alternate."""

    def part(component: int, sub: int = 1) -> str:
        return er7.value(["", text], encoding, 1, component, sub)

    words = part(4, 5) or part(4, 2) or CONDITIONS.get(part(4), part(4)) or "refused"
    return Issue(part(4, 4) or part(4) or "refused", words, where=place([part(1), part(2), part(3)]))


def place(parts: list[str]) -> str:
    """Return ERL components as `PID:1-3(2).1`, as far as they go."""
    segment, sequence, field, repetition, component, sub = [*parts, "", "", "", "", "", ""][:6]
    text = f"{segment}:{sequence}" if sequence not in {"", "1"} else segment
    if segment and field:
        text += f"-{field}" + (f"({repetition})" if repetition not in {"", "1"} else "")
        text += "".join(f".{number}" for number in (component, sub) if number)
    return text


def receipt_of(verdict: Verdict) -> Receipt:
    """Return the receipt that a verdict amounts to.

    AA and CA are acceptance, AE, AR and CR refusal. CE says that the receiver could not keep the message, and a locked
    record (condition 206) may be free later: both raise `Unavailable`.
    """
    passing = [issue for issue in verdict.issues if issue.code in PASSING]
    if verdict.code == "CE" or (verdict.code == "AE" and passing):
        raise Unavailable(f"answered {verdict.code}: {(passing or verdict.issues)[0].text}")
    return Receipt(verdict.code[1] == "A", verdict.raw, list(verdict.issues))
