"""Searches beyond the capture units: which attributes, how many of them, and at most how many hits (Web API 2.42)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker_core import access
from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.metadata import Metadata, Object
from tracker_core.metadata.compiling import reference
from tracker_core.tracker.filters import UNARY, Filter
from tracker_core.tracker.search.pages import count
from tracker_core.tracker.search.queries import EntityQuery
from tracker_core.tracker.visibility import Sight

_LINKS = {
    "programs": ("programTrackedEntityAttributes", "program"),
    "trackedEntityTypes": ("trackedEntityTypeAttributes", "trackedEntityType"),
}


def check_limits(session: Session, sight: Sight, query: EntityQuery) -> None:
    """Refuse too short a word to look for; and, for a search that leaves the capture units, too open a one.

    Raises `Conflict`, with `maxteicountreached` as its text when more is found than may be returned.
    """
    _check_words(sight.known, query.attributes)
    if is_local(sight, query):
        return
    known, filtered = sight.known, {wanted.uid for wanted in query.attributes}
    owners = [
        found
        for type, uid in (("programs", query.program), ("trackedEntityTypes", query.type))
        if (found := known.get(type, uid)) is not None
    ]
    unique = {a.uid for a in known.attributes.values() if a.unique and not a.org_unit_scope}
    allowed = unique.union(*(_searchable(known, owner) for owner in owners))
    if wrong := sorted(filtered - allowed):
        raise Conflict(f"Non-searchable attribute(s) can not be used during global search: {wrong}")
    for owner in owners if not query.uids and filtered.isdisjoint(unique) else ():
        least = _number(owner.doc, "minAttributesRequiredToSearch", 1)
        if len(filtered) < least:
            raise Conflict(f"At least {least} attributes should be mentioned in the search criteria.")
    most = max((_number(owner.doc, "maxTeiCountToReturn", 0) for owner in owners), default=0)
    if most and count(session, sight, query, most=most + 1) > most:
        raise Conflict("maxteicountreached")


def is_local(sight: Sight, query: EntityQuery) -> bool:
    """Tell whether a query stays within the user's capture units."""
    place, actor = query.place, sight.actor
    if actor.superuser or place.mode == "CAPTURE":
        return True
    if place.mode in ("ACCESSIBLE", "ALL"):
        wanted: Sequence[str] = access.paths(actor, "search")
    else:
        wanted = [sight.known.org_units[uid].path for uid in place.units]
    return all(access.in_scope(actor, "capture", path) for path in wanted)


def _check_words(known: Metadata, filters: Iterable[Filter]) -> None:
    for wanted in filters:
        attribute = known.get("trackedEntityAttributes", wanted.uid)
        least = _number(attribute.doc, "minCharactersToSearch", 0) if attribute else 0
        if wanted.operator not in UNARY and len(wanted.value) < least:
            raise Conflict(
                f"At least {least} character(s) should be present in the filter to start a search, but the filter for"
                f" the TEA {wanted.uid} doesn't contain enough."
            )


def _searchable(known: Metadata, owner: Object) -> set[str]:
    """The attributes of a program or type by which one may search far and wide."""
    name, back = _LINKS[owner.type]
    links = [link for link in owner.doc.get(name) or () if isinstance(link, dict)]
    links += [o.doc for o in known.objects.get(name, {}).values() if reference(o.doc.get(back)) == owner.uid]
    return {reference(link.get("trackedEntityAttribute")) for link in links if link.get("searchable")}


def _number(doc: Mapping[str, Any], name: str, default: int) -> int:
    value = doc.get(name)
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else default
