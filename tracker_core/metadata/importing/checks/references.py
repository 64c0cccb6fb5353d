"""That what is referred to is there."""

from collections.abc import Iterator

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata import schema
from tracker_core.metadata.importing.incoming import Incoming, Key, Prospect
from tracker_core.metadata.importing.options import Guard
from tracker_core.metadata.schema import Reference

# One table holds these in DHIS2, so that a reference to one of them may be by another's name.
_SAME = ("eventVisualizations", "eventCharts", "eventReports")


def look_up_users(session: Session, prospect: Prospect) -> None:
    """Let the prospect know of the users that the payload refers to."""
    named = {
        reference.uid
        for item in prospect.items
        for reference in schema.references(item.type, item.doc)
        if reference.target == "users" and not reference.by.loose
    }
    if named:
        rows = session.execute("select uid from user_account where uid = any(%b)", (sorted(named),))
        prospect.apart.setdefault("users", set()).update(row[0] for row in rows)


def dangling(prospect: Prospect) -> Iterator[Issue]:
    """Yield E5002 for a reference to nothing, E6022 for one to the object itself."""
    for item in prospect.items:
        if item.implied:
            continue
        for reference in schema.references(item.type, item.doc):
            if not reference.by.loose and not _leads(prospect, item, reference):
                yield _fault(item, reference)
            if len(reference.path) == 1 and (reference.target, reference.uid) == item.key:
                yield item.fault("E6022", reference.by.name)


def _leads(prospect: Prospect, item: Incoming, reference: Reference) -> bool:
    if reference.target in _SAME:
        return any(prospect.has(each, reference.uid) for each in _SAME)
    inner = schema.TYPES[reference.target].within
    if inner is not None:
        return True
    return (reference.target, reference.uid) == item.key or prospect.has(reference.target, reference.uid)


def _fault(item: Incoming, reference: Reference) -> Issue:
    named = reference.uid or str(reference.value)[:100]
    if item.type.collection == "dashboards" and reference.path[0] == "dashboardItems":
        return item.fault("E4061", item.uid, reference.by.name, named, value=named)
    return item.fault("E5002", named, item.uid, str(reference.path[0]), value=named)


def hidden(prospect: Prospect, item: Incoming, guard: Guard) -> Iterator[Issue]:
    """Yield E5008 for a reference to a stored object that `guard` does not let be read."""
    for reference in schema.references(item.type, item.doc):
        found = prospect.known.get(reference.target, reference.uid)
        if found is not None and schema.TYPES[reference.target].shareable and not guard.reads(found.doc):
            yield item.fault("E5008", reference.uid, item.uid, str(reference.path[0]), value=reference.uid)


def orphaned(prospect: Prospect, refused: set[Key]) -> Iterator[Issue]:
    """Yield E5002 for a reference to an object that will not be there because it is refused."""
    lost = {key for key in refused if prospect.known.get(*key) is None}
    for item in prospect.items:
        if item.implied or item.key in refused:
            continue
        for reference in schema.references(item.type, item.doc):
            if (reference.target, reference.uid) in lost and not reference.by.loose:
                yield _fault(item, reference)
                break
