"""Messages written out, read into records, and the records rendered again."""

from typing import Any

from mappings import Mappings, Profile, read_message, structure_of, write_message
from mappings.er7 import Message, parse
from tracker_core.changes import RecordChange
from tracker_core.issues import Issue

HEADER = "MSH|^~\\&|LIS|LAB|||20240302080000+0300||{type}|1|P|{version}\r"
PROFILE = Profile(domain="lis")
LAB = "urn:id:lis:LAB"
V2 = "http://terminology.hl7.org/CodeSystem/v2-"
PATIENT = "PID|1||1^^^LAB^MR||Doe^Jane"
Doc = dict[str, Any]


def message(type_: str, *segments: str, version: str = "2.5.1") -> Message:
    """Return a message of a header and `segments`."""
    return parse(HEADER.format(type=type_, version=version) + "\r".join(segments))


def read(
    tables: Mappings, type_: str, *segments: str, profile: Profile = PROFILE, version: str = "2.5.1"
) -> tuple[list[RecordChange], list[Issue]]:
    """Read a message of a header and `segments`."""
    return read_message(tables, message(type_, *segments, version=version), profile)


def documents(changes: list[RecordChange], type_: str) -> list[Doc]:
    """Return the documents of one type, with what they get when they are new."""
    return [
        {**c.defaults, **c.document} for c in changes if c.type == type_ and c.document and isinstance(c.document, dict)
    ]


def again(tables: Mappings, type_: str, *segments: str, version: str = "2.5.1") -> list[str]:
    """Return the segments that the records of a message are rendered as, behind the patient's."""
    asked = message(type_, *segments, version=version)
    changes, _ = read_message(tables, asked, PROFILE)
    records = {c.name: {**c.defaults, **c.document} for c in changes if isinstance(c.document, dict) and c.document}
    written, issues = write_message(
        tables, structure_of(tables, asked), records, PROFILE, asked.encoding, version=version
    )
    assert issues == []
    return ["|".join(segment) for segment in written if segment[0] != "PID"]
