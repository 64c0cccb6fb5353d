"""Acknowledgements in the words of the message they answer."""

import pytest

from adapters.hl7v2 import acks
from adapters.hl7v2.header import patient_key, read_header, sender_code
from mappings import er7
from mappings.er7 import Message
from tests.adapters.hl7v2.wire import sample
from tracker_core.errors import Conflict, Malformed, Unavailable, Unsupported
from tracker_core.issues import Issue, Report

HEAD = "MSH|^~\\&|LAB^1.2^ISO|KIVU|HUB|MOH|20260305||{type}|C\\T\\1|P|{version}||{accept}|{application}||{charset}"


def ask(version: str = "2.5.1", type: str = "ADT^A08^ADT_A01", accept: str = "", application: str = "") -> bytes:
    """A message with these header fields."""
    head = HEAD.format(type=type, version=version, accept=f"|{accept}", application=application, charset="")
    return f"{head}\rPID|||1\r".encode()


def answer(raw: bytes, report: Report | None = None, error: BaseException | None = None) -> Message:
    """The answer to `raw`, parsed."""
    return er7.parse(acks.answer(raw, report or Report(), error).decode())


def test_acceptance_swaps_the_sides_and_echoes_the_control_id() -> None:
    """MSH-3 to 6 change places, the type is ACK with the trigger, MSA-2 is MSH-10 as it came."""
    message = answer(ask())
    header, msa = message.segments
    assert header[3:7] == ["HUB", "MOH", "LAB^1.2^ISO", "KIVU"]
    assert header[9] == "ACK^A08^ACK"
    assert header[11:13] == ["P", "2.5.1"]
    assert header[10]
    assert len(header[10]) <= 20
    assert msa == ["MSA", "AA", "C\\T\\1"]


@pytest.mark.parametrize(
    ("version", "type"), [("2.2", "ACK"), ("2.3", "ACK^A08"), ("2.3.1", "ACK^A08^ACK"), ("x", "ACK^A08^ACK")]
)
def test_the_type_is_one_the_senders_version_knows(version: str, type: str) -> None:
    """Older versions have no structure, and no trigger, in the type of an acknowledgement."""
    header = answer(ask(version)).segments[0]
    assert (header[9], header[12]) == (type, version)


def test_the_answer_is_in_the_charset_of_the_message() -> None:
    """A Latin-1 sender is answered in Latin-1, and MSH-18 says so."""
    report = Report(issues=[Issue("note", "Noël", "information")])
    raw = acks.answer(sample("adt_a08_latin1"), report)
    assert "Noël".encode("iso8859-1") in raw
    assert er7.parse(raw.decode("iso8859-1")).segments[0][18] == "8859/1"


@pytest.mark.parametrize(
    ("error", "code", "condition", "place"),
    [
        (Malformed("MSH-10 is empty", "MSH-10"), "AR", "101", "MSH^1^10^1"),
        (Malformed("broken", "MSH-2"), "AR", "102", "MSH^1^2^1"),
        (Malformed("broken", "segment 2"), "AR", "100", ""),
        (Unsupported("no such trigger", "MSH-9.2"), "AR", "201", "MSH^1^9^1^2"),
        (Unsupported("no such type", "MSH-9.1"), "AR", "200", "MSH^1^9^1^1"),
        (Unsupported("no such version", "MSH-12"), "AR", "203", "MSH^1^12^1"),
        (Conflict("sent before with other content"), "AE", "205", ""),
        (Unavailable("the database is away"), "AE", "206", ""),
        (ValueError("secret"), "AE", "207", ""),
    ],
)
def test_each_error_has_its_code_condition_and_place(error: Exception, code: str, condition: str, place: str) -> None:
    """AR for what is not offered or not readable, AE for the rest; a fault of ours tells nothing of its inside."""
    message = answer(ask(), Report(), error)
    msa, err = message.segments[1:]
    assert msa[1] == code
    assert (err[2], err[3].split("^")[0], err[4]) == (place, condition, "E")
    assert "secret" not in er7.render(message)


def test_issues_of_a_refused_message_are_told_one_by_one() -> None:
    """A rejected report is AE, with an ERR for each issue at its place, escaped."""
    issues = [
        Issue("unknown-code", "not a sex", "error", "PID-8", "Q|R"),
        Issue("value", "no number", "warning", "OBX:2-5(3).1"),
    ]
    first, second = answer(ask(), Report(issues=issues, rejected=True)).all("ERR")
    assert first[2:9] == [
        "PID^1^8^1",
        "103^Table value not found^HL70357",
        "E",
        "unknown-code",
        "",
        "",
        "not a sex (Q\\F\\R)",
    ]
    assert second[2:5] == ["OBX^2^5^3^1", "102^Data type error^HL70357", "W"]


def test_an_applied_message_has_no_errors_only_warnings() -> None:
    """Within AA an ERR never claims that the transaction failed (table 0516)."""
    message = answer(ask(), Report(issues=[Issue("value", "no date", "error", "PID-7")]))
    assert message.segments[1][1] == "AA"
    assert message.segments[2][4] == "W"


def test_versions_before_25_get_their_own_err() -> None:
    """ERR-1 holds place, condition and text as one repetition for each issue."""
    issues = [Issue("required-field", "no family name", where="PID-5"), Issue("value", "no date", where="PID-7")]
    message = answer(ask("2.4"), Report(issues=issues, rejected=True))
    (err,) = message.all("ERR")
    assert err[1].split("~")[0] == "PID^1^5^101&Required field missing&HL70357&required-field&no family name"
    assert len(err[1].split("~")) == 2
    assert message.segments[1][3] == "no family name"
    assert len(answer(ask("2.4")).segments) == 2


def test_the_number_of_reasons_is_bounded() -> None:
    """A message with a thousand faults is not answered with a thousand segments."""
    report = Report(issues=[Issue("value", f"fault {n}") for n in range(1000)], rejected=True)
    assert len(answer(ask(), report).all("ERR")) == acks.MOST_ERRORS


@pytest.mark.parametrize(
    ("accept", "application", "good", "bad"),
    [
        ("", "", "AA", "AE"),
        ("AL", "AL", "AA", "AE"),
        ("AL", "NE", "CA", "CE"),
        ("AL", "", "CA", "CE"),
        ("NE", "AL", "AA", "AE"),
        ("ER", "NE", "", "CE"),
        ("NE", "SU", "AA", ""),
        ("SU", "ER", "CA", "AE"),
        ("NE", "NE", "", ""),
    ],
)
def test_one_answer_by_what_the_sender_asks_for(accept: str, application: str, good: str, bad: str) -> None:
    """MSH-15 and 16 choose the kind of the one answer; who wants none gets none, if the profile trusts that."""
    raw = ask(accept=accept, application=application)
    for report, code, verdict in ((Report(), good, "AA"), (Report(rejected=True), bad, "AE")):
        silent = acks.answer(raw, report, silent=True)
        assert (er7.parse(silent.decode()).segments[1][1] if silent else "") == code
        assert answer(raw, report).segments[1][1] == (code or verdict)


def test_what_has_no_header_is_still_answered() -> None:
    """Bytes that are no message get a refusal with our own delimiters and an empty control id."""
    message = answer(b"GET / HTTP/1.1", Report(), Malformed("not a message", "MSH"))
    assert message.segments[1] == ["MSA", "AR", "", "not a message"]
    assert message.segments[0][9:13:3] == ["ACK", "2.5.1"]


def test_a_place_that_is_no_place_is_left_out() -> None:
    """Only segment places become ERL; deep ones go down to the subcomponent."""
    assert acks.place_of("line 7") == ()
    assert acks.place_of("PID") == ("PID", "1")
    assert acks.place_of("PID[2]-3(2).4.1") == ("PID", "2", "3", "2", "4", "1")
    assert acks.place_of("") == ()


def test_the_sender_is_named_by_application_and_facility() -> None:
    """MSH-3 and 4 name the sender; a universal id stands in for a namespace, and nothing gives an empty name."""
    assert sender_code(sample("adt_a01")) == "CLINIC|KIVU-HC"
    assert sender_code(b"MSH|^~\\&|^1.2.3^ISO||X") == "1.2.3|"
    assert sender_code(b"MSH|^~\\&|||X") == ""
    assert sender_code(b"no message") == ""


def test_the_header_is_read_from_wide_and_noisy_bytes() -> None:
    """UTF-16 and leading noise do not hide the header; a broken one is none."""
    wide = read_header("MSH|^~\\&|A|B|C|D|2026||ADT^A08|77|P|2".encode("utf-16"))
    assert wide is not None
    assert (wide.type, wide.control_id, wide.version) == ("ADT^A08", "77", (2,))
    assert read_header(b"\x0b\r\nMSH|^~\\&|A") is not None
    assert read_header(b"MSH|&&&&|A") is None


def test_patients_are_told_apart_by_identifier_and_authority() -> None:
    """The first identifier of PID-3 with its authority names the lane of a message."""
    raw = sample("adt_a01")
    header = read_header(raw)
    assert header is not None
    assert patient_key(raw, header) == "P-1001^KIVU-HC"
    assert patient_key(b"MSH|^~\\&|\rEVN|A01", header) == ""
    assert patient_key(b"MSH|^~\\&|\rPID|1||", header) == ""
