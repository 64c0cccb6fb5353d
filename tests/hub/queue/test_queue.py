"""Celery as a bell: its tasks are the rounds, and a silent Redis stops nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

from hub.queue.celery_app import TASKS, make_app
from hub.queue.workers import Heard, drain
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.worker import Round, rounds
from tracker_core.database import Pool


def test_every_round_has_its_task(pool: Pool) -> None:
    """What threads do in one process, tasks do in many: nothing is left out."""
    with ThreadPoolExecutor(1) as senders:
        names = [f"tracker_hub.{round_.name}" for round_ in rounds(Runtime(pool, ADAPTERS), senders)]
    assert list(TASKS) == names
    assert set(make_app("redis://127.0.0.1:1/0").conf.beat_schedule) == set(TASKS)


def counting(results: list[int]) -> Callable[[], int]:
    """Return a turn that gives these results, one after the other."""
    return lambda: results.pop(0)


def test_a_task_works_until_nothing_is_left() -> None:
    """One bell is enough for any number of messages, and what fails ends the task without harm."""
    left = [50, 3, 0, 7]
    drain(Round("inbound", counting(left), 0.5))()
    assert left == [7]
    drain(Round("inbound", counting([]), 0.5))()


def test_a_task_is_noted() -> None:
    """A worker knows when it last heard of Redis."""
    done = Event()
    heard = Heard(monotonic() - 100)
    heard.noting(done.set)()
    assert done.is_set()
    assert monotonic() - heard.last < 50
