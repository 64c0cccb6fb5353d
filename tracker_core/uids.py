"""DHIS2's 11-character identifiers (2.42 Web API, section "UID")."""

import re
import secrets
import string

_LETTERS = string.ascii_letters
_ALL = string.ascii_letters + string.digits
_UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}\Z")


def new_uid() -> str:
    """Return a fresh uid: a letter and ten letters or digits, 65 random bits."""
    bits = int.from_bytes(secrets.token_bytes(12))
    bits, first = divmod(bits, 52)
    out = [_LETTERS[first]]
    for _ in range(10):
        bits, digit = divmod(bits, 62)
        out.append(_ALL[digit])
    return "".join(out)


def is_uid(text: str) -> bool:
    """Tell whether `text` has the form of a uid."""
    return _UID.match(text) is not None
