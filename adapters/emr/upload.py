"""An upload as it arrives: what it is, and the sheet in it."""

from hashlib import sha256
from io import BytesIO

from adapters.contract import Envelope, Identity
from adapters.emr import chunks
from adapters.emr.formats import BINARY, read_binary
from adapters.emr.options import options_of
from adapters.emr.sheet import Sheet, read_sheet


def identify(raw: bytes, envelope: Envelope) -> Identity:
    """Return the file's content as what makes it unique: the same file twice is one message. Never raises."""
    return Identity("visits", envelope.parameters.get("file", ""), f"sha256:{sha256(raw).hexdigest()}")


def parse(raw: bytes, envelope: Envelope) -> Sheet:
    """Open the file. Charset, delimiter and layout come from the content type or the parameters, else from the bytes.

    Parameters: `charset`, `layout` (`csv`, `ndjson`), `delimiter` (a character or `tab`, `comma`, `semicolon`, `pipe`).
    Raises Malformed or Unsupported for what is no such file.
    """
    if envelope.content_type == chunks.TYPE:
        return chunks.unpack(raw)
    if raw.startswith(BINARY):
        return read_binary(BytesIO(raw), "the file", envelope.parameters.get("sheet", ""))
    return read_sheet(raw, *options_of(envelope))
