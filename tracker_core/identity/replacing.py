"""A source that says by `Patient.link` that one of its patients was replaced by another (IHE PIXm ITI-104, merge)."""

from collections.abc import Sequence
from typing import Any

from tracker_core import records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity.patients import join, linking
from tracker_core.issues import Issue
from tracker_core.records import Stored
from tracker_core.records.documents import decode

_MARK = b'"replaced-by"'


def follow_links(session: Session, context: Context, touched: Sequence[Stored]) -> list[Issue]:
    """Make the persons one where a Patient that was just written says it was replaced by another of the same source.

    The other is named by reference or by identifier, and is linked back. A link to another source's patient joins
    nobody: that is for a person to decide; it is told as a warning, as is a patient who is not known.
    """
    issues: list[Issue] = []
    for one in touched:
        if one.type == "Patient" and not one.deleted and _MARK in one.doc:
            issues += _follow(session, context, one)
    return issues


def _follow(session: Session, context: Context, loser: Stored) -> list[Issue]:
    links = [link for link in decode(loser.doc).get("link", ()) if link.get("type") == "replaced-by"]
    found = [one for link in links for one in _named(session, link.get("other", {}))]
    own = [one for one in found if one.source == loser.source and one.pk != loser.pk]
    if not own and any(one.subject == loser.subject and one.pk != loser.pk for one in found):
        return []  # one person already, by whoever decided it
    if len(own) != 1:
        text = "the patient that replaces this one is not one known patient of the same source; nothing was merged"
        return [Issue("merge-not-found", text, "warning", loser.reference)]
    back = linking(own[0], {}, "replaces", loser)
    applied = records.apply(session, context, [back] if back else [])
    join(session, context, own[0], loser)
    return applied.issues


def _named(session: Session, other: dict[str, Any]) -> list[Stored]:
    """Return the Patients that a link's other side names."""
    type_, _, id = str(other.get("reference", "")).partition("/")
    if type_ == "Patient" and id:
        return [one for one in records.read(session, [(type_, id)]).values() if not one.deleted]
    identifier = other.get("identifier") or {}
    if not identifier.get("value"):
        return []
    token = records.token(identifier.get("system", ""), identifier["value"])
    return records.search(session, "Patient", [("identifier", token)]).matches
