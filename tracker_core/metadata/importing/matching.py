"""Finding what each object of a payload replaces, and what its references by code mean."""

from collections.abc import Mapping
from typing import Any

from tracker_core.metadata import schema
from tracker_core.metadata.defaults import DEFAULTED, default_uid
from tracker_core.metadata.importing.incoming import Incoming, Package
from tracker_core.metadata.importing.options import Options
from tracker_core.metadata.model import Metadata
from tracker_core.uids import new_uid

Codes = dict[str, dict[str, str]]


def match(known: Metadata, package: Package, options: Options) -> None:
    """Give every object its uid and what is stored under it, and point references at uids.

    An object without an id is known by its code, whatever `options` say.
    """
    renamed = _adopt_defaults(known, package)
    codes = _codes(known, package, options)
    for item in package.items:
        found = _uid(known, item, codes, options)
        if item.uid and found != item.uid:
            renamed[item.uid] = found
        item.uid = found
        item.doc["id"] = found
        if stored := known.objects.get(item.type.collection, {}).get(found):
            item.pk, item.stored = stored.pk, stored.doc
    for item in package.items:
        _point(item, renamed, codes)


def _adopt_defaults(known: Metadata, package: Package) -> dict[str, str]:
    """Take the payload's `default` objects out; return their uids with ours."""
    ours = {collection: uid for collection in DEFAULTED if (uid := default_uid(known, collection))}
    renamed = {}
    for item in list(package.items):
        if item.type.collection in ours and "default" in (item.doc.get("name"), item.doc.get("code")):
            package.items.remove(item)
            if item.uid and item.uid != ours[item.type.collection]:
                renamed[item.uid] = ours[item.type.collection]
    return renamed


def _codes(known: Metadata, package: Package, options: Options) -> Codes:
    """Map collection -> code -> uid, for the types that the payload may name by code."""
    made: Codes = {}
    if options.identifier == "UID" and all(item.uid for item in package.items):
        return made
    for collection, held in known.objects.items():
        type = schema.find(collection)
        if type is not None and not type.repeated_codes:
            made[collection] = {found.code: found.uid for found in held.values() if found.code}
    for item in package.items:
        if item.uid and item.doc.get("code") and not item.type.repeated_codes:
            made.setdefault(item.type.collection, {}).setdefault(str(item.doc["code"]), item.uid)
    return made


def _uid(known: Metadata, item: Incoming, codes: Codes, options: Options) -> str:
    by_code = codes.get(item.type.collection, {}).get(str(item.doc.get("code") or ""), "")
    stands = options.identifier == "UID" or item.uid in known.objects.get(item.type.collection, {})
    if item.uid and (stands or not by_code) and options.identifier != "CODE":
        return item.uid
    return by_code or item.uid or new_uid()


def _point(item: Incoming, renamed: Mapping[str, str], codes: Codes) -> None:
    """Replace renamed uids, and give references by code the uid of what they name."""
    if not renamed and not codes:
        return
    for reference in schema.references(item.type, item.doc):
        value = reference.value
        if isinstance(value, dict):
            _settle(value, codes.get(reference.target, {}), renamed)


def _settle(value: dict[str, Any], codes: Mapping[str, str], renamed: Mapping[str, str]) -> None:
    uid = value.get("id")
    if uid in renamed:
        value["id"] = renamed[str(uid)]
    elif uid is None and (found := codes.get(str(value.get("code")))):
        value["id"] = found
