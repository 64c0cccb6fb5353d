"""Importing a payload of the shape of DHIS2's `/api/metadata`: everything checked first, then written as sets."""

from collections.abc import Iterable

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.apart import plan
from tracker_core.metadata.importing.bonding import bond
from tracker_core.metadata.importing.checks import find_issues
from tracker_core.metadata.importing.combos import generate
from tracker_core.metadata.importing.completing import complete, restamp
from tracker_core.metadata.importing.folding import fold, settle
from tracker_core.metadata.importing.incoming import Package, Prospect, take_apart
from tracker_core.metadata.importing.matching import match
from tracker_core.metadata.importing.options import Document, Options
from tracker_core.metadata.importing.versions import raise_versions
from tracker_core.metadata.importing.writing import write
from tracker_core.metadata.snapshot import bump, load, lock


def import_objects(session: Session, context: Context, payload: Document, options: Options | None = None) -> Report:
    """Create or replace every object of `payload`: collection name (`programs`) -> list of documents.

    All or nothing, unless `options` say otherwise: with any error nothing is written and the report is rejected.
    Unknown properties are kept, unknown types skipped. Objects are known by `id`, without one by `code`; the four
    `default` objects of the category model are those that are here already. What belongs together is brought together
    (`bonding`), option combos are made, versions raised. Importing the same payload again changes nothing and keeps
    the metadata version. Outcomes are in document order, of the payload's objects alone; issues carry DHIS2's codes
    (Web API 2.42, "Metadata import"), their `where` is `type uid`.
    """
    chosen = options or Options()
    lock(session)
    known = load(session)
    package = take_apart(payload)
    match(known, package, chosen)
    prospect = Prospect(known, package.items, _coming(package))
    fold(prospect, package)
    prospect = Prospect(known, [i for i in prospect.items if not i.type.within], prospect.apart)
    complete(known, prospect.items, context, chosen)
    settle(prospect, package)
    if chosen.guard is not None and chosen.atomic:
        bond(prospect)  # What only looks changed until both sides say the same needs no right to change it.
    apart = plan(session, known, package, chosen)
    found = [*package.issues, *apart.issues, *find_issues(session, prospect, chosen)]
    refused = _refused(found, prospect, package)
    report = Report(outcomes=[*apart.outcomes, *_outcomes(package, refused)], issues=found)
    if report.errors and (chosen.atomic or apart.issues):
        report.rejected = True
        report.outcomes = [Outcome(o.kind, o.id, "ignored", where=o.where) for o in report.outcomes]
        return report
    apart.write(session, context)
    kept = [item for item in prospect.items if item.key not in refused]
    changed = _write(session, context, Prospect(known, kept, prospect.apart), chosen)
    report.outcomes = [*apart.outcomes, *_outcomes(package, refused)]
    if changed:
        bump(session)
    return report


def _coming(package: Package) -> dict[str, set[str]]:
    return {name: {reference(doc) for doc in docs} for name, docs in package.apart.items()}


def _refused(found: Iterable[Issue], prospect: Prospect, package: Package) -> set[tuple[str, str]]:
    wrong = {issue.where for issue in found if issue.severity == "error"}
    return {item.key for item in (*prospect.items, *package.folded) if item.where in wrong}


def _outcomes(package: Package, refused: set[tuple[str, str]]) -> list[Outcome]:
    return [
        Outcome(
            item.type.collection,
            item.uid,
            "ignored" if item.key in refused else item.action,
            where=f"{item.type.collection}[{item.index}]",
        )
        for item in (*package.items, *package.folded)
    ]


def _write(session: Session, context: Context, prospect: Prospect, options: Options) -> bool:
    """Bring together what belongs together, stamp what changes, and store it; tell whether anything changed."""
    bond(prospect)
    generate(prospect)
    raise_versions(prospect, lambda item: item.action != "unchanged")
    made = [item for item in prospect.items if item.implied and item.stored is None]
    complete(prospect.known, made, context, options)
    for item in prospect.items:
        if item.action == "updated":
            restamp(item, context, options)
    write(session, context, prospect.items)
    return any(item.action != "unchanged" for item in prospect.items)
