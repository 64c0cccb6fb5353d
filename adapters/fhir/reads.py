"""Reads over HTTP: read, vread, history and search (FHIR R4 3.1.0.2, 3.1.0.3, 3.1.0.13, 3.1.1)."""

from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime

from adapters.fhir import bundles, histories, outcomes
from adapters.fhir.generating import GENERATED
from adapters.fhir.replies import Conditions, Pairs, Reply, headers_of
from adapters.fhir.searching.operations import readable
from adapters.fhir.searching.searches import search_all, search_compartment, search_type
from adapters.fhir.showing import shown
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Forbidden, NotFound
from tracker_core.records import Stored, validation
from tracker_core.records.definitions import resource_types


def read(session: Session, base: str, path: str, pairs: Pairs, conditions: Conditions) -> Reply:
    """Answer a GET of `path` below the base: `Patient/1`, `Patient/1/_history/2`, `Patient?…`.

    Raises `NotFound` for what is not there, `Malformed` and `Unsupported` for searches that cannot be run, `Forbidden`
    for the audit trail.
    """
    steps = path.split("/")
    if "AuditEvent" in steps and not conditions.administrator:
        raise Forbidden("the audit trail is read with the authority ALL")
    if steps == ["_history"]:
        return histories.history(session, base, steps, pairs)
    if steps == [""]:
        return search_all(session, base, pairs, conditions)
    if steps[0] not in resource_types():
        raise NotFound(f"R4 has no resource type {steps[0]!r}")
    asked = readable(steps)
    if asked:
        return asked.answer(session, base, steps, pairs, conditions)
    shape = tuple(step if step.startswith("_") else "*" for step in steps[1:])
    answer = _SHAPES.get(shape)
    ids = [step for step in steps[1:] if not step.startswith("_") and (step != "*" or len(steps) != 3)]
    if answer is None or not all(map(validation.is_id, ids)):
        raise NotFound(f"there is nothing at {path}")
    return answer(session, base, steps, pairs, conditions)


def names_one(path: str) -> tuple[str, str] | None:
    """Return type and id when `path` below the base names one record that is stored (`Patient/1`), else None."""
    type_, _, id = path.partition("/")
    return (type_, id) if type_ in resource_types() and type_ not in GENERATED and validation.is_id(id) else None


def _read(session: Session, _base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions) -> Reply:
    type_, id = steps
    found = records.read(session, [(type_, id)]).get((type_, id))
    if found is None and type_ in GENERATED:
        found = GENERATED[type_].read(session, type_, id)
    return shown_one(type_, id, found, pairs, conditions)


def shown_one(type_: str, id: str, found: Stored | None, pairs: Pairs, conditions: Conditions) -> Reply:
    """Answer a read of one record with what was found. Raises `NotFound`."""
    if found is None:
        raise NotFound(f"there is no {type_}/{id}")
    if found.deleted:
        return Reply(410, outcomes.refuse(410, f"{type_}/{id} was deleted")[0], headers_of(found))
    if _has_it(found, conditions):
        return Reply(304, headers=headers_of(found))
    return Reply(200, shown(type_, found.doc, pairs), headers_of(found), seen=(found.pk, found.subject))


def _has_it(found: Stored, conditions: Conditions) -> bool:
    if conditions.none_match:
        return bundles.etag(found).removeprefix("W/") in conditions.none_match
    try:
        since = parsedate_to_datetime(conditions.modified_since) if conditions.modified_since else None
    except ValueError:
        return False
    return since is not None and since.tzinfo is not None and found.updated.replace(microsecond=0) <= since


def _vread(session: Session, _base: str, steps: Sequence[str], pairs: Pairs, _conditions: Conditions) -> Reply:
    type_, id, _, text = steps
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = records.read_version(session, type_, id, version)
    if found is None:
        raise NotFound(f"there is no version {text} of {type_}/{id}")
    if found.deleted:
        return Reply(410, outcomes.refuse(410, f"version {text} deleted {type_}/{id}")[0], headers_of(found))
    return Reply(200, shown(type_, found.doc, pairs), headers_of(found), seen=(found.pk, found.subject))


def _history(session: Session, base: str, steps: Sequence[str], pairs: Pairs, _conditions: Conditions) -> Reply:
    return histories.history(session, base, steps, pairs)


_SHAPES: dict[tuple[str, ...], Callable[[Session, str, Sequence[str], Pairs, Conditions], Reply]] = {
    (): search_type,
    ("*",): _read,
    ("*", "*"): search_compartment,
    ("*", "_history"): _history,
    ("*", "_history", "*"): _vread,
    ("_history",): _history,
}
