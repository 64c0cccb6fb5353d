"""Single notes on enrollments and events (Web API 2.42, "Notes"): written once, never changed."""

from typing import Any, Literal, TypeAlias

from psycopg.types.json import Jsonb

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.history import Change, note_changes
from tracker_core.uids import new_uid

Noted: TypeAlias = Literal["enrollment", "event"]


def add_note(session: Session, context: Context, kind: Noted, pk: int, value: str, uid: str = "") -> dict[str, Any]:
    """Append a note to a live enrollment or event and return it; log it, and count the object as updated.

    Raises `Malformed` when the object has a note `uid` already.
    """
    row = session.execute(f"select notes, entity from {kind} where pk = %s for no key update", (pk,)).fetchone()
    assert row is not None
    before, entity = row
    if any(known["note"] == uid for known in before):
        raise Malformed(f"A Note with UID `{uid}` already exists.")
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
