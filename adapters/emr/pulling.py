"""What an EMR has that is new: rows of its HTTP API, or files in its SFTP folder."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from adapters.contract import Pulled
from adapters.emr import polling, sftp
from tracker_core.context import Peer
from tracker_core.errors import Unsupported


def pull(peer: Peer, cursor: dict[str, Any], _ours: Callable[[Sequence[str]], set[str]]) -> Iterator[Pulled]:
    """Yield what is new at the peer's address, by its scheme: see `polling` and `sftp`."""
    scheme = urlsplit(peer.address or "").scheme
    if scheme == "sftp":
        return sftp.take(peer, cursor)
    if scheme in ("http", "https"):
        return polling.poll(peer, cursor)
    raise Unsupported(f"the address of {peer.code} is neither sftp nor http, so it cannot be asked")
