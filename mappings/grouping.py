"""Which group instance each segment of a message belongs to: by table, forwards and outwards first.

A segment looks for its place from the innermost open group outwards: behind the last segment seen there, or as the
opener of a group there. What is found nowhere ahead opens a group whose opener was left out, else goes back to an
earlier place (an NK1 behind the PV1 stays with its patient). Z segments attach to the open group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mappings.structure import Group, Slot, Step, Structure


@dataclass(slots=True, eq=False)
class Instance:
    """One instance of a group. `position` is the index of the item last seen in it."""

    group: Group
    outer: "Instance | None"
    position: int = -1


@dataclass(frozen=True, slots=True)
class Placed:
    """One segment with its place: `slot` is None for a segment the structure does not know there."""

    index: int
    slot: Slot | None
    instance: Instance


def place(structure: Structure, segments: Sequence[Sequence[str]]) -> Iterator[Placed]:
    """Yield every segment with its place; the structure remembers each move that was worked out."""
    here = Instance(structure.root, None)
    state = state_of(here)
    for index, segment in enumerate(segments):
        name = segment[0]
        step = None
        if name[0] != "Z":
            if (state, name) not in structure.moves:
                structure.moves[state, name] = find_step(here, name)
            step = structure.moves[state, name]
        if step is None:
            yield Placed(index, None, here)
            continue
        if step.stays:
            yield Placed(index, step.slot, outwards(here, step.leave))
            continue
        here = walk(here, step)
        state = state_of(here)
        yield Placed(index, step.slot, here)


def walk(here: Instance, step: Step) -> Instance:
    """Make one move and return the instance that holds the segment."""
    here = outwards(here, step.leave)
    here.position = step.position
    for group, position in step.opens:
        here = Instance(group, here, position)
    return here


def outwards(here: Instance, leave: int) -> Instance:
    """Return the instance that is `leave` groups further out."""
    for _ in range(leave):
        assert here.outer is not None
        here = here.outer
    return here


def state_of(here: Instance) -> tuple[int, ...]:
    """Return what decides where the next segment goes: the open groups and the position in each."""
    found: list[int] = []
    at: Instance | None = here
    while at is not None:
        found += (id(at.group), at.position)
        at = at.outer
    return tuple(found)


def find_step(here: Instance, name: str) -> Step | None:
    """Work out the move for a segment: ahead, else through a group whose opener is missing, else back."""
    for search in (ahead, unopened, back):
        leave, at = 0, here
        while True:
            step = search(at, name, leave)
            if step is not None:
                return step
            if at.outer is None:
                break
            leave, at = leave + 1, at.outer
    return None


def ahead(at: Instance, name: str, leave: int) -> Step | None:
    """Find the segment behind the position of an open group, or as the opener of a group there."""
    for position in range(max(at.position, 0), len(at.group.items)):
        item = at.group.items[position]
        again = position == at.position
        if isinstance(item, Slot):
            if item.segment == name and (item.repeats or not again):
                return Step(leave, position, (), item)
        elif name in item.openers and (item.repeats or not again):
            return opened(item, name, leave, position, ())
    return None


def opened(group: Group, name: str, leave: int, position: int, before: tuple[tuple[Group, int], ...]) -> Step | None:
    """Return the move into `group` and on to the segment in it."""
    for index, item in enumerate(group.items):
        if isinstance(item, Slot):
            if item.segment == name:
                return Step(leave, position, (*before, (group, index)), item)
        elif item.knows(name):
            return opened(item, name, leave, position, (*before, (group, index)))
    return None


def unopened(at: Instance, name: str, leave: int) -> Step | None:
    """Find the segment in a group ahead whose opener the message left out."""
    for position in range(at.position + 1, len(at.group.items)):
        item = at.group.items[position]
        if isinstance(item, Group) and item.knows(name):
            return opened(item, name, leave, position, ())
    return None


def back(at: Instance, name: str, leave: int) -> Step | None:
    """Find the segment earlier in an open group; what follows goes on where the message was."""
    for item in at.group.slots():
        if item.segment == name:
            return Step(leave, at.position, (), item, stays=True)
    return None
