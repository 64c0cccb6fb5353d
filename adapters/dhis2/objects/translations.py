"""`display…` properties: the property they show, in the caller's language (Web API 2.42, "Metadata endpoints")."""

from collections.abc import Mapping
from typing import Any

from adapters.dhis2.objects.view import Document, View

_PREFIX = "display"
# What `translations` call a property, where it is not its name in capitals.
_KEYS = {
    "fromToName": "RELATIONSHIP_FROM_TO_NAME",
    "toFromName": "RELATIONSHIP_TO_FROM_NAME",
}
# Shown in place of a property that has no value.
_INSTEAD = {"formName": "name", "shortName": "name"}


def shown_property(name: str) -> str:
    """Return the property that `name` displays (`displayFormName` -> `formName`), empty for any other name."""
    rest = name.removeprefix(_PREFIX)
    return rest[:1].lower() + rest[1:] if rest != name and rest[:1].isupper() else ""


def translation_key(name: str) -> str:
    """Return what `translations` call the property `name`: `formName` is `FORM_NAME`."""
    spelled = "".join(f"_{letter}" if letter.isupper() else letter for letter in name).upper()
    return _KEYS.get(name, spelled)


def displayed(view: View, doc: Document, name: str, key: str) -> Any:
    """Return the value of `name` in the caller's language, else as it stands, else of what stands in for it."""
    if view.locale and (found := _translation(doc, view.locale, key)):
        return found
    value = doc.get(name)
    if value in (None, "") and name in _INSTEAD:
        instead = _INSTEAD[name]
        return displayed(view, doc, instead, translation_key(instead))
    return value


def _translation(doc: Document, locale: str, key: str) -> str | None:
    """Find a translation into `locale`; of `pt_BR` into `pt` when there is none."""
    language = locale.partition("_")[0]
    fallback = None
    for item in doc.get("translations") or ():
        if isinstance(item, Mapping) and str(item.get("property")).upper() == key:
            if item.get("locale") == locale:
                return _text(item)
            if item.get("locale") == language:
                fallback = _text(item)
    return fallback


def _text(item: Mapping[str, Any]) -> str | None:
    value = item.get("value")
    return value if isinstance(value, str) else None
