"""From bytes to text and back, by what a message declares in MSH-18 (HL7 table 0211)."""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from mappings import er7
from tracker_core.issues import Issue

CODECS = {
    "ASCII": "ascii",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    "UNICODE UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16-be",
    "UNICODE UTF-32": "utf-32-be",
    "UNICODE": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ISO IR6": "ascii",
    # One stateful codec reads all Japanese sets: its escape sequences say which one is on (2.14.9.18, 2.15.9.18.1).
    "ISO IR14": "iso2022_jp_ext",
    "ISO IR87": "iso2022_jp_ext",
    "ISO IR159": "iso2022_jp_ext",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
}
WIDE = re.compile(rb"(?:\xff\xfe|\xfe\xff|\x0b?\x00[MFB]\x00[SH]|\x0b?[MFB]\x00[SH]\x00)")
HEADER = re.compile(rb"MSH(.)([^\r\n]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message as text, the Python codec that read it (for the way back and for `\\X..\\`), and what was assumed."""

    text: str
    codec: str
    issues: tuple[Issue, ...] = ()


def decode(raw: bytes, default: str = "") -> Decoded:
    """Return `raw` as text.

    The order: byte order mark, MSH-18, `default` (a name of table 0211: what this peer uses when it says nothing),
    UTF-8, and last Windows-1252, with a warning whenever the declared set was unknown or did not fit.
    """
    if raw.startswith(codecs.BOM_UTF8):
        return decode_as(raw.removeprefix(codecs.BOM_UTF8), "utf-8", [])
    if WIDE.match(raw):
        return decode_wide(raw)
    names = declared(raw) or ([default] if default else [])
    known = [CODECS[name] for name in map(canonical, names) if name in CODECS]
    issues = [unknown_charset(name) for name in names if canonical(name) not in CODECS]
    # With several sets the message switches by escape sequences, which only the stateful codec knows.
    switching = [codec for codec in known if codec.startswith("iso2022")]
    codec = (switching or known or ["utf-8"])[0]
    return decode_as(raw, "utf-8" if codec.startswith(("utf-16", "utf-32")) else codec, issues)


def decode_as(raw: bytes, codec: str, issues: list[Issue]) -> Decoded:
    """Return `raw` read as `codec`, else as UTF-8, else as Windows-1252, else byte for byte."""
    try:
        return Decoded(raw.decode(codec), codec, tuple(issues))
    except UnicodeDecodeError:
        pass
    for other in ("utf-8", "cp1252", "iso8859-1"):
        try:
            text = raw.decode(other)
        except UnicodeDecodeError:
            continue
        issue = Issue("charset", f"the bytes are not {codec}; they were read as {other}", "warning", "MSH-18")
        return Decoded(text, other, (*issues, issue))
    raise AssertionError("ISO 8859-1 reads any bytes")


def decode_wide(raw: bytes) -> Decoded:
    """Return a UTF-16 message, told by its byte order mark or by the zeros in its first letters."""
    body = raw.removeprefix(b"\x0b")
    little = body.startswith(codecs.BOM_UTF16_LE) or body[1:2] == b"\x00"
    codec = "utf-16-le" if little else "utf-16-be"
    text = body.decode(codec, errors="replace").removeprefix("\ufeff")
    lost = Issue("charset", "some bytes are not UTF-16", "warning", "MSH-18")
    return Decoded(text, codec, (lost,) if "\ufffd" in text else ())


def encode(text: str, codec: str) -> bytes:
    """Return `text` in `codec`; a letter that it lacks loses its accents, and becomes a question mark at worst."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return "".join(fitting(letter, codec) for letter in text).encode(codec)


def fitting(letter: str, codec: str) -> str:
    """Return `letter`, or the nearest thing that `codec` can write."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    for candidate in (letter, plain):
        try:
            candidate.encode(codec)
        except UnicodeEncodeError:
            continue
        return candidate
    return "?"


def declared(raw: bytes) -> list[str]:
    """Return the names in MSH-18, without empty repetitions."""
    header = HEADER.search(raw)
    if header is None:
        return []
    fields = header[2].split(header[1])
    if len(fields) < 17:
        return []
    repetition = fields[0][1:2] or b"~"
    return [name.decode("ascii", "replace").strip() for name in fields[16].split(repetition) if name.strip()]


@lru_cache(256)
def canonical(name: str) -> str:
    """Return `name` as table 0211 writes it, whatever its case and spaces (`iso ir 87` is `ISO IR87`)."""
    return re.sub(r"^ISO[ -]?IR[ -]?", "ISO IR", re.sub(r"^ISO[ -]?8859[-/]", "8859/", " ".join(name.upper().split())))


def unknown_charset(name: str) -> Issue:
    """Return the warning for a character set that is not offered."""
    return Issue("charset", f"the character set {name!r} is not known", "warning", "MSH-18", name)


def codec_of(name: str) -> str:
    """Return the Python codec for a name of table 0211; UTF-8 for one that is unknown or empty."""
    return CODECS.get(canonical(name), "utf-8")


def parse_message(raw: bytes, default: str = "") -> tuple[er7.Message, tuple[Issue, ...]]:
    """Return the message in `raw`, and what had to be assumed about its bytes. Raises `Malformed`."""
    decoded = decode(raw, default)
    return er7.parse(decoded.text, decoded.codec), decoded.issues


def render_message(message: er7.Message) -> bytes:
    """Return the bytes of `message`, in the codec its encoding names."""
    return encode(er7.render(message), message.encoding.charset)
