"""Relationships, each side by its kind."""

from collections.abc import Mapping

from tracker_core.tracker import visibility
from tracker_core.tracker.clauses import ALWAYS
from tracker_core.tracker.documents.parts import Document, Reader
from tracker_core.tracker.loading import uids_of


def attach(reader: Reader, kind: str, owners: Mapping[int, Document], *, deleted: bool) -> None:
    """Give each owner, an object of `kind`, the relationships in which it stands on either side."""
    pks = list(owners)
    condition = "(r.from_pk = any(%b) and r.from_kind = %s or r.to_pk = any(%b) and r.to_kind = %s)"
    for doc in read(reader, condition, (pks, kind, pks, kind), deleted=deleted).values():
        for pk in {doc["_from"], doc["_to"]} & owners.keys():
            owners[pk]["relationships"].append(doc)


def read(
    reader: Reader, condition: str, arguments: tuple[list[int] | str, ...], *, deleted: bool
) -> dict[int, Document]:
    """Read relationships; the condition names their table `r`."""
    types = reader.metadata.relationship_types
    seen = visibility.relationship(reader.sight, "r") if reader.sight else ALWAYS
    alive = "" if deleted else " and not r.deleted"
    rows = reader.session.execute(
        "select r.pk, r.uid, r.type, r.from_kind, r.from_pk, r.to_kind, r.to_pk, r.created, r.updated,"
        f" r.created_at_client, r.deleted from relationship r where {condition}{alive} and {seen.text} order by r.pk",
        (*arguments, *seen.arguments),
    ).fetchall()
    uids = uids_of(reader.session, [(r[3], r[4]) for r in rows] + [(r[5], r[6]) for r in rows]) if rows else {}
    found: dict[int, Document] = {}
    for pk, uid, type_pk, from_kind, from_pk, to_kind, to_pk, created, updated, client, gone in rows:
        type = types[reader.metadata.uids[type_pk]]
        found[pk] = {
            "_from": from_pk,
            "_to": to_pk,
            "relationship": uid,
            "relationshipName": type.name,
            "relationshipType": type.uid,
            "createdAt": created,
            "createdAtClient": client,
            "updatedAt": updated,
            "deleted": gone,
            "bidirectional": type.bidirectional,
            "from": {from_kind: {from_kind: uids[from_kind, from_pk]}},
            "to": {to_kind: {to_kind: uids[to_kind, to_pk]}},
        }
        reader.waiting.append((from_kind, from_pk, found[pk]["from"]))
        reader.waiting.append((to_kind, to_pk, found[pk]["to"]))
    return found
