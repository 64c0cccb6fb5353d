"""Deleting objects: with what goes with them, out of what lists them, and never while anything uses them."""

from collections.abc import Sequence
from typing import Any

from tracker_core import history
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata.importing import Options, import_objects
from tracker_core.metadata.importing.codes import message
from tracker_core.metadata.importing.writing import delete
from tracker_core.metadata.indexes import UNITS
from tracker_core.metadata.snapshot import bump, load
from tracker_core.metadata.usage import Removal, plan_removal

_MOST_NAMED = 10


def remove_objects(
    session: Session, context: Context, collection: str, uids: Sequence[str], options: Options | None = None
) -> list[Issue]:
    """Delete objects of one collection and return no issue; or E4030 for each, with nothing changed.

    What they are made of goes too. Objects that list them are imported without them, so their versions rise.
    Of users it only takes care of what refers to them: their accounts are deleted by `users.remove`.
    """
    session.execute("select version from metadata_version for update")
    plan = plan_removal(session, load(session), collection, uids)
    if plan.uses:
        named = ", ".join(use.text for use in plan.uses[:_MOST_NAMED])
        return [Issue("E4030", message("E4030", named), where=f"{collection} {uid}") for uid in uids]
    if plan.left:
        report = import_objects(session, context, _payload(plan), options)
        if report.errors:
            return report.errors
    delete(session, context, [key for key in plan.gone if key[0] != UNITS])
    units = [uid for name, uid in plan.gone if name == UNITS]
    _delete_units(session, context, units)
    bump(session, units=bool(units))
    return []


def _payload(plan: Removal) -> dict[str, list[dict[str, Any]]]:
    payload: dict[str, list[dict[str, Any]]] = {}
    for (collection, _), doc in plan.left.items():
        payload.setdefault(collection, []).append(doc)
    return payload


def _delete_units(session: Session, context: Context, uids: Sequence[str]) -> None:
    rows = session.execute("delete from org_unit where uid = any(%b) returning pk", (list(uids),)).fetchall()
    history.note_changes(session, context, [history.Change("metadata", row[0], "delete") for row in rows])
