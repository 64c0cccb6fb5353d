"""Which object it is: uids said once, unique properties, and what the strategy allows."""

from collections.abc import Iterator

from tracker_core.issues import Issue
from tracker_core.metadata.importing.incoming import Incoming, Key, Prospect
from tracker_core.metadata.importing.options import Strategy


def repeated(prospect: Prospect) -> Iterator[Issue]:
    """Yield E5004 for a uid that stands on more than one object of a type."""
    seen: set[Key] = set()
    for item in prospect.items:
        if item.key in seen:
            yield item.fault("E5004", item.uid, item.type.collection)
        seen.add(item.key)


def taken(prospect: Prospect) -> Iterator[Issue]:
    """Yield E5003 for a unique value that another object has, stored or in the payload."""
    for collection in dict.fromkeys(item.type.collection for item in prospect.items):
        items = [item for item in prospect.of(collection) if not item.implied]
        for found in items[0].type.properties.values() if items else ():
            if found.unique and found.owner:
                yield from _taken(prospect, items, found.name)


def _taken(prospect: Prospect, items: list[Incoming], name: str) -> Iterator[Issue]:
    collection = items[0].type.collection
    moving = {item.uid for item in items}
    given = [(item, value) for item in items if isinstance(value := item.doc.get(name), str) and value]
    if not given:
        return
    stored = prospect.known.objects.get(collection, {}).values()
    owners = {found.doc.get(name): found.uid for found in stored if found.uid not in moving}
    for item, value in given:
        owner = owners.setdefault(value, item.uid)
        if owner != item.uid:
            yield item.fault("E5003", name, value, item.uid, owner, value=value)


def allowed(prospect: Prospect, strategy: Strategy) -> Iterator[Issue]:
    """Yield E5000 for an object that is there when only new ones may come, E5001 for one that is not otherwise."""
    for item in prospect.items:
        if item.implied:
            continue
        named = str(item.doc.get("name") or item.uid)
        if strategy == "CREATE" and item.stored is not None:
            yield item.fault("E5000", item.uid, named)
        if strategy in ("UPDATE", "DELETE") and item.stored is None:
            yield item.fault("E5001", item.uid, named)
