"""ER7 as values: what is accepted, what is refused, how parts are read."""

import pytest

from mappings import er7
from mappings.er7 import Encoding
from tracker_core.errors import Malformed

HEADER = r"MSH|^~\&|LAB|KIVU|HUB|NAT|20260305101500||ADT^A08|7|P|2.5"


def test_fields_are_numbered_as_in_the_standard() -> None:
    """MSH-1 is the separator itself, so that MSH-10 is found under 10."""
    message = er7.parse(HEADER + "\rPID|1||9\r")
    header = message.first("MSH")
    assert header is not None
    assert header[:4] == ["MSH", "|", "^~\\&", "LAB"]
    assert er7.get(header, 10) == "7"
    assert er7.get(header, 40) == ""


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_makes_the_same_message(end: str) -> None:
    """CR, LF and CRLF, a byte order mark, framing bytes and blank lines leave the same segments."""
    text = "\ufeff\x0b" + end.join([HEADER, "", "PID|1||9||", "ZXA|a||", "  ", "\x1c", ""])
    assert er7.render(er7.parse(text)) == HEADER + "\rPID|1||9||\rZXA|a||\r"


def test_a_raw_line_break_inside_a_text_stays_in_its_field() -> None:
    """A line that is no segment continues the text before it, and the fields behind it keep their numbers."""
    message = er7.parse(HEADER + "\nOBX|1|TX|N||first line\nsecond line||||||F\n")
    segment = message.segments[1]
    assert segment[5] == "first line\nsecond line"
    assert segment[11] == "F"


def test_first_and_all_find_segments_by_name() -> None:
    """Segments are found by name wherever they stand, and a missing one is None."""
    message = er7.parse(HEADER + "\rNTE|1\rZZZ|x\rNTE|2\r")
    assert [segment[1] for segment in message.all("NTE")] == ["1", "2"]
    assert message.first("PV1") is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "MSH"),
        ("PID|1", "MSH"),
        ("MSH|", "MSH"),
        ("MSH||LAB", "MSH-2"),
        ("MSH|&&&&|LAB", "MSH-2"),
        ("MSH|^~\\&#!|LAB", "MSH-2"),
        ("MSHA^~\\&A", "MSH-2"),
        ("MSH|^ \\&|LAB", "MSH-2"),
        (HEADER + "\r" + HEADER, "MSH"),
        (HEADER + "\rPIDX|1", "segment 2"),
        (HEADER + "\rpid|1", "segment 2"),
    ],
)
def test_what_is_no_message_is_refused(text: str, where: str) -> None:
    """A broken header, a second header or a wrong segment name is `Malformed` and says where."""
    with pytest.raises(Malformed) as caught:
        er7.parse(text)
    assert caught.value.where == where


def test_a_field_splits_into_repetitions_components_and_subcomponents() -> None:
    """All three levels are split and decoded; absent is empty, null is None."""
    assert er7.split_field('A^B&C~""^', Encoding()) == [[["A"], ["B", "C"]], [[None], [""]]]


def test_delimiters_are_those_of_the_message() -> None:
    """A message with its own delimiters is read and written with them."""
    message = er7.parse("MSH#!@%*#A\rPID#1##1!2*3@4%F%")
    assert er7.split_field(message.segments[1][3], message.encoding) == [[["1"], ["2", "3"]], [["4#"]]]
    assert er7.escape("#!|", message.encoding) == "%F%%S%|"


def test_a_message_without_a_delimiter_has_no_such_parts() -> None:
    """Where MSH-2 leaves out the subcomponent and escape characters, their usual signs are text."""
    encoding = er7.parse("MSH|^~|LAB").encoding
    assert encoding.characters == "^~"
    assert er7.split_field("a&b\\F\\^c", encoding) == [[["a&b\\F\\"], ["c"]]]
    assert er7.escape("a^b\\", encoding) == "a b\\"
    assert er7.value(["PID", "a&b"], encoding, 1) == "a&b"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
        (r"1\.br\2", "1\n2"),
        (r"\H\bold\N\ \.sp+2\ \Z7\ \CABCD\ \M12\ ", r"\H\bold\N\ \.sp+2\ \Z7\ \CABCD\ \M12\ "),
        (r"\H\E\ ", r"\H\E\ "),
        (r"C:\temp\x and \Q\ ", r"C:\temp\x and \Q\ "),
        (r"\XC3\\XA9\t\XC3A9\ ", "été "),
        (r"\XFF\ ", r"\XFF\ "),
        (r"\P\ ", r"\P\ "),
        (r"open \ end", r"open \ end"),
    ],
)
def test_escape_sequences_are_read(raw: str, text: str) -> None:
    """Delimiters and bytes become characters; formatting, local and unknown sequences stay."""
    assert er7.unescape(raw, Encoding()) == text


def test_bytes_are_in_the_charset_of_the_message() -> None:
    """`\\X..\\` is decoded, and control characters written, in the charset of the message."""
    latin = er7.parse(HEADER, "iso8859-1").encoding
    assert er7.unescape(r"\XE9\ ", latin) == "é "
    assert er7.escape("a\rb\x1c", latin) == r"a\X0D\b\X1C\ ".strip()


def test_the_truncation_character_is_escaped_where_it_is_declared() -> None:
    """With a fifth delimiter (2.7) `\\P\\` stands for it."""
    encoding = er7.encoding_of("|", "^~\\&#")
    assert er7.escape("#1", encoding) == r"\P\1"
    assert er7.unescape(r"\P\1", encoding) == "#1"


def test_value_reads_one_part_of_the_first_repetition() -> None:
    """`value` gives decoded text, and nothing for what is absent, null or beyond the end."""
    segment = ["PID", r"a\T\b^c&d~e", '""']
    encoding = Encoding()
    assert er7.value(segment, encoding, 1) == "a&b"
    assert er7.value(segment, encoding, 1, 2, 2) == "d"
    assert [er7.value(segment, encoding, *at) for at in [(2,), (3,), (1, 3), (1, 1, 2)]] == ["", "", "", ""]
    assert er7.value(None, encoding, 1) == ""
