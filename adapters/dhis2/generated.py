"""Generated attribute values (Web API 2.42, "Reserved and generated attribute values")."""

from datetime import timedelta
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import FRESH, Call, Reply, Routes
from adapters.dhis2.parameters import positive
from tracker_core import access as rights
from tracker_core import metadata
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.metadata import Attribute
from tracker_core.tracker import patterns, reserving
from tracker_core.tracker.reserving import Reservation

_MOST = 10_000
_LONGEST_DAYS = 36_500


def required_values(access: Access, call: Call) -> Reply:
    """What a caller must (REQUIRED) and may (OPTIONAL) give so that a value can be generated."""
    with access.session() as session:
        attribute = _attribute(session, call)
    segments = patterns.parse_pattern(attribute.pattern) if attribute.pattern else ()
    return Reply(patterns.required_values(segments), headers=FRESH)


def generate(access: Access, call: Call) -> Reply:
    """One value, reserved for 3 days unless `expiration` says otherwise: long enough to fill in a form."""
    [made] = _reserve(access, call, 1, positive(call.given, "expiration", 3))
    return Reply(made, headers=FRESH)


def generate_and_reserve(access: Access, call: Call) -> Reply:
    """Several values, reserved for 60 days unless `expiration` says otherwise: for a device that works offline."""
    count = positive(call.given, "numberToReserve", 1)
    if count > _MOST:
        raise Malformed(f"numberToReserve must be at most {_MOST}")
    return Reply(_reserve(access, call, count, positive(call.given, "expiration", 60)), headers=FRESH)


def _reserve(access: Access, call: Call, count: int, days: int) -> list[dict[str, Any]]:
    lasting = timedelta(days=min(days, _LONGEST_DAYS))
    with access.session() as session:
        attribute = _attribute(session, call)
        made = reserving.reserve(session, attribute, call.given, count, lasting, call.user.username)
    return [_document(attribute, one) for one in made]


def _attribute(session: Session, call: Call) -> Attribute:
    """Return the attribute of the path; one that the caller may not read counts as not there."""
    uid, known = call.captured["uid"], metadata.load(session)
    found, stored = known.attributes.get(uid), known.get("trackedEntityAttributes", uid)
    actor = rights.load(session, call.user.username)
    if found is None or stored is None or not rights.metadata_readable(actor, stored.doc):
        raise NotFound(f"TrackedEntityAttribute with id {uid} could not be found.")
    return found


def _document(attribute: Attribute, made: Reservation) -> dict[str, Any]:
    return {
        "ownerObject": "TRACKEDENTITYATTRIBUTE",
        "ownerUid": attribute.uid,
        "key": made.key,
        "value": made.value,
        "created": made.created,
        "expiryDate": made.until,
    }


ROUTES: Routes = (
    ("GET", "/trackedEntityAttributes/{uid}/requiredValues", required_values),
    ("GET", "/trackedEntityAttributes/{uid}/generate", generate),
    ("GET", "/trackedEntityAttributes/{uid}/generateAndReserve", generate_and_reserve),
)
