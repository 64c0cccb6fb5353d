"""One message for each row of the official segment maps: only its field is filled, and what its condition asks for."""

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

from mappings import Mappings
from mappings.coverage import GuideRow
from tests.mappings.talk import PATIENT, Doc, documents, read

# Data type -> a value of it.
VALUES = {
    "CX": "7^^^LAB^MR",
    "CWE": "A^Alpha^L",
    "XPN": "Doe^Jane^M^^^^L",
    "XAD": "1 Street^^Town^ST^123^UG^H",
    "XTN": "^PRN^PH^^256^41^5551",
    "XCN": "77^Kato^Ana^^^^^^LAB",
    "XON": "Clinic^^^^^LAB^XX^^^9",
    "PL": "WARD^1^2^HOSP",
    "EI": "E1^LAB",
    "EIP": "E1&LAB^F1&LAB",
    "HD": "LAB",
    "CQ": "5^d",
    "NM": "3",
    "DTM": "20240302080000+0300",
    "TS": "20240302080000+0300",
    "DT": "20240302",
    "TM": "0800",
    "ID": "Y",
    "IS": "Y",
    "TQ": "1^^^20240302080000+0300^20240303080000+0300^R",
    "RPT": "BID^^^^2^h^^AC^3",
    "NDL": "77&Kato&Ana",
    "DLN": "D7^UG^20300101",
    "SPS": "BLD&Blood&L",
    "DR": "20240302^20240303",
}
# Fields that hold a code of a vocabulary which the guide does not name.
CODES = {
    "DG1-21": "D",
    "RXA-20": "CP",
    "TXA-3": "TX",
    "TXA-17": "AU",
    "IN1-10": "7^^^LAB^SN",
    "SCH-7 appointmentType": "Normal^^HL70277",
    "SPM-17 collection.collectedDateTime": "20240302",
    "PR1-7": "30",
    "SCH-26": "O1^LAB",
}
# Field -> what must stand beside it for the segment to say anything of its target.
BESIDE: dict[str, dict[int, str]] = {
    **{name: {3: "A^Alpha^L"} for name in ("AL1-0", "IAM-0", "PR1-0", "DG1-21", "DG1-22")},
    **{name: {4: "1^a^L"} for name in ("OBR-0", "OBR-11")},
    **{name: {3: "words"} for name in ("NTE-4", "NTE-5", "NTE-6", "NTE-9")},
    **{name: {26: "O1^LAB"} for name in ("SCH-0", "SCH-6")},
    **{name: {1: "1^LAB", 26: "O1^LAB"} for name in ("SCH-25", "SCH-26", "SCH-27")},
    "PR1-7": {5: "20240302080000+0300"},
    "PD1-0": {7: "Y"},
    "PID-0": {18: "A7^^^LAB"},
    "ORC-1": {2: "P1^LAB"},
    "RXA-20": {3: "20240302"},
    "RXA-21": {3: "20240302", 21: "D"},
    "RXO-0": {1: "A^Alpha^L"},
    "RXO-2": {3: "5"},
    "RXO-4": {2: "3", 3: "5"},
    "RXO-12": {11: "3"},
    "RXO-19": {18: "3"},
    "RXO-26": {25: "3"},
    "TXA-0": {12: "D1^LAB"},
}
SPECIMEN = {15: "BLD&Blood&L"}
# OBX-2 -> a value of OBX-5.
RESULTS = {
    "NM": "5.0",
    "SN": ">^5",
    "TM": "0800",
    "DR": "20240302^20240303",
    "NR": "1^2",
    "ED": "^AP^PDF^Base64^AAAA",
    "RP": "https://x.example/1^^IM^JPEG",
    **dict.fromkeys(("DTM", "TS", "DT"), "20240302"),
    **dict.fromkeys(("CWE", "CE", "CNE", "CF"), "A^Alpha^L"),
}
ORDER = "OBR|1||F1^LAB|1^a^L"
RESULT = "OBX|1|ST|1^a^L||x||||||F"
VISIT = "PV1|1|I|||||||||||||||||V1^^^LAB"
# Map, or its segment -> message type and the segments before.
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("OBR", "ORC"), ("ORU^R01", (PATIENT,))),
    **dict.fromkeys(("OBX", "SPM", "NTE[ServiceRequest]"), ("ORU^R01", (PATIENT, ORDER))),
    **dict.fromkeys(("NTE", "PRT"), ("ORU^R01", (PATIENT, ORDER, RESULT))),
    **dict.fromkeys(("RXO", "RXE"), ("RDE^O11", (PATIENT,))),
    **dict.fromkeys(("RXA", "ORC[Immunization]"), ("VXU^V04", (PATIENT,))),
    "RXR[Immunization]": ("VXU^V04", (PATIENT, "RXA|0|1|20240302||08^HepB^CVX")),
    "RXR": ("RDE^O11", (PATIENT, "RXO|a1^Amox^L")),
    "TQ1[MedicationRequest]": ("RDE^O11", (PATIENT, "ORC|NW|P1^LAB")),
    "TQ1": ("OML^O21", (PATIENT, "ORC|NW|P1^LAB")),
    **dict.fromkeys(("NTE[Appointment-Comment]", "PID[Appointment]"), ("SIU^S12", ("SCH|1^LAB",))),
    "AIS[ServiceRequest]": ("SIU^S12", ("SCH|1^LAB" + "|" * 25 + "O1^LAB", PATIENT)),
    **dict.fromkeys(("AIS", "AIG", "AIL", "AIP"), ("SIU^S12", ("SCH|1^LAB", PATIENT))),
    "SCH": ("SIU^S12", ()),
    "TXA": ("MDM^T02", (PATIENT,)),
    "OBX[DocumentReference]": ("MDM^T02", (PATIENT, "TXA|1|DS||||||||||D1^LAB")),
    "PID": ("ADT^A01", ()),
    **dict.fromkeys(("PV2", "DG1", "ROL"), ("ADT^A01", (PATIENT, VISIT))),
}
_CONDITION = re.compile(r"(?P<segment>[A-Z][A-Z0-9]{2})[-.](?P<field>\d+)(?:\.(?P<part>\d+))?\s*(?P<rest>.*)")
_WORD = re.compile(r'"([^"]+)"')


def says(tables: Mappings, folder: Path, row: GuideRow) -> bool:
    """Tell whether a message with the row's field, and what it needs beside it, makes the row's target."""
    beside = SPECIMEN if row.map == "OBR[Specimen]" else BESIDE.get(row.key[1], {})
    fields = {**beside, **conditions(row)}
    if row.fields:
        fields[row.fields] = fields.get(row.fields) or value(row, fields, folder)
    if row.key[1] == "OBX-6":
        fields.setdefault(5, RESULTS.get(fields.get(2, "NM"), "words"))
    if row.map == "OBX[Observation-Component]":
        fields = {2: "NM", 3: "1^a^L", **fields, 5: "~".join([fields.get(5, "5.0")] * 2)}
    segment = [row.segment, *(fields.get(number, "") for number in range(1, max(fields) + 1))]
    kind, before = PLACES.get(row.map) or PLACES.get(row.segment) or ("ADT^A01", (PATIENT,))
    changes, _ = read(tables, kind, *before, "|".join(segment))
    if any(filled(document, row.target) for document in documents(changes, row.type)):
        return True
    if row.inner is None:
        return False
    held = [
        inner for change in changes for inner in contained(change.document) if inner["resourceType"] == row.inner[0]
    ]
    return any(filled(document, row.inner[1]) for document in [*documents(changes, row.inner[0]), *held])


def contained(document: Any) -> list[Doc]:
    """Return the records inside a record."""
    return list(document.get("contained", ())) if isinstance(document, dict) else []


def value(row: GuideRow, fields: dict[int, str], folder: Path) -> str:
    """Return a value of the row's field: of its vocabulary, of the type that OBX-2 names, or of its data type."""
    if row.data_type == "varies":
        return RESULTS.get(fields.get(2, ""), "words")
    if row.name in CODES or row.key[1] in CODES:
        return CODES.get(row.name) or CODES[row.key[1]]
    code = codes(folder).get(row.vocabulary, "") if row.vocabulary else ""
    if code and row.data_type in ("CWE", "CE", "CNE"):
        return f"{code}^Alpha"
    return code or VALUES.get(row.data_type, "words")


@cache
def codes(folder: Path) -> dict[str, str]:
    """Return the first code with a target of each of the guide's vocabulary maps."""
    found: dict[str, str] = {}
    for path in (folder / "codesystems").glob("*.csv"):
        name = path.stem.partition("Map_ ")[2].rpartition(" - ")[0].strip()
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                line for line in list(csv.reader(file))[2:] if len(line) > 6 and line[0].strip() and line[6].strip()
            ]
        if lines:
            found[name] = lines[0][0].strip()
    return found


def conditions(row: GuideRow) -> dict[int, str]:
    """Return what fields must hold for the row's condition, as far as it asks for values."""
    found: dict[int, str] = {}
    for text in re.split(r"\bAND\b", row.condition):
        match = _CONDITION.search(text)
        if match is None or match["segment"] != row.segment or "NOT" in match["rest"].upper():
            continue
        words, own = _WORD.findall(match["rest"]), int(match["field"]) == row.fields
        if own and not words:
            continue
        if match["part"] == "4" or "EMPTY" in match["rest"].upper() or not match["rest"]:
            continue
        if match["segment"] == "OBX" and match["part"]:
            found[5] = f"^1^{words[0]}^2" if match["part"] == "3" else f"{words[0]}^1"
        else:
            valued = CODES.get(f"{row.segment}-{match['field']}", "20240301")
            found[int(match["field"])] = words[-1] if words else valued
    return found


def filled(node: Any, path: tuple[str, ...]) -> bool:
    """Tell whether anything stands at a path, whatever items and variants lead there."""
    if isinstance(node, list):
        return any(filled(item, path) for item in node)
    if not path or path == ("$this",):
        return node not in (None, "", [], {})
    if not isinstance(node, dict):
        return False
    return any(filled(node[name], path[1:]) for name in node if leads(name, path[0]))


def leads(name: str, step: str) -> bool:
    """Tell whether an element is the step of a path: itself, its extensions, or one type of a choice."""
    rest = name.removeprefix("_").removeprefix(step)
    return name.removeprefix("_").startswith(step) and (not rest or rest[0].isupper())
