"""Single notes on enrollments and events (Web API 2.42, "Notes"): written once, never changed."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import orjson
from psycopg.types.json import Jsonb

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.history import Change, note_changes
from tracker_core.uids import new_uid

Noted: TypeAlias = Literal["enrollment", "event"]


def add_note(session: Session, context: Context, kind: Noted, pk: int, value: str, uid: str = "") -> dict[str, Any]:
    """Append a note to a live enrollment or event and return it; log it, and count the object as updated.

    Raises `Malformed` when there is a note `uid` already.
    """
    if uid and known_notes(session, [uid]):
        raise Malformed(f"A Note with UID `{uid}` already exists.")
    row = session.execute(f"select notes, entity from {kind} where pk = %s for no key update", (pk,)).fetchone()
    assert row is not None
    before, entity = row
    note = {
        "note": uid or new_uid(),
        "value": value,
        "storedAt": context.at.isoformat(),
        "storedBy": context.actor,
    }
    after = [*before, note]
    stamp = (context.at, context.change_set)
    session.execute(
        f"update {kind} set notes = %s, updated = %s, updated_in = %s where pk = %s", (Jsonb(after), *stamp, pk)
    )
    session.execute("update tracked_entity set updated = %s, updated_in = %s where pk = %s", (*stamp, entity))
    note_changes(session, context, [Change(kind, pk, "update", entity, {"notes": [before, after]})])
    return note


def known_notes(session: Session, uids: Sequence[str]) -> set[str]:
    """Return which of these uids notes have, on any enrollment or event."""
    sought = [orjson.dumps([{"note": uid}]).decode() for uid in uids]
    rows = session.execute(
        "select n.note ->> 'note' from (select notes from enrollment where notes <> '[]' and notes @> any(%b::jsonb[])"
        " union all select notes from event where notes <> '[]' and notes @> any(%b::jsonb[])) as held,"
        " jsonb_array_elements(held.notes) as n (note) where n.note ->> 'note' = any(%b)",
        (sought, sought, list(uids)),
    )
    return {row[0] for row in rows}
