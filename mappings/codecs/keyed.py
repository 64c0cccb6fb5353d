"""Records of an EMR by its own keys: the same key is always the same record, in whatever order files come.

A record's id is made from the peer, the record type and the key, so nothing has to be looked up to write a record or to
refer to one, and what refers to a record that has not come yet joins it when it does.
"""

from hashlib import blake2b


def record_id(domain: str, type_: str, *key: str) -> str:
    """Return the id of the record of `type_` that `domain` (a peer's code) knows by `key`: 32 hexadecimal digits."""
    text = "\x1f".join((domain, type_, *key))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def record_reference(domain: str, type_: str, *key: str) -> dict[str, str]:
    """Return the reference to that record."""
    return {"reference": f"{type_}/{record_id(domain, type_, *key)}"}
