"""Work that threads bring one piece at a time and that is done for all who wait."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from hub.gathering import MOST, Gathering, gather, give_way
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


def test_who_comes_back_is_waited_for() -> None:
    """Two who come again and again are served together, though one of them is back before the other."""
    gathering: Gathering[int, int] = Gathering(patience=30)
    batches: list[Sequence[int]] = []
    begun, go_on = Event(), Event()

    def work(asked: Sequence[int]) -> list[int]:
        batches.append(asked)
        begun.set()
        assert go_on.wait(10)
        return list(asked)

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(gather, gathering, 1, work)
        assert begun.wait(10)
        second = threads.submit(gather, gathering, 2, work)
        while not gathering.waiting:
            assert not first.done()
        go_on.set()
        assert first.result(10) == 1
        assert not second.done()
        again = threads.submit(gather, gathering, 3, work)
        assert (second.result(10), again.result(10)) == (2, 3)
    assert batches == [[1], [2, 3]]


def test_who_is_alone_waits_for_nobody() -> None:
    """However much patience there is."""
    gathering: Gathering[int, int] = Gathering(patience=3600)
    assert [gather(gathering, n, list) for n in range(5)] == list(range(5))


def test_giving_way() -> None:
    """One goes on when nothing is being done, and at last although something is."""
    gathering: Gathering[int, int] = Gathering()
    give_way(gathering, 3600)
    gathering.busy = True
    give_way(gathering, 0.01)
    assert gathering.busy
