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
# What an EMR on an old PC writes, and what most text that is neither UTF-8 nor anything else turns out to be.
_LAST_RESORT = "cp1252"


def decode(raw: bytes, charset: str = "") -> str:
    """Return the text of a file.

    Raises Unsupported for a spreadsheet or archive, Malformed when the declared charset is unknown or does not fit.
    """
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unsupported("this is a spreadsheet or an archive: save it as CSV")
    name = charset or _marked(raw)
    text = _strictly(raw, name or "utf-8", declared=bool(name))
    if text is None:
        text = raw.decode(*_likely(raw))
    if "\x00" in text:
        raise Malformed("the file is not text: it holds NUL characters")
    return text.removeprefix("\ufeff")


def open_text(file: BinaryIO, charset: str = "") -> io.TextIOWrapper:
    """Return the text of a file as a stream, its charset as declared or by its first bytes; lines keep their ends.

    A byte that is no UTF-8 in a file that looked like it is read as one of an old PC's: mixed files are common. A
    declared charset that does not fit raises UnicodeDecodeError where it does not, an unknown one Malformed here.
    """
    first = file.read(_SAMPLE_BYTES)
    file.seek(0)
    # A character may be cut in two at the end of the sample.
    sample = first[: first.rfind(b"\n") + 1] or first
    name = charset or _marked(first)
    encoding, errors = (name, "strict") if name else _likely(sample)
    try:
        return io.TextIOWrapper(file, encoding if encoding != "utf-8" else "utf-8-sig", errors, newline="")
    except LookupError as error:
        raise Malformed(f"the charset {name} is not known") from error


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
