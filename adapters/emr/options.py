"""How a file is to be read, as far as what came with it says so."""

from adapters.contract import Envelope
from tracker_core.errors import Malformed

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


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
