"""Replays as work of the worker: one page of one replay a turn, each a transaction with its progress."""

from hub import bound
from hub.runtime import Runtime
from tracker_core import history, replays
from tracker_core.database import Session, transaction
from tracker_core.errors import NotFound
from tracker_core.replays import Replay


def order(session: Session, name: str, actor: str) -> Replay:
    """Put a replay of the binding `name` in line. Raises `NotFound`."""
    return replays.order(session, name, bound.types_of(bound.find(session, name)), actor)


def turn(runtime: Runtime) -> int:
    """Do one page of the oldest replay that has not ended; return how many records were looked at."""
    with transaction(runtime.pool) as session:
        replay = replays.claim(session)
        return work_off(session, replay) if replay else 0


def work_off(session: Session, replay: Replay) -> int:
    """Do the next page of a replay in this transaction. A binding that is gone ends its replay."""
    try:
        binding = bound.find(session, replay.binding)
    except NotFound:
        replays.cancel(session, replay.pk)
        return 0
    context = history.open_change_set(session, replay.actor)
    page = bound.replay(session, context, binding, replay.after)
    examples = [f"{one.where} {one.text}: {one.value}" for one in page.report.issues if one.severity != "information"]
    replays.advance(session, replay, page.seen, page.after, bound.counted(page.report), examples)
    return page.seen or 1
