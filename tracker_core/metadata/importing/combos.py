"""The option combos of category combos: one for each choice of an option per category, made where none is there."""

from collections.abc import Iterator
from itertools import product

from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Prospect
from tracker_core.metadata.importing.options import Document
from tracker_core.uids import new_uid

_COMBOS, _OPTION_COMBOS = "categoryCombos", "categoryOptionCombos"
Choice = tuple[str, frozenset[str]]


def generate(prospect: Prospect) -> None:
    """Make the option combos that are missing for the category combos which the import makes or changes."""
    affected = dict.fromkeys(_affected(prospect))
    if not affected:
        return
    here = _here(prospect)
    for combo in affected:
        doc = prospect.find(_COMBOS, combo) or {}
        for chosen in product(*(_options(prospect, uid) for uid in _uids(doc.get("categories")))):
            if chosen and (combo, frozenset(chosen)) not in here:
                prospect.add(_made(prospect, combo, chosen))


def _affected(prospect: Prospect) -> Iterator[str]:
    changed = {item.uid for item in prospect.of("categories") if item.stored != item.doc}
    for item in prospect.of(_COMBOS):
        if item.stored != item.doc:
            yield item.uid
    for found in prospect.known.objects.get(_COMBOS, {}).values():
        if changed and not changed.isdisjoint(_uids(found.doc.get("categories"))):
            yield found.uid


def _here(prospect: Prospect) -> set[Choice]:
    """Return the choices that have an option combo, in the payload or stored."""
    docs = [item.doc for item in prospect.of(_OPTION_COMBOS)]
    docs += [found.doc for found in prospect.known.objects.get(_OPTION_COMBOS, {}).values()]
    return {(reference(doc.get("categoryCombo")), frozenset(_uids(doc.get("categoryOptions")))) for doc in docs}


def _options(prospect: Prospect, category: str) -> list[str]:
    doc = prospect.find("categories", category) or {}
    return _uids(doc.get("categoryOptions"))


def _uids(listed: object) -> list[str]:
    return [uid for item in listed if (uid := reference(item))] if isinstance(listed, list) else []


def _made(prospect: Prospect, combo: str, chosen: tuple[str, ...]) -> Incoming:
    names = [str((prospect.find("categoryOptions", uid) or {}).get("name") or uid) for uid in chosen]
    uid = new_uid()
    doc: Document = {
        "id": uid,
        "name": ", ".join(names),
        "categoryCombo": {"id": combo},
        "categoryOptions": [{"id": option} for option in chosen],
        "ignoreApproval": False,
    }
    return Incoming(schema.of(_OPTION_COMBOS), uid, doc, implied=True)
