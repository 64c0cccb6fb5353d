"""What an import must know of the data it touches to judge what its user may do: owners, grants, what hangs below."""

from tracker_core.access import Actor
from tracker_core.changes import ChangeSet
from tracker_core.database import Session
from tracker_core.tracker.ownership import granted, owners
from tracker_core.tracker.world import World


def load_rights(session: Session, world: World, actor: Actor, changes: ChangeSet) -> None:
    """Fill in who owns the loaded entities, where access was granted, and which enrollments to delete have events."""
    pks = {entity.pk: entity.uid for entity in world.entities.values()}
    if pks:
        uids = world.metadata.uids
        world.owners = {
            (pks[entity], uids[program]): uids[unit]
            for (entity, program), unit in owners(session, pks).items()
            if program in uids and unit in uids
        }
        held = granted(session, actor.username, pks)
        world.granted = {(pks[entity], uids[program]) for entity, program in held if program in uids}
    _load_eventful(session, world, changes)


def _load_eventful(session: Session, world: World, changes: ChangeSet) -> None:
    gone = [n.uid for n in changes.enrollments if n.delete or changes.strategy == "delete"]
    if not gone:
        return
    rows = session.execute(
        "select n.uid from enrollment n where n.uid = any(%b)"
        " and exists (select from event v where v.enrollment = n.pk and not v.deleted)",
        (gone,),
    )
    world.eventful = {row[0] for row in rows}
