"""Messages cut to their receiver, and the events by which it is told."""

from typing import Any

import pytest

from adapters.contract import Happened
from adapters.hl7v2.tailoring import growth, tailor
from adapters.hl7v2.triggers import trigger
from mappings import er7
from mappings.concepts import Target
from mappings.er7 import Message
from tracker_core.context import Peer
from tracker_core.errors import Unsupported

RAW = (
    "MSH|^~\\&|A|B|||20260101||ADT^A08|1|P|2.5.1|||||||||\r"
    "PID|1||7^^^K||A^B||19900101|F" + "|" * 30 + "x|y|z\r"
    "IAM|1|DA^Drug^HL70127|PEN^Penicillin^L\rOBX|1|CWE|1^a^L~2^b^HL70001||x\rZZZ|1\r"
)


def cut(translate: Any = None, **settings: Any) -> Message:
    """The message as a peer with these settings takes it."""
    return tailor(er7.parse(RAW), settings, translate)


def names(message: Message) -> list[str]:
    """The names of the segments."""
    return [segment[0] for segment in message.segments]


def test_a_version_has_its_segments_and_fields() -> None:
    """What came later is left out: IAM of 2.4 and PID-31 to 38 for 2.3; a Z segment stays whole."""
    assert names(cut(version="2.3")) == ["MSH", "PID", "OBX", "ZZZ"]
    assert len(cut(version="2.3").segments[1]) == 31
    assert names(cut(version="2.5.1")) == ["MSH", "PID", "IAM", "OBX", "ZZZ"]
    assert len(cut(version="2.4").segments[1]) == 39
    for wrong in ("2.2", "3.0", "two"):
        with pytest.raises(Unsupported, match="written in versions"):
            cut(version=wrong)


def test_phones_of_a_later_field_stand_where_the_version_has_them() -> None:
    """PID-40 came with 2.9; before that, every phone is in PID-13."""
    raw = "MSH|^~\\&|A\rPID|1||7||A||||||||1^PRN^PH" + "|" * 27 + "2^PRN^CP\r"
    assert tailor(er7.parse(raw), {"version": "2.5"}).segments[1][13] == "1^PRN^PH~2^PRN^CP"
    assert tailor(er7.parse(raw), {"version": "2.9"}).segments[1][40] == "2^PRN^CP"


def test_the_table_of_versions_only_grows() -> None:
    """Later versions have more fields, none fewer."""
    for steps in growth().values():
        assert steps == sorted(steps)
        assert [size for _, size in steps] == sorted({size for _, size in steps})


def test_only_the_segments_that_are_wanted_go_out() -> None:
    """The header and the patient always do."""
    assert names(cut(segments=["OBX"])) == ["MSH", "PID", "OBX"]


def test_codes_go_out_as_the_receiver_calls_them() -> None:
    """By a table of the peer or a ConceptMap; a code that neither has stays."""
    asked = []

    def translate(url: str, system: str, code: str) -> Target | None:
        asked.append((url, system, code))
        return Target("urn:theirs", "ONE^") if code == "1" else None

    message = cut(translate, values={"PID-8": {"F": 2}, "OBX-3": "urn:map", "OBX-9": {"x": "y"}})
    assert message.segments[1][8] == "2"
    assert message.segments[3][3] == "ONE\\S\\^a^L~2^b^HL70001"
    assert asked == [("urn:map", "L", "1"), ("urn:map", "http://terminology.hl7.org/CodeSystem/v2-0001", "2")]


START = {"status": "booked", "start": "2026-05-01T09:00:00Z"}


@pytest.mark.parametrize(
    ("type", "happened", "settings", "expected"),
    [
        ("ADT", Happened("person", "create"), {}, "ADT^A28"),
        ("ADT", Happened("person", "create"), {"register": "A04"}, "ADT^A04"),
        ("ADT", Happened("person", "update"), {"update": "A08"}, "ADT^A08"),
        ("ADT", Happened("person", "update"), {}, "ADT^A31"),
        ("ADT", Happened("person", "merge"), {}, "ADT^A40"),
        ("ADT^A08", Happened("person", "create"), {}, "ADT^A08"),
        ("ADT", Happened("record", "delete"), {}, ""),
        ("SIU", Happened("record", "create", None, START), {}, "SIU^S12"),
        ("SIU", Happened("record", "update", START, {**START, "start": "later"}), {}, "SIU^S13"),
        ("SIU", Happened("record", "update", START, {**START, "comment": "x"}), {}, "SIU^S14"),
        ("SIU", Happened("record", "update", START, {**START, "status": "cancelled"}), {}, "SIU^S15"),
        ("SIU", Happened("record", "update", START, {**START, "status": "noshow"}), {}, "SIU^S26"),
        ("SIU", Happened("record", "update", {"status": "noshow"}, {"status": "noshow"}), {}, "SIU^S14"),
        ("OML", Happened("record", "create"), {}, "OML^O21"),
        ("ORU", Happened("record", "update"), {}, "ORU^R01"),
        ("VXU", Happened("record", "update"), {}, "VXU^V04"),
        ("", Happened("record", "update"), {}, ""),
    ],
)
def test_what_happened_chooses_the_event(
    type: str, happened: Happened, settings: dict[str, Any], expected: str
) -> None:
    """Persons, appointments, orders and results, each by what became of it."""
    peer = Peer(1, "LAB", "", "hl7v2", None, settings)
    assert trigger(type, happened, peer) == expected
