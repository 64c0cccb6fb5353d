"""Which org unit looks after a patient: that of the organization that manages the record."""

from collections.abc import Mapping, Sequence
from typing import Any

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.records.drafts import Draft


def find_homes(
    session: Session, context: Context, patients: Sequence[Draft], drafts: Sequence[Draft], names: Mapping[str, str]
) -> dict[int, int]:
    """Return, by the patient's key, the org unit (pk) of those that are new and managed by a known organization.

    The organization is known by its id or identifiers, as those of visits are; it may come with the same change set.
    """
    wanted = {
        d.pk: d.view["managingOrganization"] for d in patients if not d.subject and "managingOrganization" in d.view
    }
    if not wanted:
        return {}
    # Most patients name no organization: imports of them need not load what aggregates are made of.
    from tracker_core.aggregates.extraction import keeper
    from tracker_core.aggregates.places import Place, find_org_units

    own = {d.reference: keeper({**d.view, "id": d.id}) for d in drafts if d.change.type == "Organization"}
    source = context.peer.id if context.peer else None
    places = {}
    for pk, managing in wanted.items():
        reference = names.get(managing.get("reference", ""), managing.get("reference", ""))
        places[str(pk)] = Place((*own.get(reference, ()), *_keys(managing, reference)), source)
    return {int(pk): unit for pk, unit in find_org_units(session, places).items()}


def _keys(managing: dict[str, Any], reference: str) -> list[str]:
    identifier = managing.get("identifier", {}).get("value", "")
    return [key for key in (identifier, reference) if key]
