"""The ids of another server's resources: what they are called here, and there."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tracker_core.context import Peer
from tracker_core.records import documents

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_LONGEST = 64


def id_here(peer: Peer, id: str) -> str:
    """Return the id of a peer's resource here: UUIDs stay, others get the peer's code in front (`clinic.17`).

    Two servers that both have a Patient/17 mean two patients. The setting `ids` `keep` leaves every id as it is, for
    servers that give ids nobody else gives.
    """
    if peer.settings.get("ids") == "keep" or _UUID.match(id):
        return id
    return f"{_prefix(peer)}{id}"[:_LONGEST]


def id_there(peer: Peer, id: str) -> str:
    """Return the id there of a resource that came from the peer."""
    return id.removeprefix(_prefix(peer))


def _prefix(peer: Peer) -> str:
    return re.sub(r"[^A-Za-z0-9\-.]", "-", peer.code) + "."


def localize(peer: Peer, document: bytes) -> bytes:
    """Return a peer's resource with the ids it and its references have here; the very bytes when nothing changes.

    References to the peer's own address become relative, those to elsewhere stay. Numbers keep their digits.
    """
    found = documents.open_exactly(document)
    base = (peer.address or "").rstrip("/") + "/"

    def here(reference: str) -> str:
        local = reference.removeprefix(base)
        type, slash, id = local.partition("/")
        if not slash or urlsplit(local).scheme or "#" in type:
            return reference
        own, history, version = id.partition("/_history/")
        return f"{type}/{id_here(peer, own)}{history}{version}"

    after = {**rename(found, here), "id": id_here(peer, str(found["id"]))}
    return document if after == found else documents.encode(after)


def rename(node: Any, name: Callable[[str], str]) -> Any:
    """Return a document with every literal reference renamed."""
    if isinstance(node, list):
        return [rename(one, name) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: name(value) if key == "reference" and isinstance(value, str) else rename(value, name)
        for key, value in node.items()
    }
