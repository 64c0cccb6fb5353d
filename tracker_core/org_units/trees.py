"""Which org units a request means: parts of the tree, levels, names; quickly, though there may be 100,000.

Parts of the tree are found in SQL: paths are compared byte by byte, so that a subtree is one range of an index. Names
are sought in the snapshot, which has them in order and in one text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracker_core.database import Session
from tracker_core.metadata import OrgUnit, load

# `query` looks for a part of name or code in any case of letters, or for the whole id.
_LIKE = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


# How a filter compares, in SQL; what `like` and `in` need is made of their operand.
_COMPARED = {"eq": "=", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "in": "= any", "like": "like", "ilike": "ilike"}
_COLUMNS = {"id": "u.uid", "code": "u.code", "name": "u.name", "level": "u.level", "path": "u.path"}


@dataclass(frozen=True, slots=True)
class Where:
    """One more condition: `id`, `code`, `name`, `level` or `path`, how it is compared, and with what."""

    name: str
    operator: str
    operands: Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the tree: what of it is asked for, all conditions together.

    `within` are paths whose subtrees count, `/` being the whole tree; None sets no bound. `uids` are the only units to
    look at. `levels` and `below` (of a parent's uid) say where in the tree, `query` how a unit is called.
    """

    within: Sequence[str] | None = None
    uids: Sequence[str] | None = None
    levels: Sequence[int] = ()
    deepest: int = 0
    below: str = ""
    query: str = ""
    where: Sequence[Where] = ()
    by_level: bool = False

    @property
    def remembered(self) -> bool:
        """Tell whether the snapshot finds it sooner than SQL: a name is sought, or the whole tree is asked for."""
        if self.where or self.by_level:
            return False
        whole = self.within is None or "/" in self.within
        bound = self.uids is not None or self.levels or self.deepest or self.below
        return bool(self.query) or (whole and not bound)

    def holds(self, unit: OrgUnit) -> bool:
        """Tell whether a unit of the snapshot lies in the part, but for `within`."""
        return (
            (self.uids is None or unit.uid in self.uids)
            and (not self.levels or unit.level in self.levels)
            and (not self.deepest or unit.level <= self.deepest)
            and (not self.below or unit.path.endswith(f"/{self.below}/{unit.uid}"))
        )


def page(session: Session, part: Part, size: int, offset: int) -> tuple[list[str], int]:
    """Return the uids of one page of a part, by name or by level, and how many units it has in all."""
    if not part.remembered:
        return find(session, part, size, offset), count(session, part)
    places = load(session).places
    found: Sequence[OrgUnit] = places.called(part.query) if part.query else places.by_name
    if part.within is not None and "/" not in part.within:
        tops = tuple(f"{top}/" for top in part.within)
        found = [unit for unit in found if f"{unit.path}/".startswith(tops)]
    if part.query:
        found = [unit for unit in found if part.holds(unit)]
    return [unit.uid for unit in found[offset : offset + size]], len(found)


def find(session: Session, part: Part, limit: int | None = None, offset: int = 0) -> list[str]:
    """Return the uids of the units of a part, by name or by level, a page of them."""
    condition, values = _condition(part)
    order = "u.level, lower(u.name), u.uid" if part.by_level else "lower(u.name), u.uid"
    rows = session.execute(
        f"select u.uid from org_unit u where {condition} order by {order} limit %s offset %s",
        (*values, limit, offset),
    )
    return [row[0] for row in rows]


def count(session: Session, part: Part) -> int:
    """Return how many units a part has."""
    condition, values = _condition(part)
    row = session.execute(f"select count(*) from org_unit u where {condition}", values).fetchone()
    return int(row[0]) if row else 0


def around(session: Session, uids: Sequence[str], *, children: bool, descendants: bool, ancestors: bool) -> list[str]:
    """Return the uids of some units with what is asked for around them: subtrees, children, or what is above."""
    if descendants:
        return find(session, Part(within=_paths(session, uids), by_level=True))
    found = list(uids)
    if ancestors:
        above = {step for path in _paths(session, uids) for step in path.split("/") if step}
        found = find(session, Part(uids=sorted(above), by_level=True))
    if children:
        rows = session.execute(
            "select c.uid from org_unit c join org_unit p on p.pk = c.parent where p.uid = any(%b)"
            " order by lower(c.name), c.uid",
            (list(uids),),
        )
        found += [row[0] for row in rows if row[0] not in set(found)]
    return found


def filled_levels(session: Session) -> list[int]:
    """Return the levels that have a unit: 1 to the deepest."""
    row = session.execute("select coalesce(max(level), 0) from org_unit").fetchone()
    return list(range(1, (row[0] if row else 0) + 1))


def _paths(session: Session, uids: Sequence[str]) -> list[str]:
    rows = session.execute("select path from org_unit where uid = any(%b) order by path", (list(uids),))
    return [row[0] for row in rows]


def _condition(part: Part) -> tuple[str, tuple[Any, ...]]:
    conditions: list[str] = []
    values: list[Any] = []
    if part.within is not None and "/" not in part.within:
        conditions.append(_ranges(len(part.within)))
        values += [bound for path in part.within for bound in (path, f"{path}/", f"{path}0")]
    if part.uids is not None:
        conditions.append("u.uid = any(%b)")
        values.append(list(part.uids))
    if part.levels:
        conditions.append("u.level = any(%b)")
        values.append(list(part.levels))
    if part.deepest:
        conditions.append("u.level <= %s")
        values.append(part.deepest)
    if part.below:
        conditions.append("u.parent = (select pk from org_unit where uid = %s)")
        values.append(part.below)
    if part.query:
        sought = f"%{part.query.translate(_LIKE)}%"
        conditions.append("(u.name ilike %s or u.code ilike %s or u.uid = %s)")
        values += [sought, sought, part.query]
    for one in part.where:
        conditions.append(_compared(one))
        values.append(_operand(one))
    return " and ".join(conditions) or "true", tuple(values)


def _compared(one: Where) -> str:
    mark = "(%b)" if one.operator == "in" else "%s"
    return f"{_COLUMNS[one.name]} {_COMPARED[one.operator]} {mark}"


def _operand(one: Where) -> Any:
    if one.operator == "in":
        return list(one.operands)
    if one.operator in ("like", "ilike"):
        return f"%{str(one.operands[0]).translate(_LIKE)}%"
    return one.operands[0]


def _ranges(count: int) -> str:
    """Return the condition that a path lies in one of `count` subtrees, each a range of the index."""
    if not count:
        return "false"
    return "(" + " or ".join(["u.path = %s or (u.path >= %s and u.path < %s)"] * count) + ")"
