"""Storing documents as sets, with their change rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from tracker_core import history
from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.metadata.importing.incoming import Incoming, Key


def write(session: Session, context: Context, items: Iterable[Incoming]) -> None:
    """Store the created and updated ones of `items`."""
    created = [i for i in items if i.action == "created"]
    updated = [i for i in items if i.action == "updated"]
    for item, pk in zip(created, next_pks(session, len(created)), strict=True):
        item.pk = pk
    session.execute(
        "insert into metadata_object (pk, type, uid, code, name, doc, created, updated, created_in, updated_in)"
        " select n.pk, n.type, n.uid, n.doc->>'code', n.doc->>'name', n.doc, %s, %s, %s, %s from"
        " (select pk, type, uid, doc::jsonb as doc from unnest(%b::bigint[], %b::text[], %b::text[], %b::text[])"
        " as a (pk, type, uid, doc)) n on conflict (type, uid) do nothing",
        (context.at, context.at, context.change_set, context.change_set, *_columns(created)),
    )
    session.execute(
        "update metadata_object o set doc = n.doc, code = n.doc->>'code', name = n.doc->>'name', updated = %s,"
        " updated_in = %s from (select pk, doc::jsonb as doc from"
        " unnest(%b::bigint[], %b::text[], %b::text[], %b::text[]) as a (pk, type, uid, doc)) n where o.pk = n.pk",
        (context.at, context.change_set, *_columns(updated)),
    )
    noted = [history.Change("metadata", i.pk, "create" if i.stored is None else "update") for i in [*created, *updated]]
    history.note_changes(session, context, noted)


def delete(session: Session, context: Context, keys: Sequence[Key]) -> None:
    """Delete objects by collection and uid."""
    rows = session.execute(
        "delete from metadata_object where (type, uid) in (select * from unnest(%b::text[], %b::text[])) returning pk",
        ([type for type, _ in keys], [uid for _, uid in keys]),
    ).fetchall()
    history.note_changes(session, context, [history.Change("metadata", row[0], "delete") for row in rows])


def _columns(items: list[Incoming]) -> tuple[list[Any], ...]:
    docs = [orjson.dumps(i.doc).decode() for i in items]
    return [i.pk for i in items], [i.type.collection for i in items], [i.uid for i in items], docs
