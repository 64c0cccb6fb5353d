"""Importing a payload of the shape of DHIS2's `/api/metadata`: everything checked first, then written as sets."""

from collections.abc import Iterable
from typing import Any

import orjson

from tracker_core import history
from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.issues import Outcome, Report
from tracker_core.metadata import org_units
from tracker_core.metadata.checking import DEFAULTED, find_issues
from tracker_core.metadata.incoming import Incoming, Package, take_apart
from tracker_core.metadata.snapshot import bump
from tracker_core.uids import new_uid


def import_objects(session: Session, context: Context, payload: dict[str, Any]) -> Report:
    """Create or replace every object of `payload`: collection name (`programs`) -> list of documents.

    All or nothing: with any error nothing is written and the report is rejected. Unknown properties and types are kept.
    Objects are known by `id`, else by `code`; the four `default` objects of the category model are those that are
    here already. Importing the same payload again changes nothing and keeps the metadata version.
    Issues carry DHIS2's codes (Web API 2.42, "Metadata import"), `where` is `type uid`.
    """
    session.execute("select version from metadata_version for update")
    package = take_apart(payload)
    _match_stored(session, package)
    plan = org_units.plan(session, package.units)
    issues = [*package.issues, *plan.issues, *find_issues(session, package.objects)]
    outcomes = [Outcome(i.type, i.uid, i.action) for i in package.objects]
    report = Report(outcomes=[*plan.outcomes, *outcomes], issues=issues)
    if report.errors:
        report.rejected = True
        report.outcomes = [Outcome(o.kind, o.id, "ignored") for o in report.outcomes]
        return report
    org_units.write(session, context, plan)
    write(session, context, package.objects)
    if any(outcome.action != "unchanged" for outcome in report.outcomes):
        bump(session)
    return report


def _match_stored(session: Session, package: Package) -> None:
    """Find what each object replaces; give those without an id the uid of their code, or a fresh one."""
    _adopt_defaults(session, package)
    nameless = [i for i in package.objects if not i.uid]
    known = session.execute(
        "select type, code, uid from metadata_object where (type, code) in"
        " (select * from unnest(%b::text[], %b::text[]))",
        ([i.type for i in nameless], [str(i.doc.get("code") or "") for i in nameless]),
    )
    by_code = {(type, code): uid for type, code, uid in known}
    for item in nameless:
        item.uid = by_code.get((item.type, str(item.doc.get("code"))), "") or new_uid()
        item.doc = {"id": item.uid, **item.doc}
    stored = session.execute(
        "select type, uid, pk, doc::text from metadata_object where (type, uid) in"
        " (select * from unnest(%b::text[], %b::text[]))",
        ([i.type for i in package.objects], [i.uid for i in package.objects]),
    )
    by_uid = {(type, uid): (pk, doc) for type, uid, pk, doc in stored}
    for item in package.objects:
        if found := by_uid.get((item.type, item.uid)):
            item.pk, item.stored = found[0], orjson.loads(found[1])


def _adopt_defaults(session: Session, package: Package) -> None:
    """Drop the payload's `default` objects and point its references at ours, which may have other uids."""
    ours: dict[str, str] = dict(
        session.execute(
            "select type, uid from metadata_object where type = any(%b) and name = 'default'", (list(DEFAULTED),)
        ).fetchall()
    )
    theirs = [i for i in package.objects if i.type in ours and "default" in (i.doc.get("name"), i.doc.get("code"))]
    renamed = {i.uid: ours[i.type] for i in theirs if i.uid and i.uid != ours[i.type]}
    dropped = {id(i) for i in theirs}
    package.objects = [i for i in package.objects if id(i) not in dropped]
    if renamed:
        for item in package.objects:
            item.doc = _renamed(item.doc, renamed)


def _renamed(value: Any, uids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: uids.get(v, v) if k == "id" and isinstance(v, str) else _renamed(v, uids) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(item, uids) for item in value]
    return value


def write(session: Session, context: Context, items: Iterable[Incoming]) -> None:
    """Store the created and updated ones of `items`, with their change rows."""
    created = [i for i in items if i.action == "created"]
    updated = [i for i in items if i.action == "updated"]
    for item, pk in zip(created, next_pks(session, len(created)), strict=True):
        item.pk = pk
    session.execute(
        "insert into metadata_object (pk, type, uid, code, name, doc, created, updated, created_in, updated_in)"
        " select n.pk, n.type, n.uid, n.doc->>'code', n.doc->>'name', n.doc, %s, %s, %s, %s from"
        " (select pk, type, uid, doc::jsonb as doc from unnest(%b::bigint[], %b::text[], %b::text[], %b::text[])"
        " as a (pk, type, uid, doc)) n on conflict (type, uid) do nothing",
        (context.at, context.at, context.change_set, context.change_set, *_columns(created)),
    )
    session.execute(
        "update metadata_object o set doc = n.doc, code = n.doc->>'code', name = n.doc->>'name', updated = %s,"
        " updated_in = %s from (select pk, doc::jsonb as doc from"
        " unnest(%b::bigint[], %b::text[], %b::text[], %b::text[]) as a (pk, type, uid, doc)) n where o.pk = n.pk",
        (context.at, context.change_set, *_columns(updated)),
    )
    noted = [history.Change("metadata", i.pk, "create" if i.stored is None else "update") for i in [*created, *updated]]
    history.note_changes(session, context, noted)


def _columns(items: list[Incoming]) -> tuple[list[Any], ...]:
    docs = [orjson.dumps(i.doc).decode() for i in items]
    return [i.pk for i in items], [i.type for i in items], [i.uid for i in items], docs
