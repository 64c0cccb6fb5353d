"""The DHIS2 metadata that a case report needs: a payload for `/api/metadata`, here and at the receiver alike."""

import hashlib
import string
from itertools import product
from typing import Any

from tracker_core.aggregates.definitions import Axis, Definition

_LETTERS = string.ascii_letters
_ALL = string.ascii_letters + string.digits


def metadata_of(definition: Definition) -> dict[str, list[dict[str, Any]]]:
    """Return data elements, their category model and the data set that `definition` names by code.

    The same definition gives the same uids everywhere, so that hubs which both import it agree on uids and codes. It is
    for new indicators: where a country has its own data elements, the definition names those instead.
    """
    axes = [axis for axis in (definition.age, definition.sex) if axis]
    options = {option: _named("categoryOption", option) for axis in axes for option in axis.options.values()}
    combo = _combo(axes)
    elements = [_element(group.data_element, combo) for group in definition.groups]
    payload: dict[str, list[dict[str, Any]]] = {
        "dataElements": elements,
        "dataSets": [
            _named("dataSet", definition.data_set)
            | {
                "name": definition.name,
                "shortName": definition.name[:50],
                "periodType": definition.period_type,
                "dataSetElements": [{"dataElement": _reference(element)} for element in elements],
            }
        ],
    }
    if combo is not None:
        payload |= {
            "categoryOptions": list(options.values()),
            "categories": [_category(axis, options) for axis in axes],
            "categoryCombos": [combo],
            "categoryOptionCombos": [
                _option_combo(combo, c, options) for c in product(*(a.options.values() for a in axes))
            ],
        }
    return payload


def uid_for(kind: str, code: str) -> str:
    """Return the uid that everyone derives for an object of this kind and code."""
    number = int.from_bytes(hashlib.sha256(f"{kind}:{code}".encode()).digest()[:12])
    number, first = divmod(number, len(_LETTERS))
    digits = []
    for _ in range(10):
        number, digit = divmod(number, len(_ALL))
        digits.append(_ALL[digit])
    return _LETTERS[first] + "".join(digits)


def _named(kind: str, code: str) -> dict[str, Any]:
    return {"id": uid_for(kind, code), "code": code, "name": code, "shortName": code[:50]}


def _reference(item: dict[str, Any]) -> dict[str, str]:
    return {"id": item["id"]}


def _combo(axes: list[Axis]) -> dict[str, Any] | None:
    if not axes:
        return None
    code = " × ".join(f"{axis.category} ({', '.join(axis.options.values())})" for axis in axes)
    uid = uid_for("categoryCombo", code)
    categories = [{"id": uid_for("category", axis.category)} for axis in axes]
    name = " × ".join(axis.category for axis in axes)
    return {
        "id": uid,
        "code": uid,
        "name": f"{name} {uid}",
        "dataDimensionType": "DISAGGREGATION",
        "categories": categories,
    }


def _category(axis: Axis, options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    members = [_reference(options[option]) for option in axis.options.values()]
    return _named("category", axis.category) | {"dataDimensionType": "DISAGGREGATION", "categoryOptions": members}


def _option_combo(combo: dict[str, Any], chosen: tuple[str, ...], options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    code = ", ".join(chosen)
    uid = uid_for("categoryOptionCombo", f"{combo['id']}:{code}")
    members = [_reference(options[option]) for option in chosen]
    return {"id": uid, "name": code, "categoryCombo": _reference(combo), "categoryOptions": members}


def _element(code: str, combo: dict[str, Any] | None) -> dict[str, Any]:
    element = _named("dataElement", code) | {
        "domainType": "AGGREGATE",
        "valueType": "INTEGER_ZERO_OR_POSITIVE",
        "aggregationType": "SUM",
        "zeroIsSignificant": True,
    }
    return element | ({"categoryCombo": _reference(combo)} if combo else {})
