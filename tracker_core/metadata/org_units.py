"""The org unit tree: rows with a materialised path of uids, so that a subtree is one range of an index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import orjson

from tracker_core import history
from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.issues import Issue, Outcome
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.placing import place
from tracker_core.metadata.snapshot import bump
from tracker_core.uids import new_uid

TYPE = "organisationUnits"
# A path must fit into an index; no country's administration comes near.
_DEEPEST = 100
# Columns of their own; everything else of a document stays in `doc`.
_COMPUTED = ("path", "level", "children", "ancestors", "leaf", "href", "access", "lastUpdated")
_MADE = ("created", "createdBy", "lastUpdatedBy")


@dataclass(slots=True)
class Unit:
    """One org unit to write. `old` is the stored document with its parent, None for a new one, `old_path` its place."""

    uid: str
    doc: dict[str, Any]
    parent: str
    path: str = ""
    pk: int = 0
    old: tuple[dict[str, Any], str] | None = None
    old_path: str = ""

    @property
    def action(self) -> Literal["created", "updated", "unchanged"]:
        """What writing it comes to."""
        if self.old is None:
            return "created"
        return "unchanged" if self.old == (self.doc, self.parent) else "updated"


@dataclass(slots=True)
class Plan:
    """What an import of org units will do. `pks` are those of the stored units that it names."""

    units: list[Unit] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    pks: dict[str, int] = field(default_factory=dict)

    @property
    def outcomes(self) -> list[Outcome]:
        """One outcome per unit, in the order given."""
        return [Outcome(TYPE, unit.uid, unit.action) for unit in self.units]


@dataclass(frozen=True, slots=True)
class _Row:
    pk: int
    uid: str
    code: str | None
    path: str
    parent: str
    doc: dict[str, Any]


def descendants(session: Session, uids: Iterable[str]) -> list[int]:
    """Return the pks of the units `uids` and of everything below them."""
    rows = session.execute(
        "select distinct u.pk from org_unit r join org_unit u on u.path = r.path"
        " or (u.path >= r.path || '/' and u.path < r.path || '0') where r.uid = any(%b)",
        (list(uids),),
    )
    return [row[0] for row in rows]


def children(session: Session, uids: Iterable[str]) -> list[int]:
    """Return the pks of the units `uids` and of their immediate children."""
    rows = session.execute(
        "select r.pk from org_unit r where r.uid = any(%b) union"
        " select c.pk from org_unit r join org_unit c on c.parent = r.pk where r.uid = any(%b)",
        (list(uids), list(uids)),
    )
    return [row[0] for row in rows]


def documents(session: Session, uids: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return org units as DHIS2 documents (all of them, or those named), parents before children."""
    where = "" if uids is None else "where o.uid = any(%b)"
    rows = session.execute(
        "select o.doc::text, o.uid, o.path, o.level, p.uid, not exists (select from org_unit c where c.parent = o.pk),"
        " o.created, o.updated"
        f" from org_unit o left join org_unit p on p.pk = o.parent {where} order by o.level, o.path",
        () if uids is None else (list(uids),),
    )
    return [
        {
            "created": _stamp(created),
            **orjson.loads(doc),
            "lastUpdated": _stamp(updated),
            "id": uid,
            "path": path,
            "level": level,
            "leaf": leaf,
            **({"parent": {"id": parent}} if parent else {}),
        }
        for doc, uid, path, level, parent, leaf, created, updated in rows
    ]


def _stamp(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds")


def plan(session: Session, docs: list[dict[str, Any]]) -> Plan:
    """Match `docs` with what is stored and place each in the tree. Parents are known by `id` or `code`."""
    made = Plan()
    if not docs:
        return made
    stored = _read(session, docs)
    made.pks = {uid: row.pk for uid, row in stored.items()}
    codes = {row.code: row.uid for row in stored.values() if row.code}
    codes |= {str(doc["code"]): str(doc["id"]) for doc in docs if doc.get("code") and doc.get("id")}
    for doc in docs:
        uid = str(doc.get("id") or codes.get(str(doc.get("code")), "") or new_uid())
        parent = doc.get("parent")
        coded = codes.get(str(parent.get("code")), "") if isinstance(parent, dict) else ""
        unit = Unit(uid, _kept(doc), reference(parent) or coded)
        if found := stored.get(uid):
            unit.doc = _made_when(unit.doc, found.doc)
            unit.pk, unit.old, unit.old_path = found.pk, (found.doc, found.parent), found.path
        made.units.append(unit)
        made.issues += _wrong(unit, bool(parent))
    made.issues += _repeated(made.units, stored)
    if not made.issues:
        _place(made, stored)
    return made


def _read(session: Session, docs: list[dict[str, Any]]) -> dict[str, _Row]:
    """Read the units that `docs` name, as themselves, as parents, or by code."""
    parents = [doc["parent"] for doc in docs if isinstance(doc.get("parent"), dict)]
    uids = [str(d.get("id") or "") for d in [*docs, *parents]]
    codes = [str(d.get("code") or "") for d in [*docs, *parents]]
    rows = session.execute(
        "select o.pk, o.uid, o.code, o.path, coalesce(p.uid, ''), o.doc::text from org_unit o"
        " left join org_unit p on p.pk = o.parent where o.uid = any(%b) or o.code = any(%b)",
        (uids, codes),
    )
    return {r[1]: _Row(r[0], r[1], r[2], r[3], r[4], orjson.loads(r[5])) for r in rows}


def _kept(doc: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in doc.items() if k not in _COMPUTED and k not in ("id", "parent")}


def _made_when(doc: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Return `doc` with what is stored of when and by whom the unit was made: an update says nothing of that."""
    kept = {k: v for k, v in stored.items() if k in _MADE}
    return {**{k: v for k, v in doc.items() if k not in _MADE}, **kept}


def _wrong(unit: Unit, has_parent: bool) -> list[Issue]:
    where = f"{TYPE} {unit.uid}"
    found = []
    if not unit.doc.get("name"):
        found.append(Issue("E4000", "Missing required property `name`", where=where))
    if has_parent and not unit.parent:
        found.append(Issue("E5002", f"Invalid reference on object {unit.uid} for association `parent`", where=where))
    for name in ("openingDate", "closedDate"):
        if unit.doc.get(name) and _day(unit.doc[name]) is None:
            text = f"Value `{unit.doc[name]}` is not a valid for property `{name}`"
            found.append(Issue("E4027", text, where=where, value=str(unit.doc[name])))
    return found


def _repeated(units: list[Unit], stored: Mapping[str, _Row]) -> list[Issue]:
    """Find uids and codes that more than one unit claims, within the payload or against what is stored."""
    found, seen = [], set()
    coming = {unit.uid for unit in units}
    owners = {row.code: uid for uid, row in stored.items() if row.code and uid not in coming}
    for unit in units:
        where, code = f"{TYPE} {unit.uid}", unit.doc.get("code")
        if unit.uid in seen:
            text = f"Id `{unit.uid}` for type `{TYPE}` exists on more than 1 object in the payload"
            found.append(Issue("E5004", text, where=where))
        seen.add(unit.uid)
        owner = owners.setdefault(str(code), unit.uid) if code else unit.uid
        if owner != unit.uid:
            text = f"Property `code` with value `{code}` on object {unit.uid} already exists on object {owner}"
            found.append(Issue("E5003", text, where=where, value=str(code)))
    return found


def _place(made: Plan, stored: Mapping[str, _Row]) -> None:
    """Compute every path, following the new parents; a missing parent or a circle is an issue."""
    paths = place({u.uid: u.parent for u in made.units}, {uid: row.path for uid, row in stored.items()})
    for unit in made.units:
        unit.path = paths[unit.uid] or ""
        if not unit.path:
            text = f"Invalid reference {unit.parent} on object {unit.uid} for association `parent`"
            made.issues.append(Issue("E5002", text, where=f"{TYPE} {unit.uid}", value=unit.parent))
        if unit.path.count("/") > _DEEPEST:
            text = f"Org unit {unit.uid} is deeper than {_DEEPEST} levels"
            made.issues.append(Issue("too-deep", text, where=f"{TYPE} {unit.uid}", value=unit.parent))


def write(session: Session, context: Context, made: Plan) -> None:
    """Store the created and updated units of a plan without issues; moves carry their subtrees along."""
    created = [unit for unit in made.units if unit.action == "created"]
    updated = [unit for unit in made.units if unit.action == "updated"]
    for unit, pk in zip(created, next_pks(session, len(created)), strict=True):
        unit.pk = pk
    known = made.pks | {unit.uid: unit.pk for unit in created}
    session.execute(
        "insert into org_unit (pk, uid, code, name, path, level, opening, closed, doc, parent, created, updated,"
        " created_in, updated_in) select a.pk, a.uid, a.doc::jsonb->>'code', a.doc::jsonb->>'name', a.path,"
        " length(a.path) - length(replace(a.path, '/', '')), coalesce(a.opening, '1970-01-01'), a.closed, a.doc::jsonb,"
        " a.parent, %s, %s, %s, %s from unnest(%b::bigint[], %b::text[], %b::text[], %b::date[], %b::date[],"
        " %b::text[], %b::bigint[]) as a (pk, uid, path, opening, closed, doc, parent)",
        (
            *(context.at, context.at, context.change_set, context.change_set),
            *_columns(created),
            [known.get(unit.parent) for unit in created],
        ),
    )
    session.execute(
        "update org_unit o set code = a.doc::jsonb->>'code', name = a.doc::jsonb->>'name',"
        " opening = coalesce(a.opening, '1970-01-01'), closed = a.closed, doc = a.doc::jsonb, updated = %s,"
        " updated_in = %s from unnest(%b::bigint[], %b::text[], %b::text[], %b::date[], %b::date[], %b::text[])"
        " as a (pk, uid, path, opening, closed, doc) where o.pk = a.pk",
        (context.at, context.change_set, *_columns(updated)),
    )
    _tie(session, updated)
    if created or updated:
        bump(session, units=True)
    noted = [history.Change("metadata", u.pk, "create" if u.old is None else "update") for u in [*created, *updated]]
    history.note_changes(session, context, noted)


def remove(session: Session, context: Context, uids: Iterable[str]) -> None:
    """Delete units that nothing refers to any more."""
    rows = session.execute("delete from org_unit where uid = any(%b) returning pk", (list(uids),)).fetchall()
    if rows:
        bump(session, units=True)
    history.note_changes(session, context, [history.Change("metadata", row[0], "delete") for row in rows])


def _columns(units: list[Unit]) -> tuple[list[Any], ...]:
    return (
        [unit.pk for unit in units],
        [unit.uid for unit in units],
        [unit.path for unit in units],
        [_day(unit.doc.get("openingDate")) for unit in units],
        [_day(unit.doc.get("closedDate")) for unit in units],
        [orjson.dumps(unit.doc).decode() for unit in units],
    )


def _tie(session: Session, units: list[Unit]) -> None:
    """Set the parents of what was updated, and carry the subtrees of units that moved along to their new paths.

    Each unit below follows the nearest one above it that moved. Two units never want the same path, not even on the
    way, as a path ends in the unit's own uid.
    """
    session.execute(
        "update org_unit o set parent = p.pk from unnest(%b::bigint[], %b::text[]) as a (pk, parent)"
        " left join org_unit p on p.uid = a.parent where o.pk = a.pk and o.parent is distinct from p.pk",
        ([unit.pk for unit in units], [unit.parent for unit in units]),
    )
    moved = [unit for unit in units if unit.old_path and unit.old_path != unit.path]
    if moved:
        session.execute(
            "update org_unit o set path = n.path, level = length(n.path) - length(replace(n.path, '/', '')) from"
            " (select distinct on (u.pk) u.pk, m.new || substr(u.path, length(m.old) + 1) as path"
            " from unnest(%b::text[], %b::text[]) as m (old, new)"
            " join org_unit u on u.path = m.old or (u.path >= m.old || '/' and u.path < m.old || '0')"
            " order by u.pk, length(m.old) desc) n where o.pk = n.pk",
            ([unit.old_path for unit in moved], [unit.path for unit in moved]),
        )


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None
