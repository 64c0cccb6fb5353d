"""`/api/potentialDuplicates`: pairs that may be one, flagged, decided and merged (Web API 2.42)."""

from typing import Any, cast

import orjson

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import FRESH, Call, Reply, Routes
from adapters.dhis2.exports.parameters import order
from adapters.dhis2.fields import parse_fields, select
from adapters.dhis2.lists import envelope, read_paging, uids
from adapters.dhis2.parameters import choice
from adapters.dhis2.webmessage import web_message
from tracker_core import history, identity
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict, Forbidden, Malformed, NotFound
from tracker_core.identity import choosing, reviewing
from tracker_core.identity.choosing import Belongings, Chosen
from tracker_core.identity.reviewing import Pair, Status
from tracker_core.tracker.lookup import find_entity
from tracker_core.tracker.visibility import Sight, sight_of, visible
from tracker_core.uids import is_uid

_FIELDS = "id,created,lastUpdated,original,duplicate,status"
_STATUSES = {name: name for name in ("OPEN", "INVALID", "MERGED", "ALL")}


def list_pairs(access: Access, call: Call) -> Reply:
    """One page of pairs of which the caller sees both sides; the open ones unless `status` says otherwise."""
    fields, paging = parse_fields(call.given.get("fields") or _FIELDS), read_paging(call.given)
    wanted = choice(call.given, "status", _STATUSES)
    entities = uids(call.given, "trackedEntities") or uids(call.given, "teis")
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        pairs = reviewing.list_pairs(session, sight, wanted, entities, order(call.given), paging.limit, paging.offset)
    shown = select(fields, [_document(pair) for pair in pairs])
    return Reply(envelope("potentialDuplicates", shown, paging, call.url, call.given, None), headers=FRESH)


def read_pair(access: Access, call: Call) -> Reply:
    """One pair."""
    with access.session() as session:
        return Reply(_document(_pair(session, sight_of(session, call.user.username), call)))


def flag_pair(access: Access, call: Call) -> Reply:
    """File two tracked entities that the caller may read as a potential duplicate."""
    body = read_object(call)
    named = [_named(body, side) for side in ("original", "duplicate")]
    if named[0] == named[1]:
        raise Conflict("a tracked entity cannot be its own duplicate")
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        original, duplicate = (_entity(session, sight, uid) for uid in named)
        context = history.open_change_set(session, actor=call.user.username)
        made = reviewing.find_pair(session, reviewing.flag(session, context, original, duplicate))
    assert made is not None
    return Reply(_document(made))


def decide_pair(access: Access, call: Call) -> Reply:
    """Say that a pair is INVALID (two persons), or OPEN again; MERGED is said by merging."""
    if not call.given.get("status"):
        raise Malformed("Required request parameter 'status' is not present")
    status = choice(call.given, "status", {name: name for name in ("OPEN", "INVALID", "MERGED")})
    with access.session() as session:
        pair = _pair(session, sight_of(session, call.user.username), call)
        if status == "MERGED":
            raise Malformed("Can't update a potential duplicate to MERGED")
        if pair.status == "MERGED":
            raise Malformed("Can't update a potential duplicate that is already MERGED")
        reviewing.decide(session, call.user.username, pair.uid, cast("Status", status))
    return Reply(web_message(200))


def merge_pair(access: Access, call: Call) -> Reply:
    """Make the duplicate part of the original: all of it where nothing conflicts (AUTO), or what the body names."""
    manual = choice(call.given, "mergeStrategy", {"AUTO": False, "MANUAL": True})
    chosen = _chosen(call) if manual else None
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        pair = _pair(session, sight, call)
        if pair.status == "MERGED":
            raise Conflict("PotentialDuplicate is already MERGED")
        context = history.open_change_set(session, actor=call.user.username)
        _merge(session, context, sight, pair, chosen)
    return Reply(web_message(200))


def _merge(session: Session, context: Context, sight: Sight, pair: Pair, chosen: Chosen | None) -> None:
    known = sight.known
    original, duplicate = (choosing.belongings(session, known, pk) for pk in (pair.original_pk, pair.duplicate_pk))
    if chosen is None:
        if reason := choosing.why_not_alone(session, known, pair):
            raise Conflict(f"PotentialDuplicate cannot be merged automatically: {reason}")
        moved, picked = duplicate, None
    else:
        if reason := choosing.why_not_so(known, original, duplicate, chosen, pair):
            raise Conflict(f"Merging conflict: {reason}")
        moved = _part(duplicate, chosen)
        picked = identity.Choice(
            frozenset(known.attributes[uid].pk for uid in chosen.attributes),
            frozenset(pk for pk, _ in moved.enrollments.values()),
            frozenset(link[0] for link in moved.links.values()),
        )
    if reason := choosing.why_forbidden(session, known, sight.actor, pair, moved):
        raise Forbidden(f"Insufficient access: {reason}")
    identity.merge(session, context, pair.original_pk, pair.duplicate_pk, picked)


def _part(duplicate: Belongings, chosen: Chosen) -> Belongings:
    return Belongings(
        {uid: duplicate.attributes[uid] for uid in chosen.attributes},
        {uid: duplicate.enrollments[uid] for uid in chosen.enrollments},
        {uid: duplicate.links[uid] for uid in chosen.relationships},
    )


def _chosen(call: Call) -> Chosen:
    """Return what the body names; without a body nothing."""
    body = read_object(call) if call.body.strip() not in (b"", orjson.dumps(None)) else {}
    lists = [body.get(name) or [] for name in ("trackedEntityAttributes", "enrollments", "relationships")]
    for given in lists:
        if not isinstance(given, list) or not all(isinstance(uid, str) and is_uid(uid) for uid in given):
            raise Malformed("trackedEntityAttributes, enrollments and relationships are lists of UIDs")
    return Chosen(*lists)


def _pair(session: Session, sight: Sight, call: Call) -> Pair:
    """Return the pair of the path; one of which the caller sees not both sides counts as not there."""
    wanted = call.captured["uid"]
    found = reviewing.find_pair(session, wanted)
    sides = [found.original_pk, found.duplicate_pk] if found else []
    if found is None or visible(session, sight, "trackedEntity", sides) != set(sides):
        raise NotFound(f"No potentialDuplicate records found with id '{wanted}'.")
    return found


def _named(body: dict[str, Any], side: str) -> str:
    given = body.get(side)
    if not given:
        raise Malformed(f"Missing required input property '{side}'")
    if not isinstance(given, str) or not is_uid(given):
        raise Malformed(f"'{given}' is not valid value for property '{side}'")
    return given


def _entity(session: Session, sight: Sight, uid: str) -> int:
    found = find_entity(session, uid)
    if found is None:
        raise NotFound(f"No tracked entity found with id '{uid}'.")
    if not visible(session, sight, "trackedEntity", [found.pk]):
        raise Forbidden(f"You don't have read access to '{uid}'.")
    return found.pk


def _document(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.uid,
        "created": pair.created,
        "lastUpdated": pair.updated,
        "createdByUserName": pair.created_by,
        "lastUpdatedByUserName": pair.updated_by,
        "original": pair.original,
        "duplicate": pair.duplicate,
        "status": pair.status,
    }


ROUTES: Routes = (
    ("GET", "/potentialDuplicates", list_pairs),
    ("POST", "/potentialDuplicates", flag_pair),
    ("POST", "/potentialDuplicates/{uid}/merge", merge_pair),
    ("GET", "/potentialDuplicates/{uid}", read_pair),
    ("PUT", "/potentialDuplicates/{uid}", decide_pair),
)
