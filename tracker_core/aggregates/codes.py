"""Groups of ICD-10 codes: `B50-B54`, `J18`, `A09.0-A09.9`; a range holds every code below its ends."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"([A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?)(?:[-–]([A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?))?", re.ASCII)
_SYSTEMS = ("http://hl7.org/fhir/sid/icd-10", "urn:oid:2.16.840.1.113883.6.3", "urn:oid:2.16.840.1.113883.6.90")


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Codes from `low` to `high`, both inclusive with all their subcodes, in the normal form of `normal`."""

    low: str
    high: str

    def holds(self, code: str) -> bool:
        """Tell whether `code`, in normal form, lies in the range."""
        return code >= self.low and code[: len(self.high)] <= self.high


def parse(text: str) -> CodeRange | None:
    """Return the range that `text` writes, or None when it is not one or runs backwards."""
    match = _RANGE.fullmatch(text.strip().upper())
    if match is None:
        return None
    low = normal(match[1])
    high = normal(match[2]) if match[2] else low
    return CodeRange(low, high) if low[: len(high)] <= high else None


def normal(code: str) -> str:
    """Return the form in which codes are compared: upper case, no dot, no dagger or asterisk."""
    return code.strip().upper().rstrip("*+†").replace(".", "")


def is_icd10(system: str) -> bool:
    """Tell whether `system` is ICD-10 or a national modification that keeps its categories (`…/icd-10-cm`)."""
    return system in _SYSTEMS or system.startswith("http://hl7.org/fhir/sid/icd-10-")
