"""MeasureReport (FHIR R4, IHE mADX): one summary report per org unit and period, dimensions as stratum components.

Names go by identifier systems `urn:dhis2:<collection>:<scheme>`, so that a reader knows which scheme was meant.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import groupby

import msgspec

from adapters.aggregate.adx import named
from adapters.aggregate.schemes import Schemes
from mappings.measure_reports import ATTRIBUTES, COMBO, Json, reports
from tracker_core import periods
from tracker_core.errors import Malformed, Unsupported

CONTENT_TYPE = "application/fhir+json"
_POPULATION = {"system": "http://terminology.hl7.org/CodeSystem/measure-population", "code": "initial-population"}
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
    if cell[COMBO] and not pairs:
        pairs = [_combo(COMBO, schemes.category_option_combo, cell[COMBO])]
    if cell[ATTRIBUTES]:
        pairs.append(_combo(ATTRIBUTES, schemes.attribute_option_combo, cell[ATTRIBUTES]))
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
