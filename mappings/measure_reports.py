"""MeasureReports as aggregate values: which number each stratum and group says, of what, where and when (IHE mADX).

Names go by identifier systems `urn:dhis2:<collection>:<scheme>`; a reader that gets none takes any name.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from tracker_core import periods
from tracker_core.changes import AggregateChange, AggregateTerms

COMBO = "categoryOptionCombo"
ATTRIBUTES = "attributeOptionCombo"
Json = dict[str, Any]


def reports(document: Json) -> list[tuple[str, Json]]:
    """Return each report with its FHIRPath."""
    if document.get("resourceType") != "Bundle":
        return [("MeasureReport", document)]
    entries = document.get("entry") or []
    return [(f"Bundle.entry[{n}].resource", _object(_object(entry).get("resource"))) for n, entry in enumerate(entries)]


def read(document: Json, terms: AggregateTerms) -> Iterator[AggregateChange]:
    """Yield every number: the score of each stratum, and of a group without strata its population count."""
    for where, report in reports(document):
        measure = str(report.get("measure", "")).partition("|")[0]
        head = {
            "period": _period(_object(report.get("period"))),
            "org_unit": _subject(report),
            "data_set": measure.rsplit("/", 1)[-1].rsplit(":", 1)[-1],
            "terms": terms,
        }
        for n, group in enumerate(_list(report.get("group"))):
            yield from _group(group, head, f"{where}.group[{n}]")


def _group(group: Json, head: Json, where: str) -> Iterator[AggregateChange]:
    element = _code(group.get("code"))
    strata = [
        (f"{where}.stratifier[{s}].stratum[{t}]", stratum)
        for s, stratifier in enumerate(_list(group.get("stratifier")))
        for t, stratum in enumerate(_list(stratifier.get("stratum")))
    ]
    if not strata:
        counts = [population.get("count") for population in _list(group.get("population"))]
        score = _object(group.get("measureScore")).get("value")
        value = score if score is not None else next((count for count in counts if count is not None), None)
        yield AggregateChange(data_element=element, value=_number(value), where=where, **head)
    for place, stratum in strata:
        components = {_code(c.get("code")): _code(c.get("value")) for c in _list(stratum.get("component"))}
        yield AggregateChange(
            data_element=element,
            value=_number(_object(stratum.get("measureScore")).get("value")),
            category_option_combo=components.pop(COMBO, ""),
            attribute_option_combo=components.pop(ATTRIBUTES, ""),
            categories=components,
            where=place,
            **head,
        )


def _period(period: Json) -> str:
    """Return the identifier of the period with these days; what fits none is kept as it is written, to be reported."""
    start, end = str(period.get("start", "")), str(period.get("end", ""))
    try:
        found = periods.from_dates("", date.fromisoformat(start[:10]), date.fromisoformat(end[:10]))
    except ValueError:
        found = None
    return found.id if found else f"{start}/{end}"


def _subject(report: Json) -> str:
    """Return what the subject (else the reporter) is known by: its identifier, that of a contained Location, its id."""
    for reference in (_object(report.get("subject")), _object(report.get("reporter"))):
        text = str(reference.get("reference", ""))
        inside = [c for c in _list(report.get("contained")) if text == f"#{c.get('id')}"]
        identifiers = [reference.get("identifier"), *(i for c in inside for i in _list(c.get("identifier")))]
        found = next((str(_object(i)["value"]) for i in identifiers if _object(i).get("value")), "")
        if found or text:
            return found or text.rpartition("/")[2]
    return ""


def _code(concept: Any) -> str:
    return next((str(c["code"]) for c in _list(_object(concept).get("coding")) if c.get("code")), "")


def _number(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value) if isinstance(value, int) else ""


def _list(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
