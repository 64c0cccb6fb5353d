"""Delivery of rows: into a folder that the EMR reads, or by HTTP."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from adapters.contract import Outgoing, Receipt
from adapters.emr import sftp
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue

_SUFFIX = {"application/x-ndjson": ".ndjson", "text/tab-separated-values": ".tsv"}


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Deliver a file to the peer's address: into a folder (`file:///drop`, `/drop`, `sftp://…`), or by POST to a URL.

    In a folder the file appears whole or not at all, under the control id: a retry replaces it.
    Raises Unavailable when the folder or the server is away, or the server answers 5xx, 408 or 429.
    """
    address = peer.address or ""
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        return _post(outgoing, peer)
    if parts.scheme == "file" or address.startswith("/"):
        return _drop(outgoing, Path(unquote(parts.path)))
    if parts.scheme == "sftp":
        name = _name(outgoing)
        sftp.drop(peer, name, outgoing.body)
        return Receipt(accepted=True, answer=name.encode())
    raise Unsupported(f"the address of {peer.code} is neither a folder nor an http URL")


def _name(outgoing: Outgoing) -> str:
    suffix = _SUFFIX.get(outgoing.content_type.partition(";")[0].strip(), ".csv")
    return re.sub(r"[^\w.-]", "_", outgoing.control_id) + suffix


def _drop(outgoing: Outgoing, folder: Path) -> Receipt:
    path = folder / _name(outgoing)
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(outgoing.body)
        draft.replace(path)
    except OSError as error:
        raise Unavailable(f"the folder {folder} cannot be written: {error.strerror}") from error
    return Receipt(accepted=True, answer=path.name.encode())


def _post(outgoing: Outgoing, peer: Peer) -> Receipt:
    headers = {"content-type": outgoing.content_type, "idempotency-key": outgoing.control_id}
    if peer.secret:
        headers["authorization"] = f"Bearer {peer.secret}"
    try:
        response = httpx.post(peer.address or "", content=outgoing.body, headers=headers, timeout=30)
    except httpx.TransportError as error:
        raise Unavailable(f"{peer.code} cannot be reached: {type(error).__name__}") from error
    if response.status_code >= 500 or response.status_code in (408, 429):
        raise Unavailable(f"{peer.code} answered {response.status_code}")
    text = f"{peer.code} refused the rows: {response.status_code} {response.text[:200]}".rstrip()
    issues = [] if response.is_success else [Issue("refused", text)]
    return Receipt(response.is_success, response.content, issues)
