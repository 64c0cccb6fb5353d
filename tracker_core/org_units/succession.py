"""Org units that become one, or several (Web API 2.42, "Organisation units", "Merge" and "Split")."""

from collections.abc import Iterator, Mapping, Sequence

from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata import OrgUnit, org_units
from tracker_core.org_units import references
from tracker_core.org_units.references import Heirs

Units = Mapping[str, OrgUnit]


def merge(
    session: Session,
    context: Context,
    sources: Sequence[str],
    target: str,
    *,
    discard: bool = False,
    delete: bool = True,
) -> list[Issue]:
    """Let `target` take the place of `sources` in metadata and data, and delete them; return what stands against it.

    Of aggregate values for one cell the latest stays, or with `discard` the target's. With any issue the transaction
    must be undone.
    """
    known = metadata.load(session).org_units
    wrong = list(_against_merge(known, sources, target))
    if wrong:
        return wrong
    heirs = {source: [target] for source in sources}
    return _succeed(session, context, heirs, known[target], discard=discard, delete=delete)


def split(
    session: Session, context: Context, source: str, targets: Sequence[str], primary: str = "", *, delete: bool = True
) -> list[Issue]:
    """Let `targets` take the place of `source`: each in metadata, the `primary` one (else the first) in data too.

    As `merge` does.
    """
    known = metadata.load(session).org_units
    chosen = primary or (targets[0] if targets else "")
    wrong = list(_against_split(known, source, targets, chosen))
    if wrong:
        return wrong
    heirs = {source: [chosen, *(target for target in targets if target != chosen)]}
    return _succeed(session, context, heirs, known[chosen], discard=False, delete=delete)


def _succeed(
    session: Session, context: Context, heirs: Heirs, heir: OrgUnit, *, discard: bool, delete: bool
) -> list[Issue]:
    known = metadata.load(session).org_units
    gone = [known[uid].pk for uid in heirs]
    references.move_captured(session, context, gone, heir.pk)
    references.move_aggregates(session, context, gone, heir.pk, discard=discard)
    issues = references.move_children(session, context, heirs)
    issues += references.move_metadata(session, context, heirs) if not issues else []
    if delete and not issues:
        org_units.remove(session, context, heirs)
    metadata.bump(session, units=True)
    return issues


def _against_merge(known: Units, sources: Sequence[str], target: str) -> Iterator[Issue]:
    if not sources:
        yield _issue("E1500", "At least two source orgs units must be specified")
    if not target:
        yield _issue("E1501", "Target org unit must be specified")
    if target in sources:
        yield _issue("E1502", "Target org unit cannot be a source org unit", target)
    for uid in sources:
        if uid not in known:
            yield _issue("E1503", f"Source org unit does not exist: `{uid}`", uid)
    if target and target not in known:
        yield _issue("E1503", f"Target org unit does not exist: `{target}`", target)
    for uid in sources:
        if uid != target and _is_under(known, target, uid):
            yield _issue("E1504", f"Target org unit cannot be a descendant of a source org unit: `{uid}`", uid)


def _against_split(known: Units, source: str, targets: Sequence[str], primary: str) -> Iterator[Issue]:
    if not source:
        yield _issue("E1510", "Source org unit must be specified")
    if len(targets) < 2:
        yield _issue("E1511", "At least two target org units must be specified")
    if source and source in targets:
        yield _issue("E1512", "Source org unit cannot be a target org unit", source)
    if targets and primary not in targets:
        yield _issue("E1514", "Primary target org unit must be a target org unit", primary)
    for uid in (source, *targets):
        if uid and uid not in known:
            yield _issue("E1515", f"Target org unit does not exist: `{uid}`", uid)
    for uid in targets:
        if uid != source and _is_under(known, uid, source):
            yield _issue("E1516", f"Target org unit cannot be a descendant of the source org unit: `{uid}`", uid)


def _is_under(known: Units, uid: str, other: str) -> bool:
    return uid in known and other in known and known[uid].is_under(known[other])


def _issue(code: str, text: str, uid: str = "") -> Issue:
    return Issue(code, text, where=f"{org_units.TYPE} {uid}".strip(), value=uid)
