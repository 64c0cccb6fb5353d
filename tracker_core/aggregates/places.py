"""Which org unit a visit belongs to: what its Location or Organization is known by, else its sender's own facility."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from tracker_core.aggregates import extraction
from tracker_core.database import Session
from tracker_core.records.definitions import resource_types

_STEPS = 4
"""How far up from a Location to its Organization and what that is part of: ward, clinic, hospital, network."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened: references (`Location/x`) and identifiers, best first, and the peer who said so."""

    keys: tuple[str, ...]
    source: int | None


def find_org_units(session: Session, places: Mapping[str, Place]) -> dict[str, int]:
    """Return the org unit (pk) of each place that has one.

    A key is an org unit's uid or code, or what the peer calls it (a link of kind `org_unit`). A reference leads to the
    record's id and identifiers, and on to the organization above it. Where no key answers, the place is that of the
    peer's own facility: its setting `org_unit` (uid or code).
    """
    chains = _chains(session, {key for place in places.values() for key in place.keys})
    candidates = {name: [k for key in place.keys for k in chains.get(key, [key])] for name, place in places.items()}
    homes = _homes(session, {place.source for place in places.values() if place.source is not None})
    wanted = {key for keys in candidates.values() for key in keys} | set(homes.values())
    units = _units(session, wanted)
    links = _links(session, wanted)
    found: dict[str, int] = {}
    for name, place in places.items():
        hits = (links.get((place.source, key)) or units.get(key) for key in candidates[name])
        unit = next(filter(None, hits), None) or units.get(homes.get(place.source, ""))
        if unit is not None:
            found[name] = unit
    return found


def _chains(session: Session, keys: Iterable[str]) -> dict[str, list[str]]:
    """Follow references upwards; return for each key the identifiers met on the way, nearest first."""
    above: dict[str, tuple[str, ...]] = {}
    wanted = {key for key in keys if _is_reference(key)}
    for _ in range(_STEPS):
        if not wanted:
            break
        above |= _keepers(session, wanted)
        wanted = {key for found in above.values() for key in found if _is_reference(key)} - set(above)
    return {key: _walk(key, above) for key in above}


def _walk(key: str, above: Mapping[str, tuple[str, ...]]) -> list[str]:
    met: list[str] = []
    level, seen = [key], {key}
    while level:
        found = [k for reference in level for k in above.get(reference, ())]
        met += [k for k in found if not _is_reference(k)]
        level = [k for k in found if _is_reference(k) and k not in seen]
        seen.update(level)
    return met


def _keepers(session: Session, references: set[str]) -> dict[str, tuple[str, ...]]:
    types = resource_types()
    pairs = [(types[kind], kind, id) for kind, _, id in (reference.partition("/") for reference in sorted(references))]
    rows = session.execute(
        "select k.name || '/' || r.id, v.doc from unnest(%b::smallint[], %b::text[], %b::text[]) as k (type, name, id)"
        " join record r on r.type = k.type and r.id = k.id and not r.deleted"
        " join record_version v on v.pk = r.pk and v.version = r.version",
        ([p[0] for p in pairs], [p[1] for p in pairs], [p[2] for p in pairs]),
    )
    found = {reference: extraction.keeper(orjson.loads(doc)) for reference, doc in rows}
    return {reference: found.get(reference, (reference.partition("/")[2],)) for reference in references}


def _is_reference(key: str) -> bool:
    return key.startswith(("Organization/", "Location/"))


def _homes(session: Session, peers: set[int]) -> dict[int | None, str]:
    rows = session.execute(
        "select id, settings ->> 'org_unit' from peer where id = any(%b) and settings ? 'org_unit'", (sorted(peers),)
    )
    return {row[0]: row[1] for row in rows}


def _units(session: Session, keys: set[str]) -> dict[str, int]:
    rows = session.execute(
        "select code, pk from org_unit where code = any(%(keys)b) union all"
        " select uid, pk from org_unit where uid = any(%(keys)b)",
        {"keys": sorted(keys)},
    )
    return {row[0]: row[1] for row in rows}


def _links(session: Session, keys: set[str]) -> dict[tuple[int | None, str], int]:
    rows = session.execute(
        "select peer, external_id, target from link where kind = 'org_unit' and external_id = any(%b)", (sorted(keys),)
    )
    return {(row[0], row[1]): row[2] for row in rows}
