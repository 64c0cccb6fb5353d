"""Bytes of files into text: as declared, else by byte-order mark, else UTF-8, else by the look of it."""

import codecs

from charset_normalizer import from_bytes

from tracker_core.errors import Malformed, Unsupported

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
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
    name = charset or next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    text = _strictly(raw, name or "utf-8", declared=bool(name))
    if text is None:
        text = raw.decode(_guess(raw), errors="replace")
    if "\x00" in text:
        raise Malformed("the file is not text: it holds NUL characters")
    return text.removeprefix("\ufeff")


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
