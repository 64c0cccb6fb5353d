"""A runtime on a database of its own, and receivers for what it sends."""

from collections.abc import Callable, Iterator

import pytest

from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.flows.receivers import Receiver, Script
from tracker_core.database import Pool, transaction
from tracker_core.metadata import bootstrap


@pytest.fixture
def runtime(pool: Pool) -> Runtime:
    """A runtime with every registered format, on a database that has what every hub starts with."""
    with transaction(pool) as session:
        bootstrap(session)
    return Runtime(pool=pool, adapters=ADAPTERS)


@pytest.fixture
def receiver() -> Iterator[Callable[[Script], Receiver]]:
    """A function that starts a receiver with a script of answers."""
    started: list[Receiver] = []

    def start(script: Script) -> Receiver:
        started.append(Receiver(script))
        return started[-1]

    yield start
    for one in started:
        one.stop()
