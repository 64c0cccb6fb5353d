"""How documents name metadata: DHIS2's id schemes, from a request's parameters, a body, or a peer's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker_core.changes import AggregateTerms

PARAMETERS = {
    "data_element": "dataElementIdScheme",
    "org_unit": "orgUnitIdScheme",
    "data_set": "dataSetIdScheme",
    "category_option_combo": "categoryOptionComboIdScheme",
    "attribute_option_combo": "attributeOptionComboIdScheme",
    "category": "categoryIdScheme",
    "category_option": "categoryOptionIdScheme",
}
_STRATEGIES = {"NEW": "CREATE", "UPDATES": "UPDATE", "NEW_AND_UPDATES": "CREATE_AND_UPDATE", "DELETES": "DELETE"}
_STRICT = (
    "strictPeriods",
    "strictDataElements",
    "strictCategoryOptionCombos",
    "strictAttributeOptionCombos",
    "strictOrganisationUnits",
    "requireCategoryOptionCombo",
    "requireAttributeOptionCombo",
)


@dataclass(frozen=True, slots=True)
class Schemes:
    """One id scheme per kind of object: `UID`, `CODE`, `NAME` or `ATTRIBUTE:uid`."""

    data_element: str
    org_unit: str
    data_set: str
    category_option_combo: str
    attribute_option_combo: str
    category: str
    category_option: str

    def as_parameters(self) -> dict[str, str]:
        """Return the schemes as query parameters: every one of them, because receivers' defaults differ."""
        return {"idScheme": self.data_element} | {name: getattr(self, field) for field, name in PARAMETERS.items()}


def schemes(given: Mapping[str, Any], default: str) -> Schemes:
    """Read the schemes among `given`: a specific one wins over `idScheme`, that over `default`."""
    general = _scheme(given.get("idScheme")) or default
    return Schemes(**{field: _scheme(given.get(name)) or general for field, name in PARAMETERS.items()})


def terms(given: Mapping[str, Any], default: str) -> AggregateTerms:
    """Read the parameters of an import; what is not among them has DHIS2's default."""
    found = schemes(given, default)
    strategy = str(given.get("importStrategy") or "CREATE_AND_UPDATE").upper()
    strategy = _STRATEGIES.get(strategy, strategy)
    known = {"CREATE", "UPDATE", "CREATE_AND_UPDATE", "DELETE"}
    return AggregateTerms(
        **{field: getattr(found, field) for field in PARAMETERS},
        strategy=strategy if strategy in known else "CREATE_AND_UPDATE",  # type: ignore[arg-type]  # one of the four
        strict=frozenset(name for name in _STRICT if is_on(given.get(name))),
    )


def is_on(value: Any) -> bool:
    """Tell whether a parameter is switched on."""
    return str(value).lower() == "true"


def name(item: Mapping[str, Any], scheme: str) -> str | None:
    """Return what `item` (of `uid`, `code`, `name`) is called under a scheme; None when it has no such name."""
    found = item.get({"UID": "uid", "CODE": "code", "NAME": "name"}.get(scheme, ""))
    return str(found) if found else None


def _scheme(value: Any) -> str:
    text = str(value or "")
    prefix, colon, rest = text.partition(":")
    return f"{prefix.upper()}{colon}{rest}"
