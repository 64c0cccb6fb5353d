"""What lies above and below what: positions of one code system, as a tree or as a graph with several parents."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """Edges and closure of the positions 0..n-1, which come parents before children.

    `parents` and `children` hold the neighbours of position i at `[starts[i]:starts[i + 1]]` of their own starts.
    In a tree whose positions are a walk from the top, `ends[i]` is the position after the last one below i and nothing
    else is kept; a graph keeps for every position the sorted positions above it.
    """

    parents: "Lists"
    children: "Lists"
    ends: "array[int] | None"
    above: "Lists | None"

    def subsumes(self, high: int, low: int) -> bool:
        """Tell whether `high` is `low` or lies above it; about a microsecond, whatever the size."""
        if high == low:
            return True
        if self.ends is not None:
            return high < low < self.ends[high]
        assert self.above is not None
        first, last = self.above.starts[low], self.above.starts[low + 1]
        at = bisect_left(self.above.items, high, first, last)
        return at < last and self.above.items[at] == high

    def below(self, at: int) -> Iterator[int]:
        """Yield every position below `at`, each once, in the order of a walk."""
        if self.ends is not None:
            yield from range(at + 1, self.ends[at])
            return
        seen: set[int] = set()
        todo = list(reversed(self.children[at]))
        while todo:
            here = todo.pop()
            if here not in seen:
                seen.add(here)
                yield here
                todo.extend(reversed(self.children[here]))


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Many short lists of positions in two flat arrays: one machine integer each, no object per list."""

    items: "array[int]"
    starts: "array[int]"

    def __getitem__(self, at: int) -> "array[int]":
        """Return the list of position `at`."""
        return self.items[self.starts[at] : self.starts[at + 1]]


def pack(lists: Sequence[Sequence[int]]) -> Lists:
    """Return `lists` as flat arrays."""
    items, starts = array("i"), array("i", [0])
    for one in lists:
        items.extend(one)
        starts.append(len(items))
    return Lists(items, starts)


def arrange(parents: Sequence[Sequence[int]]) -> "tuple[list[int], Hierarchy]":
    """Return the walk from the top (old position per new one) and the hierarchy over the new positions.

    `parents[i]` lists the positions directly above i, which form no circle. Children keep their order; a position with
    several parents is placed under the last of them to be reached.
    """
    children: list[list[int]] = [[] for _ in parents]
    for at, above in enumerate(parents):
        for high in above:
            children[high].append(at)
    order = _walk(parents, children)
    new = array("i", bytes(4 * len(order)))
    for place, at in enumerate(order):
        new[at] = place
    moved = [sorted(new[high] for high in parents[at]) for at in order]
    down = [[new[low] for low in children[at]] for at in order]
    if all(len(above) <= 1 for above in moved):
        return order, Hierarchy(pack(moved), pack(down), _ends(moved), None)
    return order, Hierarchy(pack(moved), pack(down), None, _closure(moved))


def _walk(parents: Sequence[Sequence[int]], children: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(above) for above in parents]
    todo = [at for at in range(len(parents) - 1, -1, -1) if not waiting[at]]
    order = []
    while todo:
        at = todo.pop()
        order.append(at)
        for low in reversed(children[at]):
            waiting[low] -= 1
            if not waiting[low]:
                todo.append(low)
    return order


def _ends(parents: Sequence[Sequence[int]]) -> "array[int]":
    ends = array("i", range(1, len(parents) + 1))
    for at in range(len(parents) - 1, -1, -1):
        for high in parents[at]:
            ends[high] = max(ends[high], ends[at])
    return ends


def _closure(parents: Sequence[Sequence[int]]) -> Lists:
    items, starts = array("i"), array("i", [0])
    for above in parents:
        found: set[int] = set(above)
        for high in above:
            found.update(items[starts[high] : starts[high + 1]])
        items.extend(sorted(found))
        starts.append(len(items))
    return Lists(items, starts)
