"""Passwords: kept as scrypt hashes, and DHIS2's rules for new ones."""

import base64
import hashlib
import hmac
import re
import secrets
from functools import cache

# OWASP's floor for scrypt: 16 MiB and about 50 ms per attempt.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_SALT_BYTES = 16
# Stands for a password that none matches: an account made without one cannot log in until it gets one.
LOCKED = "!"
_RULES = (
    (re.compile("[0-9]"), "Password must have at least one digit"),
    (re.compile("[A-Z]"), "Password must have at least one upper case letter"),
    (re.compile("[a-z]"), "Password must have at least one lower case letter"),
    (re.compile(r"[^A-Za-z0-9\s]"), "Password must have at least one special character"),
)


def fault(password: str, username: str, least: int = 8, most: int = 72) -> str:
    """Return what DHIS2's rules find wrong with a new password, or the empty text."""
    if not least <= len(password) <= most:
        return f"Password must have at least {least}, and at most {most} characters"
    if username and username.casefold() in password.casefold():
        return "Username/Email must not be a part of password"
    return next((text for rule, text in _RULES if not rule.search(password)), "")


def hash_password(password: str) -> str:
    """Return `scrypt$n$r$p$salt$hash` for storage."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _scrypt(password, salt, _COST, _BLOCK, _PARALLEL)
    text = [base64.b64encode(part).decode() for part in (salt, digest)]
    return "$".join(["scrypt", str(_COST), str(_BLOCK), str(_PARALLEL), *text])


def is_right(password: str, stored: str) -> bool:
    """Tell whether `password` is the one whose hash is `stored`."""
    if stored == LOCKED:
        return False
    _, cost, block, parallel, salt, digest = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, base64.b64decode(digest))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=64 * 2**20)


@cache
def nobodys_hash() -> str:
    """Return the hash of a password that nobody has: checking it costs what a real one costs."""
    return hash_password(secrets.token_urlsafe())
