"""Sharing and translations, which many types have."""

import re
from collections.abc import Iterator
from typing import Any

from tracker_core.issues import Issue
from tracker_core.metadata.importing.incoming import Incoming, Prospect

_ACCESS = re.compile(r"(?:r|-)(?:w|-)(?:r|-)(?:w|-)----\Z")


def sharing(prospect: Prospect) -> Iterator[Issue]:
    """Yield E3010 for what is no access string, E3011 for one that shares data of a type without any."""
    for item in prospect.items:
        given = item.doc.get("sharing")
        if item.implied or not isinstance(given, dict):
            continue
        for access in _strings(given):
            if not isinstance(access, str) or _ACCESS.match(access) is None:
                yield item.fault("E3010", str(access), value=str(access))
            elif not item.type.data_shareable and item.stored is None and access[2:4] != "--" and item.type.shareable:
                yield item.fault("E3011", item.type.name)


def _strings(given: dict[str, Any]) -> Iterator[Any]:
    if given.get("public"):
        yield given["public"]
    for name in ("users", "userGroups"):
        entries = given.get(name)
        for entry in entries.values() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and entry.get("access"):
                yield entry["access"]


def translations(prospect: Prospect) -> Iterator[Issue]:
    """Yield E1106 for a second translation of a property into one language."""
    for item in prospect.items:
        if not item.implied:
            yield from _twice(item)


def _twice(item: Incoming) -> Iterator[Issue]:
    seen = set()
    listed = item.doc.get("translations")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            key = (entry.get("property"), entry.get("locale"))
            if key in seen:
                yield item.fault("E1106", str(key[0]), str(key[1]), item.type.name, item.uid)
            seen.add(key)
