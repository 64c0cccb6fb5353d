"""Org units that become one, or several, over HTTP (Web API 2.42, "Organisation units", "Merge" and "Split")."""

from collections.abc import Mapping
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.parameters import choice
from adapters.dhis2.webmessage import web_message
from tracker_core import access as rights
from tracker_core import history, org_units
from tracker_core.errors import Conflict
from tracker_core.issues import Issue
from tracker_core.metadata.compiling import reference

_STRATEGY = "dataValueMergeStrategy"


def merge(access: Access, call: Call) -> Reply:
    """Let a target take the place of its sources in metadata and data, and delete these unless asked not to."""
    given = read_object(call)
    said = {_STRATEGY: str(given.get(_STRATEGY) or "")}
    discard = choice(said, _STRATEGY, {"LAST_UPDATED": False, "DISCARD": True})
    with access.session() as session:
        rights.load(session, call.user.username).need("F_ORGANISATION_UNIT_MERGE")
        context = history.open_change_set(session, call.user.username)
        sources, target = _all(given, "sources"), reference(given.get("target"))
        delete = given.get("deleteSources") is not False
        _raise_for(org_units.merge(session, context, sources, target, discard=discard, delete=delete))
    return Reply(web_message(200, "Organisation units merged"))


def split(access: Access, call: Call) -> Reply:
    """Let targets take the place of a source in metadata, one of them in data, and delete it unless asked not to."""
    given = read_object(call)
    with access.session() as session:
        rights.load(session, call.user.username).need("F_ORGANISATION_UNIT_SPLIT")
        context = history.open_change_set(session, call.user.username)
        source, targets = reference(given.get("source")), _all(given, "targets")
        primary, delete = reference(given.get("primaryTarget")), given.get("deleteSource") is not False
        _raise_for(org_units.split(session, context, source, targets, primary, delete=delete))
    return Reply(web_message(200, "Organisation unit split"))


def _all(given: Mapping[str, Any], name: str) -> list[str]:
    items = given.get(name)
    return [uid for uid in map(reference, items if isinstance(items, list) else ()) if uid]


def _raise_for(issues: list[Issue]) -> None:
    """Raise `Conflict` with the first of `issues`; the transaction is undone by it."""
    if issues:
        raise Conflict(f"{issues[0].code} {issues[0].text}")


ROUTES: Routes = (
    ("POST", "/organisationUnits/merge", merge),
    ("POST", "/organisationUnits/split", split),
)
