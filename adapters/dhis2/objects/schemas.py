"""`/api/schemas`: the description of the types, in DHIS2's words, and the checking of a document against it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.fields import parse_fields, select
from adapters.dhis2.objects.opening import base_of
from adapters.dhis2.objects.reports import error_report
from adapters.dhis2.objects.translations import translation_key
from adapters.dhis2.webmessage import web_message
from tracker_core import metadata
from tracker_core.errors import NotFound
from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.checks import properties
from tracker_core.metadata.importing.incoming import Incoming, Prospect
from tracker_core.metadata.schema import TYPES, Authorities, Property, Type
from tracker_core.uids import new_uid

# What DHIS2 calls a kind of property: (propertyType, Java class).
_KINDS: Mapping[str, tuple[str, str]] = {
    "text": ("TEXT", "java.lang.String"),
    "texts": ("TEXT", "java.lang.String"),
    "boolean": ("BOOLEAN", "java.lang.Boolean"),
    "integer": ("INTEGER", "java.lang.Integer"),
    "integers": ("INTEGER", "java.lang.Integer"),
    "number": ("NUMBER", "java.lang.Double"),
    "date": ("DATE", "java.util.Date"),
    "datetime": ("DATE", "java.util.Date"),
    "enum": ("CONSTANT", "java.lang.Enum"),
    "enums": ("CONSTANT", "java.lang.Enum"),
    "color": ("COLOR", "java.lang.String"),
    "email": ("EMAIL", "java.lang.String"),
    "url": ("URL", "java.lang.String"),
    "phone": ("PHONENUMBER", "java.lang.String"),
    "password": ("PASSWORD", "java.lang.String"),
    "geometry": ("GEOLOCATION", "org.locationtech.jts.geom.Geometry"),
    "json": ("COMPLEX", "com.fasterxml.jackson.databind.JsonNode"),
    "ref": ("REFERENCE", ""),
    "refs": ("REFERENCE", ""),
    "part": ("COMPLEX", ""),
    "parts": ("COMPLEX", ""),
}
_SIMPLE = ("ref", "refs", "part", "parts", "json", "geometry")
_TRANSLATED = ("text",)
_IDENTIFIERS = ("id", "code")


def list_schemas(_access: Access, call: Call) -> Reply:
    """Every type that is served."""
    fields = parse_fields(call.given.get("fields") or ":all")
    return Reply({"schemas": [select(fields, _described(name, base_of(call))) for name in TYPES]})


def read_schema(_access: Access, call: Call) -> Reply:
    """One type, by its singular or plural name."""
    type = _asked(call)
    fields = parse_fields(call.given.get("fields") or ":all")
    return Reply(select(fields, _described(type.collection, base_of(call))))


def check_object(access: Access, call: Call) -> Reply:
    """Check a document against the description of its type without storing it: 200, or 400 with every error."""
    type, doc = _asked(call), read_object(call)
    with access.session() as session:
        prospect = Prospect(metadata.load(session), [Incoming(type, reference(doc) or new_uid(), doc)])
    reports = [error_report(type, issue) for issue in properties.check(prospect)]
    status = 400 if reports else 200
    return Reply(web_message(status, response={"responseType": "ErrorReports", "errorReports": reports}), status)


def _asked(call: Call) -> Type:
    name = call.captured["name"]
    found = schema.by_singular(name) or TYPES.get(name)
    if found is None:
        raise NotFound(f"Type {name} does not exist.")
    return found


@lru_cache(maxsize=512)
def _described(collection: str, base: str) -> dict[str, Any]:
    type = TYPES[collection]
    address = f"{base}/{collection}"
    return {
        "klass": type.klass,
        "name": type.singular,
        "displayName": _spaced(type.name),
        "singular": type.singular,
        "plural": collection,
        "collectionName": collection,
        "relativeApiEndpoint": f"/{collection}",
        "apiEndpoint": address,
        "href": f"{base}/schemas/{type.singular}",
        "metadata": True,
        "persisted": True,
        "identifiableObject": True,
        "nameableObject": type.nameable,
        "embeddedObject": type.within is not None,
        "shareable": type.shareable,
        "dataShareable": type.data_shareable,
        "translatable": type.translatable,
        "authorities": _authorities(type.authorities),
        "properties": [_property(type, found, base) for found in type.properties.values()],
    }


def _spaced(name: str) -> str:
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).strip()


def _authorities(given: Authorities) -> list[dict[str, Any]]:
    named = (
        ("CREATE_PUBLIC", given.public),
        ("CREATE_PRIVATE", given.private),
        ("UPDATE", given.update),
        ("DELETE", given.delete),
    )
    return [{"type": name, "authorities": list(words)} for name, words in named if words]


def _property(type: Type, found: Property, base: str) -> dict[str, Any]:
    kind, klass = _KINDS[found.kind]
    if found.name in _IDENTIFIERS and found.kind == "text":
        kind = "IDENTIFIER"
    target = schema.structure(found.target) if found.target else None
    item = target.klass if target else klass
    described: dict[str, Any] = {
        "name": found.name,
        "fieldName": found.name,
        "displayName": _spaced(found.name[:1].upper() + found.name[1:]),
        "propertyType": "COLLECTION" if found.many else kind,
        "klass": "java.util.List" if found.many else item,
        "collection": found.many,
        "simple": found.kind not in _SIMPLE,
        "persisted": found.owner,
        "owner": found.owner,
        "readable": True,
        "writable": found.owner,
        "required": found.required,
        "unique": found.unique,
        "ordered": found.many,
        "attribute": False,
        "identifiableObject": bool(target) and not (target and target.part),
        "embeddedObject": found.kind in ("part", "parts"),
        "translatable": type.translatable and found.owner and found.kind in _TRANSLATED,
    }
    if found.many:
        described |= {"itemKlass": item, "itemPropertyType": kind, "collectionName": found.name}
    return described | _limits(found) | _leading(found, base, translatable=described["translatable"])


def _limits(found: Property) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if found.values:
        limits["constants"] = list(found.values)
    if found.low is not None:
        limits["min"] = found.low
    if found.high is not None:
        limits |= {"max": found.high, "length": found.high}
    if found.default is not None and found.kind not in ("ref", "refs"):
        limits["defaultValue"] = found.default
    return limits


def _leading(found: Property, base: str, *, translatable: bool) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if found.target in TYPES:
        more |= {"relativeApiEndpoint": f"/{found.target}", "apiEndpoint": f"{base}/{found.target}"}
        more["href"] = f"{base}/schemas/{TYPES[found.target].singular}"
    if found.mirror:
        more["inverseRole"] = found.mirror
    if translatable:
        more["translationKey"] = translation_key(found.name)
    return more


ROUTES: Routes = (
    ("GET", "/schemas", list_schemas),
    ("GET", "/schemas/{name}", read_schema),
    ("POST", "/schemas/{name}", check_object),
)
