"""A sender that gives one of its records another number (HL7v2 ADT^A46 to A51)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tracker_core import records
from tracker_core.changes import RecordChange, RenumberChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity import own
from tracker_core.identity.own import Acted
from tracker_core.issues import Issue
from tracker_core.records import Stored
from tracker_core.records.documents import decode

Doc = dict[str, Any]


def renumber(session: Session, context: Context, changes: Sequence[RenumberChange]) -> Acted:
    """Carry out `changes` in order: the record bears the new identifier, the old one stays beside it as `use=old`.

    A new identifier that another record of the sender has is an error: that would be a merge, and nobody said so. An
    old one that nobody has sent is a warning.
    """
    acted = Acted()
    for wanted in changes:
        old, new = (own.find(session, context, wanted.type, query_of(each)) for each in (wanted.old, wanted.new))
        wrong = _wrong(wanted, old, new)
        if wrong is not None:
            acted.issues.append(wrong)
        else:
            document = renumbered(decode(old[0].doc), wanted.old, wanted.new)
            change = RecordChange(wanted.type, document, "patch", id=old[0].id, version=old[0].version)
            acted.note("identifier", old[0], wanted.where, records.apply(session, context, [change]))
    return acted


def query_of(identifier: Doc) -> str:
    """Return the search query for an identifier."""
    token = records.token(identifier.get("system", ""), identifier["value"])
    return f"identifier={quote(token, safe=':/.-_~')}"


def renumbered(document: Doc, old: Doc, new: Doc) -> Doc:
    """Return `document` with `new` first of its identifiers and `old` marked as such."""
    held = document.get("identifier") or []
    before = next(one for one in held if _same(one, old))
    others = [one for one in held if not _same(one, old) and not _same(one, new)]
    kept = {name: value for name, value in before.items() if name not in ("system", "value")}
    return {**document, "identifier": [{**kept, **new}, {**before, "use": "old"}, *others]}


def _same(one: Doc, other: Doc) -> bool:
    return all(one.get(name) == other.get(name) for name in ("system", "value"))


def _wrong(wanted: RenumberChange, old: Sequence[Stored], new: Sequence[Stored]) -> Issue | None:
    number = str(wanted.new["value"])
    if len(old) > 1:
        return Issue("renumber-ambiguous", "several records have the old identifier", where=wanted.where)
    if not old and not new:
        text = "nobody has the old identifier; there was nothing to change"
        return Issue("renumber-not-found", text, "warning", wanted.where, str(wanted.old["value"]))
    if new and {one.pk for one in new} != {one.pk for one in old}:
        if old:
            return Issue("duplicate-identifier", "another record has the new identifier", "error", wanted.where, number)
        return Issue("renumber-done", "the record has the new identifier already", "information", wanted.where, number)
    return None
