"""MeasureReport (FHIR R4, IHE mADX): one summary report per org unit and period, dimensions as stratum components.

Names go by identifier systems `urn:dhis2:<collection>:<scheme>`, so that a reader knows which scheme was meant.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

import msgspec

from adapters.aggregate.adx import named
from adapters.aggregate.schemes import Schemes
from tracker_core import periods
from tracker_core.changes import AggregateChange, AggregateTerms
from tracker_core.errors import Malformed, Unsupported

CONTENT_TYPE = "application/fhir+json"
_POPULATION = {"system": "http://terminology.hl7.org/CodeSystem/measure-population", "code": "initial-population"}
_COMBO = "categoryOptionCombo"
_ATTRIBUTES = "attributeOptionCombo"
Json = dict[str, Any]
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def parse(raw: bytes) -> Json:
    """Return a MeasureReport or a Bundle of them; decimals keep their digits. Raises `Malformed`, `Unsupported`."""
    try:
        document = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed("not a FHIR resource")
    for where, report in reports(document):
        if report.get("resourceType") != "MeasureReport":
            raise Unsupported(f"{report.get('resourceType')} is not taken here, only MeasureReport", where)
        if report.get("type") != "summary":
            raise Unsupported("only reports of type summary hold numbers to take", f"{where}.type")
    return document


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
            category_option_combo=components.pop(_COMBO, ""),
            attribute_option_combo=components.pop(_ATTRIBUTES, ""),
            categories=components,
            where=place,
            **head,
        )


def write(cells: Sequence[Json], data_set: Json | None, schemes: Schemes, made: str, base: str) -> bytes:
    """Return the cells as a MeasureReport, or as a collection Bundle where they are of several org units or periods.

    `base` is put before the data set's name to make the canonical URL of the measure. FHIR has no deletions here: a
    deleted cell is written as 0. Raises `Unsupported` for values that are no numbers.
    """
    found = [
        _report(list(members), data_set, schemes, made, base)
        for _, members in groupby(cells, key=lambda cell: (cell["orgUnit"]["uid"], cell["period"]))
    ]
    if len(found) == 1:
        return _encoder.encode(found[0])
    return _encoder.encode(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": item} for item in found]}
    )


def _report(cells: list[Json], data_set: Json | None, schemes: Schemes, made: str, base: str) -> Json:
    period = periods.parse(cells[0]["period"])
    owner = data_set or cells[0]["dataSet"]
    if period is None or owner is None:
        raise Unsupported("a MeasureReport needs a period and the data set that its measure stands for")
    unit = cells[0]["orgUnit"]
    location = {
        "system": f"urn:dhis2:organisationUnits:{schemes.org_unit}",
        "value": named(unit, schemes.org_unit, "the org unit"),
    }
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": base + named(owner, schemes.data_set, "the data set"),
        "subject": {"type": "Location", "identifier": location, "display": unit["name"]},
        "date": made,
        "period": {"start": period.start.isoformat(), "end": period.end.isoformat()},
        "group": [
            _group_of(list(members), schemes)
            for _, members in groupby(cells, key=lambda cell: str(cell["dataElement"]["uid"]))
        ],
    }


def _group_of(cells: list[Json], schemes: Schemes) -> Json:
    element = cells[0]["dataElement"]
    group: Json = {
        "code": _concept("dataElements", schemes.data_element, element),
        "population": [{"code": {"coding": [_POPULATION]}, "count": int(sum(_decimal(cell) for cell in cells))}],
    }
    plain = len(cells) == 1 and not _components(cells[0], schemes)
    if plain:
        return group | {"measureScore": {"value": _decimal(cells[0])}}
    strata = [{"component": _components(cell, schemes), "measureScore": {"value": _decimal(cell)}} for cell in cells]
    return group | {"stratifier": [{"stratum": strata}]}


def _components(cell: Json, schemes: Schemes) -> list[Json]:
    pairs = [
        {
            "code": _concept("categories", schemes.category, category),
            "value": _concept("categoryOptions", schemes.category_option, option),
        }
        for category, option in cell["categories"]
    ]
    if cell[_COMBO] and not pairs:
        pairs = [_combo(_COMBO, schemes.category_option_combo, cell[_COMBO])]
    if cell[_ATTRIBUTES]:
        pairs.append(_combo(_ATTRIBUTES, schemes.attribute_option_combo, cell[_ATTRIBUTES]))
    return pairs


def _combo(code: str, scheme: str, combo: Json) -> Json:
    return {"code": {"coding": [{"code": code}]}, "value": _concept("categoryOptionCombos", scheme, combo)}


def _concept(collection: str, scheme: str, item: Json) -> Json:
    code = named(item, scheme, "an object")
    return {"coding": [{"system": f"urn:dhis2:{collection}:{scheme}", "code": code}], "text": item["name"]}


def _decimal(cell: Json) -> Decimal:
    try:
        return Decimal(cell["value"] if cell["value"] is not None else "0")
    except InvalidOperation as error:
        raise Unsupported(f"a MeasureReport holds numbers, not {cell['value']!r}") from error


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
