"""Where org units will stand in the tree: every path from what moves and what stays."""

from collections.abc import Mapping

Known = dict[str, str | None]


def place(parents: Mapping[str, str], stored: Mapping[str, str]) -> Known:
    """Return the path that each unit of `parents` (uid -> uid of its parent, empty at the top) will have.

    `stored` are the paths of units as they are, of those of `parents` and of theirs. None stands for a unit that leads
    nowhere: its parent is not there, or the way up is a circle.
    """
    known: Known = {}
    for uid in parents:
        _climb(uid, parents, stored, known)
    return known


def _climb(uid: str, parents: Mapping[str, str], stored: Mapping[str, str], known: Known) -> None:
    """Find the path of a unit, and on the way those of the units above it."""
    steps: dict[str, str] = {}
    at: str | None = uid
    while at and at not in known and at not in steps:
        above, steps[at] = _step(at, parents, stored)
        at = above
    lost = at is None or at in steps  # there is no such unit, or the way up is a circle
    top = None if lost else known[at] if at else ""
    for below, step in reversed(steps.items()):
        top = None if top is None else top + step
        known[below] = top


def _step(uid: str, parents: Mapping[str, str], stored: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the unit whose path a unit's path goes on from (empty at the top, None when there is none), and the rest.

    Of a unit that stays where it is that is the nearest one above it that moves.
    """
    if uid in parents:
        return parents[uid], f"/{uid}"
    if uid not in stored:
        return None, ""
    steps = stored[uid].split("/")[1:]
    for index in range(len(steps) - 2, -1, -1):
        if steps[index] in parents:
            return steps[index], "/" + "/".join(steps[index + 1 :])
    return "", stored[uid]
