"""Compiled code systems of this process: one per loaded version, made at first use, pinned for mappings."""

import time
from threading import Lock

from terminology import store
from terminology.code_system import CodeSystem, compile_system
from terminology.concepts import Loaded
from terminology.store import Session

_compiled: dict[tuple[str, int, str, int], CodeSystem] = {}
_pinned: dict[str, CodeSystem] = {}
_compiling = Lock()
_refreshed = {"at": float("-inf")}


def current(session: Session, url: str) -> CodeSystem | None:
    """Return the served version of `url`, compiled, or None when none is loaded. One query; compiles once a version."""
    loaded = store.current(session, url)
    return _compile(session, loaded) if loaded is not None else None


def versions(session: Session, url: str) -> dict[str, CodeSystem]:
    """Return version -> every loaded version of `url`, compiled."""
    return {one.edition.version: _compile(session, one) for one in store.listed(session, url)}


def _compile(session: Session, loaded: Loaded) -> CodeSystem:
    with _compiling:
        key = _key(session, loaded)
        if key not in _compiled:
            _compiled[key] = compile_system(loaded.edition, store.concepts(session, loaded.pk))
        return _compiled[key]


def _key(session: Session, loaded: Loaded) -> tuple[str, int, str, int]:
    """Return what a load is known by in this process, which may work on several databases."""
    return session.info.host, session.info.port, session.info.dbname, loaded.pk


def refresh(session: Session) -> list[str]:
    """Pin the served version of every code system for `pinned`, forget versions no longer stored; return the urls.

    Readers meanwhile see the one version or the other, never none.
    """
    loaded = store.listed(session)
    stored = {_key(session, one) for one in loaded}
    served = [one.edition.url for one in loaded if one.current]
    compiled = {url: system for url in served if (system := current(session, url)) is not None}
    _pinned.update(compiled)
    for url in [url for url in _pinned if url not in compiled]:
        del _pinned[url]
    _refreshed["at"] = time.monotonic()
    for key in [key for key in _compiled if key not in stored]:
        del _compiled[key]
    return sorted(compiled)


def keep_fresh(session: Session, seconds: float = 30.0) -> None:
    """Refresh what is pinned when that was last done more than `seconds` ago: loads of other processes are noticed."""
    if time.monotonic() - _refreshed["at"] >= seconds:
        refresh(session)


def pinned(url: str) -> CodeSystem | None:
    """Return the version of `url` that this process works with, without a session; None when none was pinned."""
    return _pinned.get(url)
