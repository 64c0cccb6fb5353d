"""Records for research: pseudonyms in place of numbers, shifted days, coarser facts, nothing that names a person."""

import hmac
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Doc = dict[str, Any]
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T.*)?\Z")
_MONTH = re.compile(r"\d{4}-\d\d\Z")  # cannot be moved by days
# Elements that name a person or may hold anything: free text, people, places, attachments.
_DROPPED = frozenset(
    "name telecom contact photo communication generalPractitioner managingOrganization text note performer recorder"
    " asserter participant valueString contained extension _birthDate maritalStatus multipleBirthInteger requester"
    " valueAttachment display meta".split()
)
_GEOGRAPHY = {"country": ("country",), "state": ("country", "state"), "district": ("country", "state", "district")}


@dataclass(frozen=True, slots=True)
class Disguise:
    """How records are disguised for one project.

    `secret` makes the pseudonyms and the shifts: with the same one a later export says the same; without it nobody can
    make them again. `shift` is the most days that a person's dates move, `band` how many years of birth are one,
    `geography` the finest level of addresses: `none`, `country`, `state`, `district`; `places` keeps facilities.
    """

    secret: bytes
    shift: int = 180
    band: int = 5
    geography: str = "state"
    places: bool = False

    def pseudonym(self, kind: str, text: str) -> str:
        """Return what stands for a number of a kind: 20 hexadecimal digits (HMAC-SHA-256)."""
        return hmac.digest(self.secret, f"{kind}|{text}".encode(), "sha256").hex()[:20]

    def days(self, person: str) -> int:
        """Return by how many days the dates of a person move: the same for all of them, never 0."""
        number = int.from_bytes(hmac.digest(self.secret, f"shift|{person}".encode(), "sha256")[:8])
        found = number % (2 * self.shift) - self.shift
        return found if found < 0 else found + 1

    def year(self, day: str) -> str:
        """Return the first year of the band that a date of birth falls into."""
        year = int(day[:4])
        return f"{year - year % self.band:04d}"


def disguised(document: Doc, person: str, how: Disguise) -> Doc:
    """Return a record without what names its person, by whose key (`person`) its dates are shifted."""
    days = how.days(person)
    kept = {key: _shifted(value, days) for key, value in document.items() if key not in _DROPPED}
    kept["identifier"] = [
        {"system": item["system"], "value": how.pseudonym(item["system"], str(item.get("value", "")))}
        for item in document.get("identifier", [])
        if str(item.get("system", "")).endswith("-number")
    ]
    if not how.places:
        kept.pop("serviceProvider", None)
    if document.get("birthDate"):
        kept["birthDate"] = how.year(document["birthDate"])
    if "address" in document:
        levels = _GEOGRAPHY.get(how.geography, ())
        kept["address"] = [{level: one[level] for level in levels if level in one} for one in document["address"]]
    return kept


def _shifted(value: Any, days: int) -> Any:
    if isinstance(value, dict):
        return {key: _shifted(item, days) for key, item in value.items() if key not in ("display", "text", "extension")}
    if isinstance(value, list):
        return [_shifted(item, days) for item in value]
    if isinstance(value, str) and (found := _DAY.match(value)):
        return (date(*map(int, found.groups())) + timedelta(days=days)).isoformat()
    if isinstance(value, str) and _MONTH.match(value):
        return value[:4]
    return value
