"""An SFTP folder as an EMR's drop, both ways: `sftp://user@host:port/folder`.

The peer's `secret` is a password, or a private key in PEM. Its setting `host_key` is the server's public key
(`ssh-ed25519 AAAA…`): a server that shows another one is not talked to. Files that were taken move to `done/` beside
them, or stay with the setting `pull.taken` `keep`.
"""

import io
import socket
import stat
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko

from adapters.contract import Pulled
from adapters.emr.watch import DONE, envelope_of, is_finished
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported

LIMIT = 256 * 1024 * 1024
_PORT = 22
_SECONDS = 20.0
_TAKEN = "taken"
_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def take(peer: Peer, cursor: dict[str, Any]) -> Iterator[Pulled]:
    """Yield the files of the folder that are as the turn before found them, so that a writer may be slow.

    The cursor is `{"seen": {name: [size, time]}}`. A file moves away after its bytes were kept; one that could not be
    moved is recognised by its content. Raises Unavailable when the server is away, Unsupported when it is another one
    or lets nobody in.
    """
    before = cursor.get("seen", {})
    keeps = isinstance(peer.settings.get("pull"), dict) and peer.settings["pull"].get("taken") == "keep"
    with _folder(peer) as (client, folder):
        looks = {entry.filename: _look(entry) for entry in client.listdir_attr(folder) if _fits(entry)}
        now = {name: [*look, _TAKEN] if before.get(name) == [*look, _TAKEN] else look for name, look in looks.items()}
        for name in sorted(name for name, look in looks.items() if before.get(name) == look):
            with client.open(f"{folder}/{name}", "rb") as file:
                raw = file.read()
            now[name] = [*looks[name], _TAKEN]
            yield Pulled(raw, {"seen": {**before, name: now[name]}}, envelope_of(name))
            if not keeps:
                _put_away(client, folder, name)
                del now[name]
        yield Pulled(b"", {"seen": now})


def drop(peer: Peer, name: str, body: bytes) -> None:
    """Write a file into the folder so that nobody sees half of it; one of that name is replaced. Raises as `take`."""
    with _folder(peer) as (client, folder):
        draft = f"{folder}/.{name}.part"
        with client.open(draft, "wb") as file:
            file.write(body)
        client.posix_rename(draft, f"{folder}/{name}")


def _look(entry: paramiko.SFTPAttributes) -> list[Any]:
    return [entry.st_size, entry.st_mtime]


def _fits(entry: paramiko.SFTPAttributes) -> bool:
    regular = entry.st_mode is None or stat.S_ISREG(entry.st_mode)
    return regular and is_finished(entry.filename) and 0 < (entry.st_size or 0) <= LIMIT


def _put_away(client: paramiko.SFTPClient, folder: str, name: str) -> None:
    taken = set(client.listdir(folder))
    if DONE not in taken:
        client.mkdir(f"{folder}/{DONE}")
    there = set(client.listdir(f"{folder}/{DONE}"))
    stem, dot, suffix = name.rpartition(".")
    target, number = name, 1
    while target in there:
        number += 1
        target = f"{stem}.{number}.{suffix}" if dot else f"{name}.{number}"
    client.posix_rename(f"{folder}/{name}", f"{folder}/{DONE}/{target}")


@contextmanager
def _folder(peer: Peer) -> Iterator[tuple[paramiko.SFTPClient, str]]:
    """Open a session; every failure of the network or the server ends as Unavailable."""
    parts = urlsplit(peer.address or "")
    try:
        connection = socket.create_connection((parts.hostname or "", parts.port or _PORT), timeout=_SECONDS)
    except OSError as error:
        raise Unavailable(f"{peer.code} cannot be reached: {error}") from error
    transport = paramiko.Transport(connection)
    try:
        transport.banner_timeout = transport.auth_timeout = _SECONDS
        transport.connect(_host_key(peer), unquote(parts.username or ""), **_credentials(peer))
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        yield client, unquote(parts.path).rstrip("/")
    except paramiko.AuthenticationException as error:
        raise Unsupported(f"{peer.code} does not let us in: {error}") from error
    except paramiko.BadHostKeyException as error:
        raise Unsupported(f"{peer.code} shows another host key than its setting host_key") from error
    except paramiko.SSHException as error:
        if "host key" in str(error).lower():
            raise Unsupported(f"{peer.code} shows another host key than its setting host_key") from error
        raise Unavailable(f"{peer.code} broke off: {error}") from error
    except (OSError, EOFError) as error:
        raise Unavailable(f"{peer.code} broke off: {type(error).__name__} {error}".rstrip()) from error
    finally:
        transport.close()
        connection.close()


def _host_key(peer: Peer) -> paramiko.PKey:
    kind, _, text = str(peer.settings.get("host_key", "")).strip().partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, b64decode(text.split(" ")[0], validate=True))
    except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, BadBase64, ValueError, TypeError) as error:
        raise Unsupported(f"the setting host_key of {peer.code} is no public key of a server") from error


def _credentials(peer: Peer) -> dict[str, Any]:
    secret = peer.secret or ""
    if "PRIVATE KEY" not in secret:
        return {"password": secret}
    for kind in _KEYS:
        try:
            return {"pkey": kind.from_private_key(io.StringIO(secret))}
        except (paramiko.SSHException, ValueError):
            continue
    raise Unsupported(f"the secret of {peer.code} is no private key that is known here")
