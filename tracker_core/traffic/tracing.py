"""From a message to everything it changed and every message it caused, and back."""

from typing import Any

import orjson

from tracker_core.database import Session
from tracker_core.records.definitions import type_names

# A message that changed more says so; the rest is asked of the history of the things themselves.
MOST = 1000
_NAMED = {
    "tracked_entity": "trackedEntity",
    "enrollment": "enrollment",
    "event": "event",
    "relationship": "relationship",
}


def trace(session: Session, message: int) -> dict[str, Any]:
    """Return what became of a message and where it came from.

    `records` and `rows` are what it changed, each with the names of the fields that changed (rows: old and new value);
    `caused` the messages that went out because of it; `causes` the messages whose changes this one carries; `replayOf`
    and `replays` the chain of repeats and edits. At most `MOST` changes of either kind are listed; `more` tells.
    """
    records, rows = _records(session, message), _rows(session, message)
    return {
        "message": message,
        "records": records[:MOST],
        "rows": rows[:MOST],
        "more": len(records) > MOST or len(rows) > MOST,
        "caused": _related(session, _CAUSED, message),
        "causes": _related(session, _CAUSES, message),
        **_chain(session, message),
    }


def _records(session: Session, message: int) -> list[dict[str, Any]]:
    found = session.execute(
        "select r.type, r.id, v.version, v.deleted, t.uid, v.doc, b.doc from change_set s"
        " join record_version v on v.change_set = s.id join record r on r.pk = v.pk"
        " left join tracked_entity t on t.pk = r.subject"
        " left join record_version b on b.pk = v.pk and b.version = v.version - 1"
        " where s.message = %s order by v.pk, v.version limit %s",
        (message, MOST + 1),
    )
    names = type_names()
    return [
        {
            "type": names[type],
            "id": id,
            "version": version,
            "action": "delete" if deleted else "update" if before else "create",
            "person": person,
            "fields": [] if deleted else differing(before, after),
        }
        for type, id, version, deleted, person, after, before in found
    ]


def differing(before: bytes | None, after: bytes) -> list[str]:
    """Return the names of the elements in which two documents differ, what every version has of its own left out."""
    old: dict[str, Any] = orjson.loads(before) if before else {}
    new: dict[str, Any] = orjson.loads(after) if after else {}
    names = sorted(old.keys() | new.keys())
    return [name for name in names if name not in ("id", "meta", "resourceType") and old.get(name) != new.get(name)]


def _rows(session: Session, message: int) -> list[dict[str, Any]]:
    found = session.execute(
        "select c.kind, c.action, coalesce(t.uid, n.uid, e.uid, l.uid, m.uid), p.uid, c.delta"
        " from change_set s join change c on c.change_set = s.id"
        " left join tracked_entity t on c.kind = 'tracked_entity' and t.pk = c.target"
        " left join enrollment n on c.kind = 'enrollment' and n.pk = c.target"
        " left join event e on c.kind = 'event' and e.pk = c.target"
        " left join relationship l on c.kind = 'relationship' and l.pk = c.target"
        " left join metadata_object m on c.kind = 'metadata' and m.pk = c.target"
        " left join tracked_entity p on p.pk = c.subject where s.message = %s order by c.id limit %s",
        (message, MOST + 1),
    )
    return [
        {"kind": _NAMED.get(kind, kind), "uid": uid, "action": action, "person": person, "fields": delta or {}}
        for kind, action, uid, person, delta in found
    ]


_CAUSED = "join message_cause c on c.message = m.id join change_set s on s.id = c.change_set where s.message = %s"
_CAUSES = "join change_set s on s.message = m.id join message_cause c on c.change_set = s.id where c.message = %s"


def _related(session: Session, how: str, message: int) -> list[dict[str, Any]]:
    found = session.execute(
        "select distinct m.id, m.direction, p.code, m.type, m.state, m.created from message m"
        f" join peer p on p.id = m.peer {how} order by m.id limit %s",
        (message, MOST),
    )
    names = ("id", "direction", "peer", "type", "state", "created")
    return [dict(zip(names, row, strict=True)) for row in found]


def _chain(session: Session, message: int) -> dict[str, Any]:
    row = session.execute("select replay_of, note from message where id = %s", (message,)).fetchone()
    later = session.execute(
        "select id, actor, state, note, created from message where replay_of = %s order by id limit %s", (message, MOST)
    )
    names = ("id", "actor", "state", "note", "created")
    return {
        "replayOf": row[0] if row else None,
        "note": row[1] if row else None,
        "replays": [dict(zip(names, each, strict=True)) for each in later],
    }
