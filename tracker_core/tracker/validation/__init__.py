"""Validation: every rule of the table over every item, parents before children."""

from collections.abc import Sequence
from typing import TypeVar, cast

from tracker_core.changes import Validation
from tracker_core.issues import Severity
from tracker_core.tracker.rows import AnyItem, EnrollmentItem, EventItem, Finding, Kind, RelationshipItem, Step
from tracker_core.tracker.validation.table import (
    CASCADE,
    ENROLLMENTS,
    ENTITIES,
    EVENTS,
    RELATIONSHIPS,
    TWICE,
    Check,
    Stages,
)
from tracker_core.tracker.world import World

_I = TypeVar("_I", bound=AnyItem)
_KINDS: dict[Kind, str] = {
    "trackedEntity": "TrackedEntity",
    "enrollment": "Enrollment",
    "event": "Event",
    "relationship": "Relationship",
}
_TABLE = {"trackedEntity": ENTITIES, "enrollment": ENROLLMENTS, "event": EVENTS, "relationship": RELATIONSHIPS}


def validate(world: World, items: Sequence[AnyItem], validation: Validation) -> None:
    """Find what is wrong with `items`, all of one kind; what fails is named in `world.failed`, the rest admitted.

    A new child of a parent that cannot be created fails too (E5000), and so does an object named a second time. With
    `fail_fast` nothing is checked any more once something was found; only who may do everything may `skip`.
    """
    if not items or world.stopped:
        return
    asked = "full" if validation == "skip" and world.actor is not None else validation
    rules = {step: _rules(world, items[0].kind, step, asked) for step in ("create", "update", "delete")}
    for item in items:
        if not _judge(world, item, rules[item.step], fast=asked == "fail_fast") and asked == "fail_fast":
            world.stopped = True
            return


def _judge(world: World, item: AnyItem, rules: Stages[AnyItem], *, fast: bool) -> bool:
    """Check one item and tell whether it may be written."""
    if (item.kind, item.row.uid) in world.named:
        item.findings.append(finding(item, *TWICE, (_KINDS[item.kind], item.row.uid)))
    else:
        world.named.add((item.kind, item.row.uid))
        _check(world, item, rules, fast=fast)
    if not item.findings:
        _check_parents(world, item)
    if item.findings:
        world.failed.add((item.kind, item.row.uid))
        world.restore(item.old)
        return False
    if item.step != "delete":
        _admit(world, item)
    return True


def _rules(world: World, kind: Kind, step: str, validation: Validation) -> Stages[AnyItem]:
    """Return the stages of those checks that apply at all: most of an import's time goes into calling them."""
    stages = cast("Stages[AnyItem]", _TABLE[kind])
    applying = (tuple(check for check in stage if _applies(world, check, step, validation)) for stage in stages)
    return tuple(stage for stage in applying if stage)


def _applies(world: World, check: Check[AnyItem], step: str, validation: Validation) -> bool:
    if step not in check.steps or (check.personal and world.actor is None):
        return False
    return check.needed or validation != "skip"


def _check(world: World, item: AnyItem, stages: Stages[AnyItem], *, fast: bool) -> None:
    for stage in stages:
        for check in stage:
            if found := check.find(item, world):
                _note(item, check, found)
                if fast and item.findings:
                    del item.findings[1:]
                    return
        if item.findings:
            return


def _note(item: AnyItem, check: Check[AnyItem], found: Sequence[tuple[str, ...]]) -> None:
    kept = item.warnings if check.severity == "warning" else item.findings
    kept += [finding(item, check.code, check.message, args, check.severity) for args in found]


def finding(item: AnyItem, code: str, message: str, args: tuple[str, ...], severity: Severity = "error") -> Finding:
    """Return the finding of `code` about `item`, its message filled in."""
    uid = item.row.uid
    where = item.change.where or f"{item.kind} {uid}"
    return Finding(code, message.format(*args), severity, where=where, kind=item.kind, uid=uid, args=args)


def _check_parents(world: World, item: AnyItem) -> None:
    for kind, uid in _parents(item):
        if (kind, uid) in world.failed and (kind, uid) not in world.stored:
            args = (_KINDS[item.kind], item.row.uid, _KINDS[kind], uid)
            item.findings.append(finding(item, *CASCADE, args))


def _parents(item: AnyItem) -> Sequence[tuple[Kind, str]]:
    if isinstance(item, EventItem):
        return [("enrollment", item.row.enrollment)]
    if isinstance(item, EnrollmentItem):
        return [("trackedEntity", item.row.entity)]
    if isinstance(item, RelationshipItem):
        return cast("Sequence[tuple[Kind, str]]", (item.row.source, item.row.target))
    return ()


def _admit(world: World, item: AnyItem) -> None:
    """Let what comes later in this import see what passed: enrollments, events and links that may not repeat."""
    if isinstance(item, EnrollmentItem):
        world.enrolled.setdefault((item.row.entity, item.row.program), {})[item.row.uid] = item.row.status
    elif isinstance(item, EventItem):
        if item.stage is not None and not item.stage.repeatable:
            world.held.setdefault((item.row.enrollment, item.row.stage), set()).add(item.row.uid)
    elif isinstance(item, RelationshipItem):
        world.linked[item.row.type, item.row.source, item.row.target] = item.row.uid


__all__ = ["Step", "finding", "validate"]
