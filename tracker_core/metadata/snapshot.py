"""Loading: the current snapshot, kept per process and dropped as soon as the version in the database differs."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock

import orjson

from tracker_core.database import Session
from tracker_core.metadata import compiling
from tracker_core.metadata.model import Metadata, Object, OrgUnit

_KEPT = 4
_snapshots: OrderedDict[tuple[str, int, str], Metadata] = OrderedDict()
_lock = Lock()


def load(session: Session) -> Metadata:
    """Return the metadata as this transaction sees it.

    One short query tells whether the process's copy is still good; only after a metadata write is everything read
    anew. Versions are never reused, not even those of transactions that were rolled back.
    """
    database = (session.info.host, session.info.port, session.info.dbname)
    row = session.execute("select version from metadata_version").fetchone()
    assert row is not None
    kept = _snapshots.get(database)
    if kept is not None and kept.version == row[0]:
        return kept
    fresh = read(session, row[0])
    with _lock:
        _snapshots[database] = fresh
        _snapshots.move_to_end(database)
        while len(_snapshots) > _KEPT:
            _snapshots.popitem(last=False)
    return fresh


def read(session: Session, version: int) -> Metadata:
    """Read and compile everything, without the process's copy."""
    objects: dict[str, dict[str, Object]] = {}
    for pk, type, uid, code, name, doc in session.execute(
        "select pk, type, uid, code, coalesce(name, ''), doc::text from metadata_object order by pk"
    ):
        objects.setdefault(type, {})[uid] = Object(pk, type, uid, code, name, orjson.loads(doc))
    units = [
        OrgUnit(*row)
        for row in session.execute(
            "select pk, uid, code, name, path, level, opening, closed from org_unit order by path"
        )
    ]
    return compile_snapshot(version, objects, {unit.uid: unit for unit in units})


def compile_snapshot(
    version: int, objects: Mapping[str, Mapping[str, Object]], org_units: Mapping[str, OrgUnit]
) -> Metadata:
    """Build the snapshot of `objects` (type -> uid -> object) and `org_units`; refers to nothing outside of them."""
    option_sets = compiling.option_sets(objects)
    elements = compiling.data_elements(objects, option_sets)
    attributes = compiling.attributes(objects, option_sets)
    types = compiling.entity_types(objects)
    stages = compiling.stages(objects, elements)
    every: list[Object | OrgUnit] = [o for group in objects.values() for o in group.values()]
    every += org_units.values()
    return Metadata(
        version=version,
        objects=objects,
        org_units=org_units,
        programs=compiling.programs(objects, stages, attributes, types),
        stages=stages,
        data_elements=elements,
        attributes=attributes,
        entity_types=types,
        option_sets=option_sets,
        relationship_types=compiling.relationship_types(objects),
        uids={o.pk: o.uid for o in every},
        _by_code=_keys(every),
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
