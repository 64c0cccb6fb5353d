"""From `fields` to what must be read: what nobody asks for is not read."""

from collections.abc import Iterable

from adapters.dhis2.fields import Fields, wants
from tracker_core.tracker.documents import Parts

_USERS = ("createdBy", "updatedBy", "storedBy")
_STAMPS = ("createdAt", "updatedAt", "storedBy", "createdBy", "updatedBy")
_SIDES = ("from", "to")
# Where objects may stand below one of each kind.
_LEVELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "trackedEntity": ((), ("enrollments",), ("enrollments", "events")),
    "enrollment": ((), ("events",)),
    "event": ((),),
    "relationship": (),
}
_SIDE_LEVELS = {"trackedEntity": ("trackedEntity",), "enrollment": ("enrollment",), "event": ("event",)}


def read_parts(kind: str, fields: Fields, *, deleted: bool) -> Parts:
    """Return the parts of an object of `kind` that `fields` asks for."""
    places = list(_LEVELS[kind])
    links = [(*place, "relationships") for place in places if wants(fields, *place, "relationships")]
    links += [()] if kind == "relationship" else []
    sides = _sides(fields, links, deleted=deleted) if links else None
    below = [(*place, side, *path) for place in links for side in _SIDES for path in _SIDE_LEVELS.values()]
    people = any(_names_users(fields, place) for place in [*places, *below])
    return _object(fields, kind, (), deleted=deleted, sides=sides, people=people)


def _object(
    fields: Fields, kind: str, place: tuple[str, ...], *, deleted: bool, sides: Parts | None = None, people: bool = True
) -> Parts:
    def asked(*names: str) -> bool:
        return wants(fields, *place, *names)

    enrollments, events = None, None
    if kind == "trackedEntity" and asked("enrollments"):
        enrollments = _object(fields, "enrollment", (*place, "enrollments"), deleted=deleted)
    if kind == "enrollment" and asked("events"):
        events = _object(fields, "event", (*place, "events"), deleted=deleted)
    return Parts(
        attributes=kind in ("trackedEntity", "enrollment") and asked("attributes"),
        owners=kind == "trackedEntity" and asked("programOwners"),
        enrollments=enrollments,
        events=events,
        data=kind == "event" and asked("dataValues"),
        stamps=kind == "event" and any(asked("dataValues", name) for name in _STAMPS),
        relationships=kind != "relationship" and "from" not in place and asked("relationships"),
        sides=sides,
        people=people,
        deleted=deleted,
    )


def _sides(fields: Fields, links: Iterable[tuple[str, ...]], *, deleted: bool) -> Parts | None:
    """Return what to read of the sides; None when only their uids are asked for."""
    found: list[Parts] = []
    for place in links:
        for side in _SIDES:
            for kind, path in _SIDE_LEVELS.items():
                if _beyond_uid(fields, (*place, side, *path), kind):
                    found.append(_object(fields, kind, (*place, side, *path), deleted=deleted))
    if not found:
        return None
    return Parts(
        attributes=any(parts.attributes for parts in found),
        owners=any(parts.owners for parts in found),
        enrollments=next((parts.enrollments for parts in found if parts.enrollments), None),
        events=next((parts.events for parts in found if parts.events), None),
        data=any(parts.data for parts in found),
        stamps=any(parts.stamps for parts in found),
        deleted=deleted,
    )


def _beyond_uid(fields: Fields, place: tuple[str, ...], kind: str) -> bool:
    """Tell whether more is asked of a side than which object it is."""
    names = (
        "orgUnit",
        "status",
        "program",
        "createdAt",
        "updatedAt",
        "occurredAt",
        "trackedEntityType",
        "programStage",
    )
    parts = ("attributes", "dataValues", "events", "enrollments", "notes", "geometry", "scheduledAt", "programOwners")
    others = tuple(name for name in ("trackedEntity", "enrollment") if name != kind)
    return any(wants(fields, *place, name) for name in (*names, *parts, *others, "enrolledAt", *_USERS))


def _names_users(fields: Fields, place: tuple[str, ...]) -> bool:
    direct = any(wants(fields, *place, name) for name in _USERS)
    inner = any(wants(fields, *place, part, name) for part in ("attributes", "dataValues") for name in _USERS)
    return direct or inner
