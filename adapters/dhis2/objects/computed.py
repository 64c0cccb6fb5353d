"""Properties that no document holds: read off other properties, other objects, or the caller (Web API 2.42)."""

from collections.abc import Callable, Sequence
from typing import Any

from adapters.dhis2.objects.rights import may_change, may_delete
from adapters.dhis2.objects.translations import displayed, shown_property, translation_key
from adapters.dhis2.objects.view import UNITS, USERS, Document, Show, View
from tracker_core.access import access_of, sharing_of
from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.schema import Property, Type

_DEFAULT = "default"
# A part that shows properties of the object it places.
_PLACED = {
    "programTrackedEntityAttributes": "trackedEntityAttribute",
    "trackedEntityTypeAttributes": "trackedEntityAttribute",
}


def computed(type: Type, name: str) -> Show | None:
    """Return how to read the computed property `name` of `type`, or None when documents hold it."""
    found = _OF_TYPE.get((type.collection, name)) or (None if type.part else _OF_ALL.get(name))
    if found is not None:
        return found(type)
    shown = shown_property(name)
    described = type.properties.get(name)
    if shown and (described is None or not described.owner):
        return _display(shown)
    return None


def _display(name: str) -> Show:
    key = translation_key(name)
    return lambda view, doc: displayed(view, doc, name, key)


def mirrored(type: Type, found: Property) -> Callable[[View, Document], Sequence[str]]:
    """Return how to find the uids of a reference that the other side holds."""
    if type.collection == UNITS and found.name == "children":
        return lambda view, doc: view.indexes.children.get(doc.get("id", ""), ())
    if type.collection == UNITS and found.name == "ancestors":
        return lambda _view, doc: _above(doc)
    target, mirror = found.target, found.mirror
    if not mirror:
        return lambda _view, doc: [reference(item) for item in _listed(doc.get(found.name))]
    if target == USERS:
        return lambda view, doc: [
            str(user["id"])
            for user in view.everything(USERS)
            if str(doc.get("id")) in map(reference, _listed(user.get(mirror)))
        ]
    return lambda view, doc: view.indexes.mirror(target, mirror).get(doc.get("id", ""), ())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _access(type: Type) -> Show:
    shared = type.collection if type.data_shareable else ""

    def read(view: View, doc: Document) -> dict[str, Any]:
        change, delete = may_change(view, type), may_delete(view, type)
        return access_of(view.actor, shared, doc, change=change, delete=delete)

    return read


def _href(type: Type) -> Show:
    return lambda view, doc: f"{view.base}/{type.collection}/{doc.get('id')}"


def _sharing(read: Callable[[dict[str, Any]], Any]) -> Callable[[Type], Show]:
    return lambda _type: lambda _view, doc: read(sharing_of(doc))


def _entries(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda sharing: [{"id": uid, **entry} for uid, entry in sharing[name].items()]


def _favourites(doc: Document) -> list[str]:
    return [str(item) for item in doc.get("favorites") or ()]


def _unit_field(name: str) -> Callable[[Type], Show]:
    return lambda _type: lambda _view, doc: doc.get(name)


def _parent(_type: Type) -> Show:
    def read(_view: View, doc: Document) -> Any:
        above = _above(doc)
        return {"id": above[-1]} if above else None

    return read


def _above(doc: Document) -> list[str]:
    """Return the uids from the root to the parent of a unit; of one that is elsewhere nothing is known."""
    return str(doc.get("path") or "").split("/")[1:-1]


def _form_type(_type: Type) -> Show:
    """A custom form comes first, then sections, then the default."""

    def read(_view: View, doc: Document) -> str:
        if doc.get("dataEntryForm"):
            return "CUSTOM"
        return "SECTION" if doc.get("programStageSections") or doc.get("sections") else "DEFAULT"

    return read


def _placed(name: str) -> Callable[[Type], Show]:
    """A property of the attribute that a part places: its names and its value type."""

    def of(type: Type) -> Show:
        holder = _PLACED[type.collection]
        target = type.properties[holder].target
        shown = shown_property(name)
        key = translation_key(shown)

        def read(view: View, doc: Document) -> Any:
            found = view.find(target, reference(doc.get(holder)))
            if found is None:
                return doc.get(name)
            return displayed(view, found, shown, key) if shown else found.get(name)

        return read

    return of


def _criterion(name: str) -> Callable[[Type], Show]:
    return lambda _type: lambda _view, doc: (doc.get("entityQueryCriteria") or {}).get(name)


def _has(name: str) -> Callable[[Type], Show]:
    return lambda _type: lambda _view, doc: doc.get(name) is not None


def _registers(wanted: bool) -> Callable[[Type], Show]:
    return lambda _type: lambda _view, doc: (doc.get("programType") == "WITH_REGISTRATION") is wanted


def _own_id(_type: Type) -> Show:
    return lambda _view, doc: doc.get("id")


def _item_type(type: Type) -> Show:
    spelled = translation_key(type.name[:1].lower() + type.name[1:])
    return lambda _view, _doc: spelled


def _is_default(_type: Type) -> Show:
    return lambda _view, doc: doc.get("name") == _DEFAULT


def _first_legend_set(_type: Type) -> Show:
    return lambda _view, doc: doc.get("legendSet") or next(iter(doc.get("legendSets") or ()), None)


_OF_ALL: dict[str, Callable[[Type], Show]] = {
    "access": _access,
    "href": _href,
    "sharing": lambda type: lambda _view, doc: sharing_of(doc) if type.shareable else doc.get("sharing"),
    "publicAccess": _sharing(lambda sharing: sharing["public"]),
    "externalAccess": _sharing(lambda sharing: sharing["external"]),
    "userAccesses": _sharing(_entries("users")),
    "userGroupAccesses": _sharing(_entries("userGroups")),
    "favorites": lambda _type: lambda _view, doc: _favourites(doc),
    "favorite": lambda _type: lambda view, doc: view.actor.uid in _favourites(doc),
    "user": lambda _type: lambda _view, doc: doc.get("user") or doc.get("createdBy"),
}
_OF_TYPE: dict[tuple[str, str], Callable[[Type], Show]] = {
    (UNITS, "parent"): _parent,
    (UNITS, "leaf"): lambda _type: lambda view, doc: not view.indexes.children.get(doc.get("id", "")),
    (UNITS, "path"): _unit_field("path"),
    (UNITS, "level"): _unit_field("level"),
    ("programStages", "formType"): _form_type,
    ("dataSets", "formType"): _form_type,
    ("programs", "registration"): _registers(wanted=True),
    ("programs", "withoutRegistration"): _registers(wanted=False),
    ("dataElements", "optionSetValue"): _has("optionSet"),
    ("trackedEntityAttributes", "optionSetValue"): _has("optionSet"),
    ("categoryCombos", "isDefault"): _is_default,
    ("categoryOptions", "isDefault"): _is_default,
    **{
        ("trackedEntityInstanceFilters", name): _criterion(name)
        for name in ("enrollmentStatus", "enrollmentCreatedPeriod")
    },
    ("trackedEntityInstanceFilters", "followup"): _criterion("followUp"),
    **{(part, name): _placed(name) for part in _PLACED for name in ("displayName", "displayShortName", "valueType")},
    **{
        (type.collection, name): read
        for type in schema.TYPES.values()
        for name, read in (
            ("dimensionItem", _own_id),
            ("dimensionItemType", _item_type),
            ("dimension", _own_id),
            ("legendSet", _first_legend_set),
        )
        if name in type.properties and not type.properties[name].owner
    },
}
