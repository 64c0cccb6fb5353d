"""What people look at: dashboards, working lists, SQL views."""

import re
from collections.abc import Iterator
from typing import Any

from tracker_core.issues import Issue
from tracker_core.metadata.importing.incoming import Incoming, Prospect

_WIDEST = 60
_SELECT = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_ILLEGAL = re.compile(
    r"\b(?:alter|before|comment|create|delete|drop|execute|grant|insert|lock|merge|refresh|revoke|truncate|update|copy"
    r"|vacuum|call|do)\b",
    re.IGNORECASE,
)
_PROTECTED = re.compile(
    r"\b(?:user_account|user_setting|login_session|message|peer|userinfo|users|users_catdimensionconstraints"
    r"|userrole\w*|user_password\w*|oauth\w*|trackedentityattributevalue|trackedentitydatavalue\w*)\b",
    re.IGNORECASE,
)
_WITH_UNITS = ("SELECTED", "CHILDREN", "DESCENDANTS")


def dashboards(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4070 for a layout of too many columns."""
    for item in prospect.of("dashboards"):
        layout = item.doc.get("layout")
        columns = layout.get("columns") if isinstance(layout, dict) else None
        if isinstance(columns, list) and len(columns) > _WIDEST:
            yield item.fault("E4070", item.uid, str(len(columns)))


def sql_views(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4300 … E4311 for a view that is not one harmless select."""
    for item in prospect.of("sqlViews"):
        query = str(item.doc.get("sqlQuery") or "").strip()
        if not query:
            yield item.fault("E4300")
        elif _SELECT.match(query) is None:
            yield item.fault("E4301")
        elif ";" in query.removesuffix(";"):
            yield item.fault("E4302")
        elif _PROTECTED.search(query):
            yield item.fault("E4310")
        elif _ILLEGAL.search(query):
            yield item.fault("E4311")


def working_lists(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4062 … E4068 for the criteria of a working list that cannot be carried out."""
    for collection, name in (
        ("eventFilters", "eventQueryCriteria"),
        ("programStageWorkingLists", "programStageQueryCriteria"),
        ("trackedEntityInstanceFilters", "entityQueryCriteria"),
    ):
        for item in prospect.of(collection):
            criteria = item.doc.get(name)
            if not item.implied and isinstance(criteria, dict):
                yield from _criteria(prospect, item, criteria)


def _criteria(prospect: Prospect, item: Incoming, criteria: dict[str, Any]) -> Iterator[Issue]:
    if criteria.get("assignedUserMode") == "PROVIDED" and not criteria.get("assignedUsers"):
        yield item.fault("E4063")
    mode = criteria.get("ouMode")
    if mode in _WITH_UNITS and not (criteria.get("organisationUnit") or criteria.get("orgUnit")):
        yield item.fault("E4064", str(mode))
    for name, value in criteria.items():
        if isinstance(value, dict) and not _dated(value):
            yield item.fault("E4062", name)
    yield from _filters(prospect, item, criteria.get("dataFilters"), "dataItem", "dataElements", ("E4065", "E4066"))
    lists = criteria.get("attributeValueFilters")
    yield from _filters(prospect, item, lists, "attribute", "trackedEntityAttributes", ("E4067", "E4068"))


def _dated(period: dict[str, Any]) -> bool:
    return period.get("type") != "ABSOLUTE" or bool(period.get("startDate") or period.get("endDate"))


def _filters(
    prospect: Prospect, item: Incoming, filters: Any, name: str, collection: str, codes: tuple[str, str]
) -> Iterator[Issue]:
    for each in filters if isinstance(filters, list) else ():
        uid = each.get(name) if isinstance(each, dict) else None
        if not uid:
            yield item.fault(codes[0])
        elif not prospect.has(collection, str(uid)):
            yield item.fault(codes[1], str(uid), value=str(uid))
        if isinstance(each, dict) and isinstance(each.get("dateFilter"), dict) and not _dated(each["dateFilter"]):
            yield item.fault("E4062", str(uid))
