"""`/api/organisationUnits` as a tree: scopes of the caller, levels, what is around a unit (Web API 2.42, §"Org units").

Answered in SQL where it can be, as there may be 100,000 units; other filters and orders are those of every type.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.objects import listing, reading
from adapters.dhis2.objects.etags import answer
from adapters.dhis2.objects.listing import Page, enveloped, matching, read_page
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import UNITS, View, rendered
from adapters.dhis2.parameters import flag
from tracker_core import access as rights
from tracker_core import org_units, users
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.model import OrgUnit
from tracker_core.org_units import Part, Where

# What in a request says more than the parameters that every list has.
_TREE = (
    "userOnly userDataViewOnly userDataViewFallback withinUserHierarchy withinUserSearchHierarchy"
    " includeChildren includeDescendants includeAncestors level maxLevel levelSorted parent query"
).split()
_NUMBERS = ("eq", "gt", "ge", "lt", "le")
_BY_NAME = ("", "name:asc", "name:iasc", "displayName:asc", "displayName:iasc", "name", "displayName")


def list_units(access: Access, call: Call) -> Reply:
    """One page of org units: those of the caller's scopes, of a level, called so, below another; by name."""
    call = replace(call, captured={**call.captured, "type": UNITS})
    show = selection(UNITS, call.given.get("fields") or listing.DEFAULT_FIELDS)
    page = read_page(call)
    with access.session() as session:
        view = open_view(session, call)
        part = _read_part(session, view, call)

        def body() -> dict[str, Any]:
            uids, total = _found(session, view, call, part, page)
            docs = [view.known.org_units[uid].document for uid in uids if uid in view.known.org_units]
            return enveloped(UNITS, rendered(session, view, show, docs), page, call, total)

        return answer(view, call, body)


def read_unit(access: Access, call: Call) -> Reply:
    """One org unit; with `includeChildren`, `includeDescendants`, `includeAncestors` or `level`, a list around it."""
    call = replace(call, captured={**call.captured, "type": UNITS})
    around = {name: _flag(call, f"include{name.capitalize()}") for name in ("children", "descendants", "ancestors")}
    if not any(around.values()) and "level" not in call.given:
        return reading.read_object(access, call)
    show = selection(UNITS, call.given.get("fields") or listing.DEFAULT_FIELDS)
    with access.session() as session:
        view = open_view(session, call)
        unit = _unit(view, call)
        if "level" in call.given:
            deeper = Part(within=[unit.path], levels=[unit.level + _number(call, "level")])
            uids = org_units.find(session, deeper)
        else:
            uids = org_units.around(session, [unit.uid], **around)
        docs = [view.known.org_units[uid].document for uid in uids]
        return Reply({UNITS: rendered(session, view, show, docs)})


def _unit(view: View, call: Call) -> OrgUnit:
    unit = view.known.org_units.get(call.captured["uid"])
    if unit is None:
        raise NotFound(f"OrganisationUnit with id {call.captured['uid']} could not be found.")
    return unit


def list_parents(access: Access, call: Call) -> Reply:
    """What lies above a unit, from its parent to the root."""
    show = selection(UNITS, call.given.get("fields") or listing.DEFAULT_FIELDS)
    with access.session() as session:
        view = open_view(session, call)
        unit = _unit(view, call)
        above = unit.path.split("/")[-2:0:-1]
        return Reply({UNITS: rendered(session, view, show, [view.known.org_units[uid].document for uid in above])})


def list_filled_levels(access: Access, call: Call) -> Reply:
    """The levels that have a unit, each under the name it was given, else under its number."""
    with access.session() as session:
        view = open_view(session, call)
        named = {found.doc.get("level"): found.doc for found in view.known.objects.get(_LEVELS, {}).values()}
        levels = org_units.filled_levels(session)
    return Reply(
        [
            {"displayName": _called(n, named), "level": n, **_plain(named.get(n)), "name": _called(n, named)}
            for n in levels
        ]
    )


_LEVELS = "organisationUnitLevels"


def _plain(doc: Any) -> dict[str, Any]:
    return {k: v for k, v in (doc or {}).items() if k in ("id", "code", "offlineLevels", "created", "lastUpdated")}


def _called(level: int, named: dict[Any, Any]) -> str:
    return str(named[level].get("name")) if level in named else f"Level {level}"


def _found(session: Session, view: View, call: Call, part: Part, page: Page) -> tuple[Sequence[str], int]:
    """Return the uids of the page and how many there are in all."""
    where = [_translated(view, text) for name, text in call.pairs if name == "filter"]
    ordered = [text for name, text in call.pairs if name == "order"]
    levelled = ordered in (["level:asc"], ["level"])
    if None in where or not (levelled or all(text in _BY_NAME for text in ordered)) or "rootJunction" in call.given:
        uids = None if part == Part() else org_units.find(session, part)
        docs = matching(session, view, replace(call, pairs=_without_query(call)), UNITS, uids)
        return [str(doc["id"]) for doc in page.cut(docs)], len(docs)
    part = replace(part, where=[one for one in where if one], by_level=part.by_level or levelled)
    part = _bounded(view, part) if part.within is None else part
    if not page.number:
        every = org_units.find(session, part)
        return every, len(every)
    return org_units.page(session, part, page.size, (page.number - 1) * page.size)


def _bounded(view: View, part: Part) -> Part:
    """Take `path:like:` a unit out of the filters: below it lies a range of the index."""
    for one in part.where:
        text = str(one.operands[0]) if one.name == "path" and one.operator in ("like", "ilike") else ""
        unit = view.known.org_units.get(text.rsplit("/", 1)[-1])
        if unit is not None and unit.path.endswith(text):
            return replace(part, within=[unit.path], where=[other for other in part.where if other is not one])
    return part


def _without_query(call: Call) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in call.pairs if pair[0] != "query")


def _translated(view: View, text: str) -> Where | None:
    """Return a filter as SQL answers it, or None when it cannot."""
    name, _, rest = text.partition(":")
    operator, _, operand = rest.partition(":")
    operator = operator.lower()
    if name == "level" and operator in _NUMBERS and operand.isascii() and operand.isdigit():
        return Where("level", operator, [int(operand)])
    if name == "id" and operator == "in":
        return Where("id", "in", [part.strip() for part in operand.strip("[]").split(",") if part.strip()])
    if name == "displayName" and not view.locale:
        name = "name"
    if name in ("id", "code", "name", "path") and operator in ("eq", "like", "ilike") and operand:
        return Where(name, operator, [operand])
    return None


def _read_part(session: Session, view: View, call: Call) -> Part:
    """Read what part of the tree is meant. Raises `Malformed`, `NotFound` for a parent that is not there."""
    if not any(name in call.given for name in _TREE):
        return Part()
    parent = call.given.get("parent", "")
    if parent and parent not in view.known.org_units:
        raise NotFound(f"OrganisationUnit with id {parent} could not be found.")
    own = _own(session, view, call)
    within: list[str] | None = None
    for name, scope in _SCOPES.items():
        if _flag(call, name):
            within = rights.paths(view.actor, scope)
    if own is not None and within is None and _flag(call, "includeDescendants"):
        within = [view.known.org_units[uid].path for uid in own if uid in view.known.org_units]
        own = None
    return Part(
        within=within,
        uids=None if own is None else _around(session, own, call),
        levels=[_number(call, "level")] if call.given.get("level") else (),
        deepest=_number(call, "maxLevel") if call.given.get("maxLevel") else 0,
        below=parent,
        query=call.given.get("query", "").strip(),
        by_level=_flag(call, "levelSorted"),
    )


_SCOPES: dict[str, rights.Scope] = {"withinUserHierarchy": "capture", "withinUserSearchHierarchy": "search"}


def _own(session: Session, view: View, call: Call) -> list[str] | None:
    """Return the units assigned to the caller, None when they are not asked for."""
    if not any(_flag(call, name) for name in ("userOnly", "userDataViewOnly", "userDataViewFallback")):
        return None
    doc = next(iter(users.documents(session, [view.actor.uid])), {})
    viewed = [reference(unit) for unit in doc.get("dataViewOrganisationUnits") or ()]
    if _flag(call, "userDataViewOnly"):
        return viewed
    if _flag(call, "userDataViewFallback"):
        return viewed or [unit.uid for unit in view.known.places.roots]
    return [reference(unit) for unit in doc.get("organisationUnits") or ()]


def _around(session: Session, uids: list[str], call: Call) -> list[str]:
    return org_units.around(
        session,
        uids,
        children=_flag(call, "includeChildren"),
        descendants=_flag(call, "includeDescendants"),
        ancestors=_flag(call, "includeAncestors"),
    )


def _flag(call: Call, name: str) -> bool:
    return flag(call.given, name, default=False)


def _number(call: Call, name: str) -> int:
    text = call.given[name].strip()
    if not (text.isascii() and text.isdigit() and int(text) < 1000):
        raise Malformed(f"Value '{text}' is not valid for parameter {name}. It must be a level's number")
    return int(text)


ROUTES: Routes = (
    ("GET", "/organisationUnits", list_units),
    ("GET", "/organisationUnits/{uid}", read_unit),
    ("GET", "/organisationUnits/{uid}/parents", list_parents),
    ("GET", "/filledOrganisationUnitLevels", list_filled_levels),
)
