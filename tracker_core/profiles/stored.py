"""The library of one database: R4's definitions and every StructureDefinition stored as a record."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from tracker_core.database import Session
from tracker_core.profiles.library import Library
from tracker_core.profiles.trees import Json
from tracker_core.records import documents
from tracker_core.records.definitions import resource_types

_KEPT = 4
_libraries: "OrderedDict[Hashable, Library]" = OrderedDict()
_lock = Lock()


def library(session: Session) -> Library:
    """Return what this database can validate against now; compiled once for as long as no definition changes."""
    number = resource_types()["StructureDefinition"]
    state = session.execute(
        "select count(*), coalesce(sum(version), 0)::bigint from record where type = %s", (number,)
    ).fetchall()[0]
    key = session.info.host, session.info.port, session.info.dbname, state
    with _lock:
        found = _libraries.get(key)
        if found is None:
            found = _libraries[key] = _read(session, number)
        _libraries.move_to_end(key)
        while len(_libraries) > _KEPT:
            _libraries.popitem(last=False)
        return found


def _read(session: Session, number: int) -> Library:
    """Keep the bytes of every definition: few are ever asked for, and those are parsed then."""
    rows = session.execute(
        "select d.doc ->> 'url', coalesce(d.doc ->> 'version', ''), v.doc"
        " from record r join record_version v on v.pk = r.pk and v.version = r.version"
        " cross join lateral (select convert_from(v.doc, 'UTF8')::jsonb as doc) d"
        " where r.type = %s and not r.deleted order by r.updated, r.pk",
        (number,),
    )
    held: dict[str, dict[str, bytes]] = {}
    for url, version, doc in rows:
        versions = held.setdefault(url or "", {})
        versions.pop(version, None)
        versions[version] = doc

    def stored(url: str, version: str) -> Json | None:
        versions = held.get(url, {})
        raw = versions.get(version) if version else next(reversed(versions.values()), None)
        return documents.decode(raw) if raw is not None else None

    return Library(stored)
