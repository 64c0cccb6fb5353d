"""How one caller sees the metadata: the snapshot, who asks, in which language; and what is fetched beside it.

Org units (up to hundreds of thousands) and users are not part of the snapshot as documents. Rendering works on what the
snapshot knows of them; whatever needs more asks `full`, which notes what is missing. `rendered` then fetches all of it
in one query per kind and renders again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracker_core import users
from tracker_core.access import Actor
from tracker_core.database import Session
from tracker_core.metadata import Metadata, org_units
from tracker_core.metadata.indexes import Indexes, indexes
from tracker_core.metadata.schema import TYPES

Document = Mapping[str, Any]
Show = Callable[["View", Document], Any]

UNITS, USERS = "organisationUnits", "users"
FETCHED = (UNITS, USERS)
_EVERY = "*"
_NOTHING: Document = {}


@dataclass(slots=True)
class View:
    """`locale` is empty when nothing is translated; `base` is the address up to `/api`.

    `skip_defaults` leaves out the `default` objects of the category model.
    """

    known: Metadata
    actor: Actor
    locale: str = ""
    base: str = ""
    skip_defaults: bool = False
    held: dict[str, dict[str, Document]] = field(default_factory=lambda: {kind: {} for kind in FETCHED})
    wanted: set[tuple[str, str]] = field(default_factory=set)

    @property
    def indexes(self) -> Indexes:
        """What is found in the snapshot only by looking through it."""
        return indexes(self.known)

    def find(self, collection: str, uid: str) -> Document | None:
        """Return an object: of an org unit what the snapshot knows, of a user what was fetched."""
        if collection == UNITS:
            unit = self.known.org_units.get(uid)
            return unit.document if unit else None
        if collection == USERS:
            return self.full(USERS, uid)
        found = self.known.objects.get(collection, {}).get(uid)
        if found is not None:
            return found.doc
        known = TYPES.get(collection)
        return self.indexes.within(collection).get(uid) if known and known.within else None

    def full(self, collection: str, uid: str) -> Document | None:
        """Return the whole document of an org unit or user, or None and note that it is wanted."""
        found = self.held[collection].get(uid)
        if found is None:
            self.wanted.add((collection, uid))
        return found or None

    def everything(self, collection: str) -> Sequence[Document]:
        """Return all org units or users, or nothing yet and note that they are wanted."""
        if _EVERY not in self.held[collection]:
            self.wanted.add((collection, _EVERY))
            return ()
        return [doc for doc in self.held[collection].values() if doc]

    def fetch(self, session: Session) -> bool:
        """Fetch what is wanted; tell whether there was anything."""
        wanted, self.wanted = self.wanted, set()
        for kind in FETCHED:
            uids = {uid for collection, uid in wanted if collection == kind}
            if not uids:
                continue
            found = _DOCUMENTS[kind](session, None if _EVERY in uids else sorted(uids))
            self.held[kind].update(dict.fromkeys(uids, _NOTHING))
            self.held[kind].update((str(doc["id"]), doc) for doc in found)
        return bool(wanted)


def rendered(session: Session, view: View, show: Show, docs: Iterable[Document]) -> list[Any]:
    """Return what `show` makes of each of `docs`, with everything fetched that it asked for."""
    listed = list(docs)
    while True:
        shown = [show(view, doc) for doc in listed]
        if not view.fetch(session):
            return shown


_DOCUMENTS: dict[str, Callable[[Session, Sequence[str] | None], Sequence[Document]]] = {
    UNITS: org_units.documents,
    USERS: users.documents,
}
