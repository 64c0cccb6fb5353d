"""Compiled code systems of this process: one per loaded version, made at first use, pinned for mappings."""

from threading import Lock

from terminology import store
from terminology.code_system import CodeSystem, compile_system
from terminology.store import Session

_compiled: dict[int, CodeSystem] = {}
_pinned: dict[str, CodeSystem] = {}
_compiling = Lock()


def current(session: Session, url: str) -> CodeSystem | None:
    """Return the served version of `url`, compiled, or None when none is loaded. One query; compiles once a version."""
    loaded = store.current(session, url)
    if loaded is None:
        return None
    with _compiling:
        if loaded.pk not in _compiled:
            _compiled[loaded.pk] = compile_system(loaded.edition, store.concepts(session, loaded.pk))
        return _compiled[loaded.pk]


def refresh(session: Session) -> list[str]:
    """Pin the served version of every code system for `pinned`, forget versions no longer served; return their urls.

    The hub calls it when a process starts and when a load was announced.
    """
    served = {loaded.edition.url: loaded.pk for loaded in store.listed(session) if loaded.current}
    compiled = {url: system for url in served if (system := current(session, url)) is not None}
    _pinned.clear()
    _pinned.update(compiled)
    for pk in [pk for pk in _compiled if pk not in served.values()]:
        del _compiled[pk]
    return sorted(compiled)


def pinned(url: str) -> CodeSystem | None:
    """Return the version of `url` that this process works with, without a session; None when none was pinned."""
    return _pinned.get(url)
