"""Bytes of files into text: as declared, else by byte-order mark, else UTF-8, else by the look of it."""

import codecs
import io
from typing import BinaryIO

from charset_normalizer import from_bytes

from tracker_core.errors import Malformed, Unsupported

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 65536
# How files begin that are no text, and what they are.
_OTHERS = (
    (b"PK\x03\x04", "a workbook or an archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"7z\xbc\xaf", "an archive (7z)"),
    (b"Rar!", "an archive (rar)"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a word processor's document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
)
# What may stand in text beside what can be seen: blanks, the end of a DOS file, separators of old systems.
_CONTROLS = frozenset("\t\n\v\f\r\x1a\x1c\x1d\x1e\x1f\x85")
_SPOILED = 0.01
# What an EMR on an old PC writes, and what most text that is neither UTF-8 nor anything else turns out to be.
_LAST_RESORT = "cp1252"


def decode(raw: bytes, charset: str = "") -> str:
    """Return the text of a file.

    Raises Unsupported for a spreadsheet or archive, Malformed when the declared charset is unknown or does not fit.
    """
    _refuse_others(raw)
    name = charset or _marked(raw)
    text = _strictly(raw, name or "utf-8", declared=bool(name))
    if text is None:
        text = raw.decode(*_likely(raw))
    _refuse_noise(text)
    return text.removeprefix("\ufeff")


def open_text(file: BinaryIO, charset: str = "") -> io.TextIOWrapper:
    """Return the text of a file as a stream, its charset as declared or by its first bytes; lines keep their ends.

    A byte that is no UTF-8 in a file that looked like it is read as one of an old PC's: mixed files are common. A
    declared charset that does not fit raises UnicodeDecodeError where it does not, an unknown one Malformed here, as
    does what is no text; Unsupported what is a file of another kind.
    """
    first = file.read(_SAMPLE_BYTES)
    file.seek(0)
    # A character may be cut in two at the end of the sample.
    sample = first[: first.rfind(b"\n") + 1] or first
    _refuse_others(first)
    name = charset or _marked(first)
    encoding, errors = (name, "strict") if name else _likely(sample)
    try:
        _refuse_noise(sample.decode(encoding, "replace"))
        return io.TextIOWrapper(file, encoding if encoding != "utf-8" else "utf-8-sig", errors, newline="")
    except LookupError as error:
        raise Malformed(f"the charset {name} is not known") from error


def _refuse_others(raw: bytes) -> None:
    """Raise Unsupported for what is told by its first bytes to be no text."""
    what = next((what for mark, what in _OTHERS if raw.startswith(mark)), "")
    if what:
        raise Unsupported(f"the file is {what}, not rows of text: save it as CSV")


def _refuse_noise(text: str) -> None:
    """Raise Malformed for text that no person or program wrote as such: with NUL, or many other control characters."""
    if "\x00" in text:
        raise Malformed("the file is not text: it holds NUL characters")
    noise = sum((char < " " or "\x7f" <= char < "\xa0") and char not in _CONTROLS for char in text[:_SAMPLE_BYTES])
    if noise > _SPOILED * len(text[:_SAMPLE_BYTES]):
        raise Malformed(f"the file is not text: {noise} of its first characters are control characters")


def _marked(raw: bytes) -> str:
    return next((name for mark, name in _MARKS if raw.startswith(mark)), "")


def _likely(raw: bytes) -> tuple[str, str]:
    """Return the charset that bytes look like, and what to do with bytes that don't fit it."""
    telling = [line for line in raw.removeprefix(codecs.BOM_UTF8).splitlines() if not line.isascii()]
    if not telling or raw.startswith(codecs.BOM_UTF8) or any(_is_utf8(line) for line in telling):
        return "utf-8", _OLD_PC
    return _guess(raw), "replace"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_as_old(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are no UTF-8 in the charset of last resort."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode(_LAST_RESORT, "replace"), error.end


_OLD_PC = "tracker-hub-old-pc"
codecs.register_error(_OLD_PC, _read_as_old)


def _strictly(raw: bytes, name: str, *, declared: bool) -> str | None:
    try:
        return raw.decode(name)
    except LookupError as error:
        raise Malformed(f"the charset {name} is not known") from error
    except UnicodeDecodeError as error:
        if declared:
            line = raw.count(b"\n", 0, error.start) + 1
            raise Malformed(f"the bytes are not {name}", f"line {line}") from error
        return None


def _guess(raw: bytes) -> str:
    """Return the charset that the lines with other than ASCII bytes look like."""
    telling = b"\n".join(line for line in raw.splitlines() if not line.isascii())[:_SAMPLE_BYTES]
    best = from_bytes(telling).best() if len(telling) > 200 else None
    return best.encoding if best else _LAST_RESORT
