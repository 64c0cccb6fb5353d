"""DHIS2's 11-character identifiers (2.42 Web API, section "UID")."""

import re
import secrets
import string

_LETTERS = string.ascii_letters
_ALL = string.ascii_letters + string.digits
_PAIRS = [a + b for a in _ALL for b in _ALL]
_UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}\Z")


def new_uid() -> str:
    """Return a fresh uid: a letter and ten letters or digits, 65 random bits."""
    bits, first = divmod(int.from_bytes(secrets.token_bytes(12)), 52)
    out = [_LETTERS[first]]
    for _ in range(5):
        bits, pair = divmod(bits, len(_PAIRS))
        out.append(_PAIRS[pair])
    return "".join(out)


def is_uid(text: str) -> bool:
    """Tell whether `text` has the form of a uid."""
    return _UID.match(text) is not None
