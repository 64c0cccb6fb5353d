"""Work that threads bring one piece at a time and that is done for all who wait."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from hub.gathering import MOST, Gathering, gather
from tracker_core.errors import Unavailable


def test_who_waits_is_served_together() -> None:
    """While the first batch is being done the others gather, and come next, in order, at most so many at once."""
    gathering: Gathering[int, int] = Gathering()
    batches: list[Sequence[int]] = []
    begun, go_on = Event(), Event()

    def work(asked: Sequence[int]) -> list[int]:
        batches.append(asked)
        begun.set()
        assert go_on.wait(10)
        return [one * 2 for one in asked]

    with ThreadPoolExecutor(MOST + 10) as threads:
        first = threads.submit(gather, gathering, 0, work)
        assert begun.wait(10)
        others = [threads.submit(gather, gathering, n, work) for n in range(1, MOST + 10)]
        while len(gathering.waiting) < MOST + 9:
            assert not first.done()
        go_on.set()
        assert [first.result(), *(one.result() for one in others)] == [n * 2 for n in range(MOST + 10)]
    assert [len(batch) for batch in batches] == [1, MOST, 9]
    assert not gathering.busy


def test_one_that_is_wrong_fails_alone() -> None:
    """A batch that fails is tried one by one; where nothing answers, all of it fails at once."""
    gathering: Gathering[int, int] = Gathering()
    begun, go_on = Event(), Event()
    tries: list[int] = []

    def work(asked: Sequence[int]) -> list[int]:
        begun.set()
        assert go_on.wait(10)
        tries.append(len(asked))
        if 3 in asked:
            raise ValueError("three")
        if 7 in asked:
            raise Unavailable("away")
        return list(asked)

    def run(numbers: Sequence[int]) -> list[object]:
        begun.clear()
        go_on.clear()
        tries.clear()
        with ThreadPoolExecutor(len(numbers) + 1) as threads:
            first = threads.submit(gather, gathering, 0, work)
            assert begun.wait(10)
            asked = [threads.submit(gather, gathering, n, work) for n in numbers]
            while len(gathering.waiting) < len(numbers):
                assert not first.done()
            go_on.set()
            return [one.exception() or one.result() for one in asked]

    told = run([1, 2, 3, 4])
    assert [str(one) for one in told] == ["1", "2", "three", "4"]
    assert tries == [1, 4, 1, 1, 1, 1]
    assert [type(one) for one in run([6, 7])] == [Unavailable, Unavailable]
    assert tries == [1, 2]
    with pytest.raises(ValueError, match="three"):
        gather(gathering, 3, work)
    assert gather(gathering, 5, work) == 5
