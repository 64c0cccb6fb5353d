"""Messages as people read them, and the names of the standard."""

from adapters.contract import Envelope
from adapters.hl7v2.dictionary import named, segments
from adapters.hl7v2.showing import show
from tests.adapters.hl7v2.wire import sample


def test_a_field_has_its_name_and_its_parts() -> None:
    """Repetitions, components and subcomponents apart, null as None, escapes decoded, empty fields left out."""
    raw = b'MSH|^~\\&|A|B|||20260101||ADT^A08|1|P|2.5.1\rPID|1||7^^^K&1.2&ISO~8||A\\T\\B||""\rZAB|x\r'
    header, pid, own = show(raw, Envelope())["segments"]
    assert (header["name"], header["fields"][1]["value"]) == ("Message header", [["^~\\&"]])
    number, name, born = pid["fields"][1:]
    assert (number["field"], number["name"], number["type"]) == (3, "Patient Identifier List", "CX")
    assert number["value"] == [["7", "", "", ["K", "1.2", "ISO"]], ["8"]]
    assert (name["text"], name["value"]) == ("A\\T\\B", [["A&B"]])
    assert born["value"] == [[None]]
    assert (own["name"], own["fields"]) == ("", [{"field": 1, "name": "", "type": "", "text": "x", "value": [["x"]]}])


def test_a_batch_is_shown_message_by_message() -> None:
    """Each message of a batch, and what is wrong with its counts."""
    shown = show(sample("batch").replace(b"BTS|2", b"BTS|3"), Envelope())
    assert len(shown["messages"]) == 2
    assert [issue["code"] for issue in shown["issues"]] == ["batch-count"]


def test_the_names_are_complete_and_in_order() -> None:
    """Every segment has a name, fields from 1 on without repeats, each with a type."""
    for code, segment in segments().items():
        assert segment.name, code
        numbers = list(segment.fields)
        assert numbers == sorted(set(numbers)), code
        assert numbers[0] == 1, code
        assert all(field.name and field.type for field in segment.fields.values()), code
    assert named("PID").fields[5].name == "Patient Name"
    assert named("PID").fields[5].repeats
    assert named("OBX").fields[3].type == "CWE"
    assert named("ZZZ").fields == {}
