"""Conformance profiles, filters, and the settings that ask for them."""

from typing import Any

import pytest

from adapters.contract import Envelope, Reading
from adapters.hl7v2 import ADAPTER, conformance, filters
from mappings import er7
from tests.adapters.hl7v2.test_reading import read
from tests.adapters.hl7v2.wire import sample
from tracker_core.errors import Malformed, Unsupported
from tracker_core.issues import Report

RAW = 'MSH|^~\\&|A|B|||20260101||ADT^A08|1|P|2.5.1\rPID|1||7^^^K~8^^^K||A^Bertram||""|F\rNK1|1|A\rNK1|2|B\rPV1|1|I\r'


def broken(**profile: Any) -> list[tuple[str, str, str]]:
    """(code, place, severity) of what a profile finds wrong with the message."""
    found = conformance.check(er7.parse(RAW), conformance.load(profile))
    return [(one.issue.code, one.issue.where, one.issue.severity) for one in found]


def field(place: str, **rule: Any) -> list[tuple[str, str, str]]:
    """What one rule for a field finds wrong."""
    return broken(fields={place: rule})


def test_segments_are_there_as_often_as_they_may() -> None:
    """Missing, too many, forbidden; what may repeat without end is never too many."""
    assert broken(segments={"PID": "1..1", "NK1": "0..*", "OBX": "0..1"}) == []
    assert broken(segments={"IN1": "1..*"}) == [("conformance-segment-missing", "IN1", "warning")]
    assert broken(segments={"NK1": "0..1", "PV1": "0..0"}, policy="reject") == [
        ("conformance-segment-count", "NK1", "error"),
        ("conformance-segment-count", "PV1", "error"),
    ]


def test_fields_say_what_they_must() -> None:
    """Required, forbidden, repetitions, lengths and tables, each with the place of the value."""
    assert field("PID-5.1", use="R") == field("PID-3", max=2) == field("PID-8", table=["F", "M"]) == []
    assert field("PID-7", use="R") == [("conformance-required", "PID[1]-7(1)", "warning")]
    assert field("PID-30", use="R") == [("conformance-required", "PID[1]-30", "warning")]
    assert field("NK1-2", use="X")[1] == ("conformance-forbidden", "NK1[2]-2(1)", "warning")
    assert field("PID-3", max=1) == [("conformance-repetition", "PID[1]-3(2)", "warning")]
    assert field("PID-5.2", length=3) == [("conformance-length", "PID[1]-5(1).2", "warning")]
    assert field("PID-3.4", table=["X"], policy="refuse") == [
        ("conformance-unknown-value", "PID[1]-3(1).4", "error"),
        ("conformance-unknown-value", "PID[1]-3(2).4", "error"),
    ]
    assert field("PID-3", table=["7"]) == [("conformance-unknown-value", "PID[1]-3(2)", "warning")]
    assert field("OBX-5", use="R") == []


def test_rules_may_be_for_some_types_only() -> None:
    """Beside those for all messages, those whose type fits."""
    rules = {"segments": {"MRG": "1..1"}}
    assert broken(messages={"ADT^A40": rules, "ORU*": rules}) == []
    assert broken(messages={"ADT^A0*": rules}) == [("conformance-segment-missing", "MRG", "warning")]


@pytest.mark.parametrize(
    "profile",
    [
        {"policy": "shrug"},
        {"segments": {"PID": "often"}},
        {"segments": {"PID": "x..1"}},
        {"fields": {"PID": {"use": "R"}}},
        {"fields": {"PID-3": {"use": "maybe"}}},
        {"fields": {"PID-3": {"min": 1}}},
        {"fields": {"PID-3": {"policy": "shrug"}}},
    ],
)
def test_a_profile_that_is_none_is_refused(profile: dict[str, Any]) -> None:
    """A word that is not known, with its place."""
    with pytest.raises(Malformed):
        conformance.load(profile)


def answer(reading: Reading) -> str:
    """The acknowledgement of the admission as it was read."""
    report = Report(issues=reading.issues, rejected=reading.rejected, extra=reading.extra)
    return ADAPTER.answer(sample("adt_a01"), Envelope(), report, None).decode()


@pytest.mark.parametrize(
    ("policy", "verdict", "records"), [("warn", "AA", True), ("reject", "AE", False), ("refuse", "AR", False)]
)
def test_the_policy_decides_about_the_message(policy: str, verdict: str, records: bool) -> None:
    """Warned of and taken, rejected (AE) or refused (AR), with ERR at the place; nothing of it is mapped then."""
    reading = read(sample("adt_a01"), conformance={"policy": policy, "fields": {"PID-8": {"table": ["M"]}}})
    assert bool(reading.changes.records) == records
    told = answer(reading)
    assert f"MSA|{verdict}|" in told
    assert "\rERR||PID^1^8^1|103^" in told


def test_filters_take_ignore_or_refuse() -> None:
    """The first that fits decides; an ignored message is accepted and changes nothing, whatever its type."""
    ignore = {"types": ["ADT^A0*"], "when": {"PV1-2": ["I", "E"]}, "then": "ignore", "note": "inpatients come by file"}
    reading = read(sample("adt_a01"), filters=[ignore])
    assert (reading.rejected, reading.changes.records) == (False, [])
    assert [(issue.code, issue.severity, issue.text) for issue in reading.issues] == [
        ("filtered", "information", "inpatients come by file")
    ]
    assert read(sample("adt_a04"), filters=[ignore]).changes.records
    assert read(sample("adt_a01"), filters=[{"then": "take"}, ignore]).changes.records
    assert read(sample("adt_a01"), filters=[{"when": {"PV1-18": [""]}, "then": "refuse"}]).rejected
    unknown = sample("adt_a01").replace(b"ADT^A01^ADT_A01", b"ADT^A61")
    assert not read(unknown, filters=[{"types": ["ADT^A6*"], "then": "ignore"}]).rejected
    with pytest.raises(Unsupported, match="not taken in"):
        read(unknown)


def test_a_filter_that_says_nothing_is_a_wrong_setting() -> None:
    """A word that is none of the three."""
    with pytest.raises(Unsupported, match="take, ignore or refuse"):
        filters.judge(er7.parse(RAW), {"filters": [{"then": "drop"}]})


@pytest.mark.parametrize(
    "settings",
    [
        {"version": "9"},
        {"zone": "Mars/Olympus"},
        {"values": {"sex": {}}},
        {"filters": [{"then": "drop"}]},
        {"filters": ["drop"]},
        {"conformance": {"policy": "shrug"}},
        {"conformance": []},
        {"unknown_authority": "shrug"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any]) -> None:
    """Before they are stored, so that no message meets them."""
    assert ADAPTER.check_settings is not None
    ADAPTER.check_settings({"version": "2.4", "zone": "Africa/Nairobi", "values": {"PID-8": {"F": "2"}}})
    with pytest.raises(Malformed):
        ADAPTER.check_settings(settings)
