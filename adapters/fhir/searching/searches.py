"""Searches as they are asked for and answered: types and compartment by the path, a searchset back."""

from collections.abc import Sequence

from adapters.fhir import bundles, generating
from adapters.fhir.auditing.generated import provenance_of
from adapters.fhir.generating import GENERATED, IN_COMPARTMENT
from adapters.fhir.replies import Conditions, Pairs, Reply
from adapters.fhir.searching.codes import codes
from adapters.fhir.showing import shown
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.records import Page
from tracker_core.records.definitions import compartments, resource_types


def search_type(session: Session, base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions) -> Reply:
    """Answer `GET Patient?…`."""
    if steps[0] in GENERATED:
        return answered(base, steps[0], pairs, generating.search(session, steps[0], pairs, codes(session)), conditions)
    page = records.search(session, steps[0], pairs, codes=codes(session))
    if ("_revinclude", "Provenance:target") in pairs:
        page.includes += provenance_of(session, page.matches)
    return answered(base, steps[0], pairs, page, conditions)


def search_all(session: Session, base: str, pairs: Pairs, conditions: Conditions) -> Reply:
    """Answer `GET ?_type=Patient,Observation&…`: of all types unless some are named."""
    page = records.search(session, _types(pairs, list(resource_types())), pairs, codes=codes(session))
    return answered(base, "", pairs, page, conditions)


def search_compartment(
    session: Session, base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions
) -> Reply:
    """Answer `GET Patient/x/Observation?…` and `GET Patient/x/*?…` (R4 2.10). Raises `NotFound` for no compartment."""
    compartment, id, type_ = steps
    members = compartments().get(compartment)
    if members is None or (type_ != "*" and type_ not in resource_types()):
        raise NotFound(f"there is nothing at {'/'.join(steps)}")
    if type_ != "*" and type_ not in members:
        raise NotFound(f"no {type_} belongs to the compartment of a {compartment}")
    if type_ in IN_COMPARTMENT and compartment == "Patient":
        page = generating.search(session, type_, pairs, codes(session), (compartment, id))
        return answered(base, "/".join(steps), pairs, page, conditions)
    types = _types(pairs, list(members)) if type_ == "*" else [type_]
    page = records.search(session, types, pairs, codes=codes(session), within=(compartment, id))
    return answered(base, "/".join(steps), pairs, page, conditions)


def _types(pairs: Pairs, offered: list[str]) -> list[str]:
    """Return the types that `_type` names, of those offered. Raises `Malformed` for one that R4 does not have."""
    named = [name.strip() for key, value in pairs if key == "_type" for name in value.split(",") if name.strip()]
    unknown = [name for name in named if name not in resource_types()]
    if unknown:
        raise Malformed(f"R4 has no resource type {unknown[0]!r}", where="_type")
    return [name for name in dict.fromkeys(named) if name in offered] if named else offered


def answered(base: str, path: str, pairs: Pairs, page: Page, conditions: Conditions) -> Reply:
    """Return a page as a searchset. Raises `Malformed` for what was ignored when the caller insists."""
    ignored = [issue for issue in page.issues if issue.severity != "information"]
    if conditions.strict and ignored:
        raise Malformed("; ".join(issue.text for issue in ignored), where=ignored[0].where)
    docs = [shown(one.type, one.doc, pairs) for one in page.matches]
    seen = tuple({one.subject for one in (*page.matches, *page.includes) if one.subject is not None})
    return Reply(200, bundles.searchset(base, path, pairs, page, docs), seen=seen)
