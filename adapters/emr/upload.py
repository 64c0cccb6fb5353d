"""An upload as it arrives: what it is, and the sheet in it."""

from hashlib import sha256

from adapters.contract import Envelope, Identity
from adapters.emr import chunks
from adapters.emr.sheet import Sheet, read_sheet
from tracker_core.errors import Malformed

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


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
    return read_sheet(raw, *options_of(envelope))


def options_of(envelope: Envelope) -> tuple[str, str, str]:
    """Return charset, delimiter and layout as an envelope declares them, empty where it does not. Raises Malformed."""
    kind, *options = (part.strip() for part in envelope.content_type.split(";"))
    declared = {
        name.casefold(): value.strip("\"' ") for name, _, value in (option.partition("=") for option in options)
    }
    parameters = envelope.parameters
    delimiter = parameters.get("delimiter", "")
    delimiter = _DELIMITERS.get(delimiter, delimiter)
    if len(delimiter) > 1:
        raise Malformed(f"{delimiter!r} is no delimiter")
    if not delimiter and kind == "text/tab-separated-values":
        delimiter = "\t"
    layout = parameters.get("layout", "") or ("ndjson" if "json" in kind else "")
    return parameters.get("charset", "") or declared.get("charset", ""), delimiter, layout
