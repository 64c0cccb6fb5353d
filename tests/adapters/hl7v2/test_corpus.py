"""Real messages of many systems: nothing is lost, and an independent parser sees the same tree."""

import re
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest

from adapters.hl7v2 import batches, charset
from mappings import er7
from mappings.er7 import Message
from tracker_core.errors import Malformed


@pytest.fixture(scope="module")
def messages(corpora: Path) -> list[tuple[str, bytes]]:
    """Every message of the corpus by file, batches taken apart."""
    found = []
    for path in sorted((corpora / "hl7v2" / "messages").rglob("*.hl7")):
        raw = path.read_bytes()
        parts = batches.split([raw], batches.Found()) if batches.is_batch(raw) else [raw]
        found += [(path.name, part) for part in parts]
    return found


def parsed(messages: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, Message]]:
    """The messages that are messages."""
    for name, raw in messages:
        try:
            yield name, raw, charset.parse_message(raw)[0]
        except Malformed:
            continue


def normal(raw: bytes, codec: str) -> str:
    """The text of a message with its line ends made CR and blank lines gone, by other means than the parser's."""
    text = raw.removeprefix(b"\xef\xbb\xbf").decode(codec).strip("\x0b\x1c\r\n")
    return "".join(line + "\r" for line in re.split(r"[\r\n]+", text) if line.strip())


def test_every_message_renders_as_it_came(messages: list[tuple[str, bytes]]) -> None:
    """Parse and render is the identity after line ends are normal; only a few broken files are refused."""
    seen = 0
    for name, raw, message in parsed(messages):
        seen += 1
        # A raw line break within a text is kept as LF.
        assert er7.render(message).replace("\n", "\r") == normal(raw, message.encoding.charset), name
    assert len(messages) > 250
    assert len(messages) - seen < 10


def test_another_parser_sees_the_same_fields(messages: list[tuple[str, bytes]]) -> None:
    """The `hl7` package finds the same segments, fields, repetitions, components and subcomponents."""
    compared = 0
    for name, raw, message in parsed(messages):
        text = normal(raw, message.encoding.charset)
        if len(text.rstrip("\r").split("\r")) != len(message.segments):
            continue  # a raw line break: the other parser takes the rest for a segment
        for ours, theirs in zip(message.segments, hl7.parse(text), strict=True):
            assert str(theirs[0]) == ours[0], name
            assert len(theirs) == len(ours), (name, ours[0])
            for number in range(1, len(ours)):
                assert raw_tree(str(theirs[number]), message) == raw_tree(ours[number], message), (
                    name,
                    ours[0],
                    number,
                )
                compared += 1
                if ours[0] != "MSH" or number > 2:
                    assert deep(theirs[number]) == tree(ours[number], message), (name, ours[0], number)
    assert compared > 50_000


def raw_tree(text: str, message: Message) -> list[str]:
    """The repetitions of a field as text."""
    return er7.split(text, message.encoding.repetition)


def tree(text: str, message: Message) -> list[list[list[str]]]:
    """A field split at all three levels, not decoded."""
    encoding = message.encoding
    return [
        [er7.split(piece, encoding.subcomponent) for piece in er7.split(repetition, encoding.component)]
        for repetition in er7.split(text, encoding.repetition)
    ]


def deep(field: object) -> list[list[list[str]]]:
    """What the other parser found, at all three levels; it leaves out the levels of a plain value."""
    if not isinstance(field, hl7.Field):
        return [[[str(field)]]]
    repetitions = []
    for repetition in field:
        if not isinstance(repetition, hl7.Repetition):
            repetitions.append([[str(repetition)]])
            continue
        repetitions.append(
            [
                [str(sub) for sub in component] if isinstance(component, hl7.Component) else [str(component)]
                for component in repetition
            ]
        )
    return repetitions
