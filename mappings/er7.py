"""ER7, the pipe-and-hat text of HL7 version 2, as plain values: segments are lists of fields.

Segments and fields are split when a message is parsed; components only where somebody asks (`split_field`), so that
an embedded document of 20 MB costs nothing until it is read. Clauses are those of HL7 v2.9 chapter 2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from tracker_core.errors import Malformed

NULL = '""'

Segment: TypeAlias = list[str]
Subcomponents: TypeAlias = list[str | None]
Repetition: TypeAlias = list[Subcomponents]


@dataclass(frozen=True, slots=True)
class Encoding:
    """The delimiters of one message (MSH-1 and MSH-2), and the Python codec of its bytes for `\\X..\\`.

    An empty `repetition`, `escape`, `subcomponent` or `truncation` means that the message has none.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""
    charset: str = "utf-8"

    @property
    def characters(self) -> str:
        """The text of MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


@dataclass(slots=True)
class Message:
    """One message. `segment[0]` is its name and `segment[n]` its field n, as raw text between separators.

    In MSH field 1 is the separator and field 2 the other delimiters, so that numbers are the standard's.
    Empty trailing fields are kept: `render(parse(text))` is `text` with its line ends made CR.
    """

    encoding: Encoding
    segments: list[Segment]

    def first(self, name: str) -> Segment | None:
        """Return the first segment called `name`, or None."""
        return next((segment for segment in self.segments if segment[0] == name), None)

    def all(self, name: str) -> list[Segment]:
        """Return every segment called `name`, in order."""
        return [segment for segment in self.segments if segment[0] == name]


@lru_cache(maxsize=64)
def encoding_of(separator: str, characters: str) -> Encoding:
    """Return the encoding that MSH-1 `separator` and MSH-2 `characters` declare.

    Raises `Malformed` unless MSH-2 holds one to five different characters that cannot be taken for text (2.14.9.2).
    """
    used = separator + characters
    if not 1 <= len(characters) <= 5:
        raise Malformed(f"MSH-2 must hold 4 or 5 delimiters, not {characters[:20]!r}", "MSH-2")
    if len(set(used)) != len(used):
        raise Malformed(f"a delimiter is declared twice: MSH-1 {separator!r}, MSH-2 {characters!r}", "MSH-2")
    if any(character.isalnum() or character.isspace() or character in '".\x0b\x1c' for character in used):
        raise Malformed(f"MSH-1 {separator!r} and MSH-2 {characters!r} hold characters that are text", "MSH-2")
    return Encoding(separator, *characters, *[""] * (5 - len(characters)))


def parse(text: str, charset: str = "utf-8") -> Message:
    """Split `text` into segments and fields.

    CR, LF and CRLF end a segment; a byte order mark, VT, FS and blank lines are dropped. A line that does not begin
    with a segment name is the rest of a text that holds a raw line break, and is kept in its field behind a LF.
    Raises `Malformed` when there is no usable MSH, when there is a second one, or when a segment has no proper name.
    """
    lines = tidy(text).split("\r")
    encoding = header_encoding(lines[0], ("MSH",))
    separator = encoding.field
    if charset != "utf-8":
        encoding = with_charset(encoding, charset)
    segments: list[Segment] = []
    for line in lines:
        fields = line.split(separator)
        name = fields[0]
        if len(name) == 3 and name.isalnum() and name.isupper() and name.isascii():
            segments.append(fields)
        elif line and not line.isspace():
            append_text(segments, fields)
    if any(segment[0] == "MSH" for segment in segments[1:]):
        raise Malformed("more than one MSH: several messages in one", "MSH")
    segments[0].insert(1, separator)
    return Message(encoding, segments)


def render(message: Message) -> str:
    """Return the text of `message`, each segment ended by CR."""
    separator = message.encoding.field
    lines = [separator.join(segment) for segment in message.segments]
    header = message.segments[0]
    lines[0] = header[0] + separator + separator.join(header[2:])
    lines.append("")
    return "\r".join(lines)


def tidy(text: str) -> str:
    """Return `text` from its first letter on, with CR as its only line end and without framing characters."""
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    if "\x0b" in text or "\x1c" in text:
        text = text.replace("\x0b", "").replace("\x1c", "")
    return text.lstrip("\ufeff\r \t")


def header_encoding(line: str, names: tuple[str, ...] = ("MSH", "FHS", "BHS")) -> Encoding:
    """Return the encoding that the header segment `line` declares, or raise `Malformed`."""
    if line[:3] not in names or len(line) < 5:
        raise Malformed(f"HL7 v2 begins with {names[0]} and its delimiters, not with {line[:20]!r}", "MSH")
    separator = line[3]
    return encoding_of(separator, line[4:].split(separator, 1)[0])


@lru_cache(maxsize=256)
def with_charset(encoding: Encoding, charset: str) -> Encoding:
    """Return `encoding` with another Python codec for its bytes."""
    return Encoding(
        encoding.field,
        encoding.component,
        encoding.repetition,
        encoding.escape,
        encoding.subcomponent,
        encoding.truncation,
        charset,
    )


def append_text(segments: list[Segment], fields: list[str]) -> None:
    """Continue the last field of the last segment on a new line, with the fields that follow it on that line.

    Raises `Malformed` when the line looks more like a segment with a wrong name than like text.
    """
    segment, name = segments[-1], fields[0]
    if len(fields) > 1 and len(name) <= 4 and name.isalnum():
        raise Malformed(f"{name!r} is not the name of a segment", f"segment {len(segments) + 1}")
    segment[-1] += "\n" + fields[0]
    segment.extend(fields[1:])


def get(segment: Sequence[str], field: int) -> str:
    """Return the raw text of `field` (from 1), empty when the segment is shorter."""
    return segment[field] if field < len(segment) else ""


def value(segment: Sequence[str] | None, encoding: Encoding, field: int, component: int = 1, sub: int = 1) -> str:
    """Return one decoded value of the first repetition; absent and null are both the empty text."""
    raw = get(segment, field) if segment is not None else ""
    if not raw:
        return ""
    for delimiter, index in ((encoding.repetition, 1), (encoding.component, component), (encoding.subcomponent, sub)):
        parts = split(raw, delimiter)
        if index > len(parts):
            return ""
        raw = parts[index - 1]
    return "" if raw == NULL else unescape(raw, encoding)


def split(text: str, delimiter: str) -> list[str]:
    """Split `text` at `delimiter`; a message that has no such delimiter has one part."""
    return text.split(delimiter) if delimiter else [text]


def split_field(text: str, encoding: Encoding) -> list[Repetition]:
    """Return the repetitions of a field as lists of components, each a list of subcomponents, decoded.

    The three states of a value (2.6): `""` (Python's empty text) is absent, `None` is null (two quotes in the message:
    delete), anything else is the value. Never empty at any level; trailing empty parts are kept.
    """
    component, subcomponent = encoding.component, encoding.subcomponent
    return [
        [[decode(part, encoding) for part in split(piece, subcomponent)] for piece in split(repetition, component)]
        for repetition in split(text, encoding.repetition)
    ]


def join_field(repetitions: Sequence[Sequence[Sequence[str | None]]], encoding: Encoding) -> str:
    """Return the field text that `split_field` reads back as `repetitions`; parts are escaped, none is trimmed."""
    return encoding.repetition.join(
        encoding.component.join(
            encoding.subcomponent.join([encode(part, encoding) for part in piece]) for piece in repetition
        )
        for repetition in repetitions
    )


def decode(raw: str, encoding: Encoding) -> str | None:
    """Return the value of one part: None for null, else its text without escapes."""
    if raw == NULL:
        return None
    return unescape(raw, encoding) if encoding.escape and encoding.escape in raw else raw


def encode(text: str | None, encoding: Encoding) -> str:
    """Return the raw text of one part: two quotes for None; a text that is itself two quotes is written as bytes."""
    if text is None:
        return NULL
    return hexadecimal(text, encoding) if text == NULL and encoding.escape else escape(text, encoding)


def unescape(text: str, encoding: Encoding) -> str:
    """Return `text` with its escape sequences replaced (2.7).

    Delimiters and `\\X..\\` (bytes in the message's charset, neighbours decoded as one run) become characters,
    `\\.br\\` a LF. Highlighting, other formatting, `\\C..\\`, `\\M..\\`, local `\\Z..\\`, unknown sequences and bytes
    that the charset does not have stay as they are.
    """
    if not encoding.escape or encoding.escape not in text:
        return text
    known = delimiter_letters(encoding)

    def replace(match: re.Match[str]) -> str:
        found = match.group()
        body = found[1:-1]
        if body in known:
            return known[body]
        if body[0] in "Xx":
            return from_hexadecimal(found, encoding)
        return "\n" if body.lower() == ".br" else found

    return patterns(encoding)[0].sub(replace, text)


def escape(text: str, encoding: Encoding) -> str:
    """Return `text` safe to stand between separators, so that `unescape` gives it back.

    LF becomes `\\.br\\`, other control characters `\\X..\\`. Formatting sequences that `unescape` keeps are kept. In a
    message that declares no escape character delimiters become spaces.
    """
    found = patterns(encoding)[1]
    if not found.search(text):
        return text
    letters = {delimiter: letter for letter, delimiter in delimiter_letters(encoding).items()}
    mark = encoding.escape

    def replace(match: re.Match[str]) -> str:
        character = match.group()
        if not mark:
            return " "
        if len(character) > 1:
            return character
        if character in letters:
            return f"{mark}{letters[character]}{mark}"
        return f"{mark}.br{mark}" if character == "\n" else hexadecimal(character, encoding)

    return found.sub(replace, text)


def hexadecimal(text: str, encoding: Encoding) -> str:
    """Return `text` as `\\X..\\`."""
    return f"{encoding.escape}X{text.encode(encoding.charset).hex().upper()}{encoding.escape}"


def from_hexadecimal(found: str, encoding: Encoding) -> str:
    """Return the text of a run of `\\X..\\` sequences, or the run itself when its bytes are no text in the charset."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", found)
    try:
        return bytes.fromhex(digits).decode(encoding.charset)
    except ValueError:
        return found


@lru_cache(maxsize=64)
def delimiter_letters(encoding: Encoding) -> dict[str, str]:
    """Return escape letter -> delimiter, for the delimiters that the message has."""
    letters = {
        "F": encoding.field,
        "S": encoding.component,
        "T": encoding.subcomponent,
        "R": encoding.repetition,
        "E": encoding.escape,
        "P": encoding.truncation,
    }
    return {letter: delimiter for letter, delimiter in letters.items() if delimiter}


@lru_cache(maxsize=64)
def patterns(encoding: Encoding) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns for sequences to read, and for what must be escaped or kept when writing."""
    mark = re.escape(encoding.escape)
    delimiters = "".join(re.escape(character) for character in delimiter_letters(encoding).values())
    control = rf"[{delimiters}\x00-\x08\x0a-\x1f]"
    if not mark:
        return re.compile(r"(?!)"), re.compile(control)
    inner = "[0-9A-Za-z" + "".join(re.escape(sign) for sign in ".+-" if sign not in delimiters) + "]"
    kept = rf"{mark}(?:[HN]|\.(?!br{mark}){inner}+|[CMZ]{inner}+){mark}"
    letters = "".join(delimiter_letters(encoding))
    read = rf"(?:{mark}[Xx](?:[0-9A-Fa-f]{{2}})+{mark})+|{mark}(?:[{letters}]|\.br){mark}|{kept}"
    return re.compile(read), re.compile(rf"{kept}|{control}")
