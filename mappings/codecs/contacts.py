"""XTN <-> ContactPoint: code, because eighteen components say one number in three ways.

HL7 v2.9 chapter 2A (XTN); guide XTN[ContactPoint].
"""

from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.dates import read_datetime, write_dtm
from mappings.codecs.identifiers import parts
from mappings.er7 import escape
from mappings.scope import Scope, Unfit

SD = "http://hl7.org/fhir/StructureDefinition/contactpoint-"
EMAIL = ("INTERNET", "X.400")
SYSTEMS = {
    "PH": "phone",
    "CP": "phone",
    "SAT": "phone",
    "TDD": "other",
    "TTY": "other",
    "MD": "other",
    "FX": "fax",
    "BP": "pager",
    "INTERNET": "email",
    "X.400": "email",
}
EQUIPMENT = {"phone": "PH", "fax": "FX", "pager": "BP", "email": "Internet", "other": "MD"}
USES = {
    "PRN": "home",
    "ORN": "home",
    "VHN": "home",
    "WPN": "work",
    "ASN": "work",
    "PRS": "mobile",
    "NET": "",
    "BPN": "",
}
CODES = {"home": "PRN", "work": "WPN", "mobile": "PRS", "temp": "VHN"}
PIECES = {4: "country", 5: "area", 6: "local", 7: "extension"}


def xtn(depth: int) -> Codec:
    """Return the codec of XTN at `depth`."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        found = parts(text, scope.marks[depth], scope)
        found += [""] * (18 - len(found))
        value = read_value(found)
        if not value:
            return MISSING
        contact = {"system": read_contact_system(found), "value": value, "use": read_use(found)}
        contact = {name: kept for name, kept in contact.items() if kept}
        return {**contact, **read_extras(found, scope)}

    def encode(value: Any, scope: Scope, old: str) -> str | None:
        if not isinstance(value, dict) or not value.get("value"):
            return None
        mark = scope.marks[depth]
        base = old.split(mark) if old else []
        base += [""] * (18 - len(base))
        for index, text in write_parts(value, scope).items():
            base[index] = escape(text, scope.encoding)
        return mark.join(base).rstrip(mark)

    owns = ("system", "value", "use", "rank", "period", "extension")
    return Codec("XTN", decode, encode, "raw", owns, targets=(*owns[:5], "extension.url", "extension.valueString"))


def read_value(found: list[str]) -> str:
    """Return the number or address: the unformatted one first, else what the pieces make."""
    if found[2].upper() in EMAIL or not (found[0] or found[6] or found[11]):
        return found[3] or found[0]
    if found[11] or found[0]:
        return found[11] or found[0]
    country = "+" + found[4].lstrip("+") if found[4] else ""
    extension = f"X{found[7]}" if found[7] else ""
    return " ".join(piece for piece in (country, found[5], found[6], extension) if piece)


def read_contact_system(found: list[str]) -> str:
    """Return the kind of contact, by the equipment or by the component that is filled."""
    equipment = found[2].upper()
    if equipment in SYSTEMS:
        return SYSTEMS[equipment]
    return "email" if found[3] and not found[0] else "phone"


def read_use(found: list[str]) -> str:
    """Return the use; a cellular phone is mobile unless it is said to be one of work."""
    use = USES.get(found[1].upper(), "")
    return "mobile" if found[2].upper() == "CP" and use in ("", "home") else use


def read_extras(found: list[str], scope: Scope) -> dict[str, Any]:
    """Return rank, period and the pieces of the number."""
    extras: dict[str, Any] = {}
    pieces = [{"url": SD + name, "valueString": found[i]} for i, name in PIECES.items() if found[i]]
    if pieces:
        extras["extension"] = pieces
    if found[17].isdigit() and int(found[17]) > 0:
        extras["rank"] = int(found[17])
    period = {}
    for name, text in (("start", found[12]), ("end", found[13])):
        try:
            moment = read_datetime(text, scope)
        except Unfit as unfit:
            scope.warn("bad-value", unfit.reason, text)
            continue
        if moment is not MISSING:
            period[name] = moment
    return {**extras, "period": period} if period else extras


def write_parts(value: dict[str, Any], scope: Scope) -> dict[int, str]:
    """Return component index -> text."""
    kind, use = value.get("system", "phone"), value.get("use", "")
    pieces = {e["url"].removeprefix(SD): e.get("valueString", "") for e in value.get("extension") or () if "url" in e}
    period = value.get("period") or {}
    out = {
        0: "" if kind == "email" else value["value"],
        1: CODES.get(use, ""),
        2: "CP" if kind == "phone" and use == "mobile" else EQUIPMENT.get(kind, "MD"),
        3: value["value"] if kind == "email" else "",
        11: "",
        12: write_dtm(period.get("start"), scope) or "",
        13: write_dtm(period.get("end"), scope) or "",
        17: str(value.get("rank", "")),
    }
    return out | {index: pieces.get(name, "") for index, name in PIECES.items()}
