"""Stages, attributes and option sets: what the description of their types cannot say."""

from collections.abc import Iterator

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Prospect


def stages(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4053 for a stage of no program, E6001 for a next date that is none of its data elements."""
    listed = {
        reference(stage) for program in prospect.of("programs") for stage in program.doc.get("programStages") or ()
    }
    for item in prospect.of("programStages"):
        if item.implied:
            continue
        stored = reference((item.stored or {}).get("program"))
        if not reference(item.doc.get("program")) and item.uid not in listed and not stored:
            yield item.fault("E4053", item.uid)
        following = reference(item.doc.get("nextScheduleDate"))
        if following and following not in _elements(item):
            yield item.fault("E6001", item.uid, following)


def _elements(item: Incoming) -> set[str]:
    links = item.doc.get("programStageDataElements")
    return {reference(link.get("dataElement")) for link in links or () if isinstance(link, dict)}


def patterns(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4019 for a generated attribute without a pattern, E4021 for one that generates nothing."""
    for item in prospect.of("trackedEntityAttributes"):
        if item.implied or item.doc.get("generated") is not True:
            continue
        pattern = str(item.doc.get("pattern") or "")
        generating = pattern.count("RANDOM(") + pattern.count("SEQUENTIAL(")
        if not pattern:
            yield item.fault("E4019", pattern, "it is empty")
        elif generating != 1:
            yield item.fault("E4021")


def options(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4028 for an option whose code a stored one of its set has. Published packages bring twins of their own."""
    moving = {item.uid for item in prospect.of("options")}
    if not moving:
        return
    stored = prospect.known.objects.get("options", {}).values()
    taken = {(reference(o.doc.get("optionSet")), o.code): o.uid for o in stored if o.uid not in moving}
    owners = {
        reference(option): owner.uid for owner in prospect.of("optionSets") for option in owner.doc.get("options") or ()
    }
    for item in prospect.of("options"):
        owner = reference(item.doc.get("optionSet")) or owners.get(item.uid, "")
        code = item.doc.get("code")
        if owner and code and taken.get((owner, str(code)), item.uid) != item.uid:
            yield item.fault("E4028", owner, str(code), value=str(code))


def value_types(session: Session, prospect: Prospect) -> Iterator[Issue]:
    """Yield E1121 for a data element whose value type changes although values were given for it."""
    changed = [
        item
        for item in prospect.of("dataElements")
        if item.stored is not None and item.stored.get("valueType") != item.doc.get("valueType")
    ]
    if not changed:
        return
    rows = session.execute(
        "select distinct u from unnest(%b::text[]) u where exists (select from aggregate_value where data_element = u)",
        ([item.uid for item in changed],),
    ).fetchall()
    used = {row[0] for row in rows}
    for item in changed:
        if item.uid in used:
            yield item.fault("E1121", item.uid)
