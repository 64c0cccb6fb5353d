"""Who did what: users' names in place of change sets and user names."""

from collections.abc import Iterable
from datetime import datetime

from tracker_core.tracker.documents.parts import Document, Reader
from tracker_core.tracker.provenance import actors, users_of

_HELPERS = ("_entity", "_enrollment", "_from", "_to")
_STAMPS = ("createdBy", "updatedBy", "storedBy")
_NESTED = ("enrollments", "events", "attributes", "dataValues", "relationships")


def name_people(reader: Reader, docs: Iterable[Document], *, people: bool) -> None:
    """Put users where the documents hold change sets and user names; drop what only helped to read.

    Without `people` what a change set says is left out.
    """
    every = {id(doc): doc for top in docs for doc in _inner(top)}.values()
    stamped = [(doc, key) for doc in every for key in _STAMPS if isinstance(doc.get(key), int)]
    users = actors(reader.session, {doc[key] for doc, key in stamped}) if people and stamped else {}
    for doc, key in stamped:
        user = users.get(doc[key])
        doc[key] = user["username"] if user and key == "storedBy" else user
    for doc in every:
        for helper in _HELPERS:
            doc.pop(helper, None)
    _name_authors(reader, [doc for doc in every if doc.get("notes")])
    _name_assignees(reader, [doc for doc in every if isinstance(doc.get("assignedUser"), str)])


def _name_authors(reader: Reader, docs: list[Document]) -> None:
    """Let each note tell who wrote it, as a user beside the name."""
    if not docs:
        return
    users = users_of(reader.session, (note["storedBy"] for doc in docs for note in doc["notes"]))
    for doc in docs:
        doc["notes"] = [
            {**note, "storedAt": datetime.fromisoformat(note["storedAt"]), "createdBy": users[note["storedBy"]]}
            for note in doc["notes"]
        ]


def _name_assignees(reader: Reader, docs: list[Document]) -> None:
    if docs:
        users = users_of(reader.session, (doc["assignedUser"] for doc in docs))
        for doc in docs:
            doc["assignedUser"] = users[doc["assignedUser"]]


def _inner(doc: Document) -> Iterable[Document]:
    yield doc
    for part in _NESTED:
        for item in doc.get(part) or ():
            yield from _inner(item)
