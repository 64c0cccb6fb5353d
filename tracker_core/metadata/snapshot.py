"""Loading: the current snapshot, kept per process and dropped as soon as the version in the database differs."""

import gc
from collections import ChainMap, OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock

import orjson

from tracker_core.database import Session
from tracker_core.metadata import compiling
from tracker_core.metadata.model import Metadata, Object, OrgUnit, Places

_KEPT = 4
_snapshots: OrderedDict[tuple[str, int, str], Metadata] = OrderedDict()
_lock = Lock()


def load(session: Session) -> Metadata:
    """Return the metadata as this transaction sees it.

    One short query tells whether the process's copy is still good; only after a metadata write are the objects read
    anew, and the org units only after one of them changed. Versions are never reused, not even those of transactions
    that were rolled back.
    """
    database = (session.info.host, session.info.port, session.info.dbname)
    row = session.execute("select version, units from metadata_version").fetchone()
    assert row is not None
    kept = _snapshots.get(database)
    if kept is not None and (kept.version, kept.places.version) == row:
        return kept
    places = kept.places if kept is not None and kept.places.version == row[1] else read_places(session, row[1])
    fresh = read(session, row[0], places)
    with _lock:
        _snapshots[database] = fresh
        _snapshots.move_to_end(database)
        while len(_snapshots) > _KEPT:
            _snapshots.popitem(last=False)
    # A snapshot is millions of objects in no cycle: kept out of the collector's rounds, it costs answers no pauses.
    gc.freeze()
    return fresh


def lock(session: Session) -> None:
    """Let nobody else write metadata until this transaction ends: what is read from here on is what is changed."""
    session.execute("select version from metadata_version for update")


def bump(session: Session, *, units: bool = False) -> None:
    """Give the metadata a new version: every process reads it anew, the org units only with `units`."""
    session.execute(
        "update metadata_version set version = nextval('object_pk'),"
        " units = case when %s then nextval('object_pk') else units end",
        (units,),
    )


def read(session: Session, version: int, places: Places) -> Metadata:
    """Read and compile every object, without the process's copy."""
    objects: dict[str, dict[str, Object]] = {}
    for pk, type, uid, code, name, doc in session.execute(
        "select pk, type, uid, code, coalesce(name, ''), doc::text from metadata_object order by pk"
    ):
        objects.setdefault(type, {})[uid] = Object(pk, type, uid, code, name, orjson.loads(doc))
    return compile_snapshot(version, objects, places)


def read_places(session: Session, version: int) -> Places:
    """Read every org unit, without the process's copy."""
    rows = session.execute("select pk, uid, code, name, path, level, opening, closed from org_unit order by path")
    return compile_places(version, map(OrgUnit._make, rows))


def compile_places(version: int, units: Iterable[OrgUnit]) -> Places:
    """Build the tree of `units`."""
    by_uid = {unit.uid: unit for unit in units}
    return Places(version, by_uid, {unit.pk: unit.uid for unit in by_uid.values()}, _keys(by_uid.values()))


def compile_snapshot(version: int, objects: Mapping[str, Mapping[str, Object]], places: Places) -> Metadata:
    """Build the snapshot of `objects` (type -> uid -> object) and `places`; refers to nothing outside of them."""
    option_sets = compiling.option_sets(objects)
    elements = compiling.data_elements(objects, option_sets)
    attributes = compiling.attributes(objects, option_sets)
    types = compiling.entity_types(objects)
    stages = compiling.stages(objects, elements)
    combos = compiling.option_combos(objects)
    every = [o for group in objects.values() for o in group.values()]
    return Metadata(
        version=version,
        objects=objects,
        places=places,
        programs=compiling.programs(objects, stages, attributes, types),
        stages=stages,
        data_elements=elements,
        attributes=attributes,
        entity_types=types,
        option_sets=option_sets,
        relationship_types=compiling.relationship_types(objects),
        category_options=compiling.category_options(objects),
        option_combos=combos,
        with_options=frozenset(
            [one.uid for one in elements.values() if one.option_set]
            + [one.uid for one in attributes.values() if one.option_set]
        ),
        confidential=frozenset(one.uid for one in attributes.values() if one.confidential),
        uids=ChainMap({o.pk: o.uid for o in every}, places.uids),
        _by_code=ChainMap(_keys(every), places.keys),
        _by_options={(found.combo, found.options): found.uid for found in combos.values()},
    )


def _keys(every: Iterable[Object | OrgUnit]) -> dict[tuple[str, str], str]:
    """Map (type, code) and, where no code says otherwise, (type, name) to the uid; an ambiguous name to nothing."""
    names: dict[tuple[str, str], str] = {}
    codes: dict[tuple[str, str], str] = {}
    for item in every:
        type = "organisationUnits" if isinstance(item, OrgUnit) else item.type
        if item.code:
            codes[type, item.code] = item.uid
        if item.name:
            names[type, item.name] = "" if (type, item.name) in names else item.uid
    return {**names, **codes}
