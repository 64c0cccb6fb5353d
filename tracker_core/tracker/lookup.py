"""Finding single tracker objects by uid, for the calls that act on one."""

from dataclasses import dataclass

from tracker_core.database import Session
from tracker_core.tracker.visibility import TABLES, Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """A live tracked entity: its key, and the keys of its type and registering org unit."""

    pk: int
    uid: str
    type: int
    org_unit: int


def find_entity(session: Session, uid: str) -> Subject | None:
    """Return the tracked entity `uid` unless it is deleted."""
    row = session.execute(
        "select pk, uid, type, org_unit from tracked_entity where uid = %s and not deleted", (uid,)
    ).fetchone()
    return Subject(*row) if row else None


def find_pk(session: Session, kind: Kind, uid: str) -> int | None:
    """Return the key of the live object `uid`."""
    row = session.execute(f"select pk from {TABLES[kind]} where uid = %s and not deleted", (uid,)).fetchone()
    return int(row[0]) if row else None


def attribute_of(session: Session, entity: int, attribute: int) -> str | None:
    """Return the value of a tracked entity's attribute."""
    row = session.execute(
        "select value from attribute_value where entity = %s and attribute = %s", (entity, attribute)
    ).fetchone()
    return str(row[0]) if row else None


def data_value_of(session: Session, event: int, data_element: str) -> str | None:
    """Return the value of an event's data element."""
    row = session.execute("select data->>%s from event where pk = %s", (data_element, event)).fetchone()
    return row[0] if row else None
