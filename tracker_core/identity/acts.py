"""What a sender says about who is who among its own records, carried out around the writing of its records."""

from tracker_core.changes import ChangeSet
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity.linking import link_patients
from tracker_core.identity.own import Acted
from tracker_core.identity.patients import merge_patients
from tracker_core.identity.reassigning import absorb, reassign
from tracker_core.identity.removing import remove_patients
from tracker_core.identity.renumbering import renumber

__all__ = ["Acted", "after_records", "before_records"]


def before_records(session: Session, context: Context, changes: ChangeSet) -> Acted:
    """Carry out what the records of the same message rest upon: they come under the new numbers."""
    return renumber(session, context, changes.renumbers) if changes.renumbers else Acted()


def after_records(session: Session, context: Context, changes: ChangeSet) -> Acted:
    """Carry out merges, moves, links and removals; return what became of all of them."""
    persons = [merge for merge in changes.merges if merge.type == "Patient"]
    others = [merge for merge in changes.merges if merge.type != "Patient"]
    acted = Acted(*merge_patients(session, context, persons)) if persons else Acted()
    if changes.moves:
        _add(acted, reassign(session, context, changes.moves))
    if others:
        _add(acted, absorb(session, context, others))
    if changes.links:
        _add(acted, link_patients(session, context, changes.links))
    if changes.removals:
        _add(acted, remove_patients(session, context, changes.removals))
    return acted


def _add(all_: Acted, one: Acted) -> None:
    all_.outcomes += one.outcomes
    all_.issues += one.issues
    all_.touched += one.touched
