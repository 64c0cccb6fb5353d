"""Views: the current state of what an outbound message is about, loaded when it is sent."""

from collections.abc import Callable, Iterator
from typing import Any

from adapters.contract import View
from hub.bound import parse
from tracker_core import aggregates, identity, pulls, records
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.messages import Message
from tracker_core.subscriptions import notices
from tracker_core.tracker import documents, reminders
from tracker_core.tracker.documents import Parts


def load_view(session: Session, message: Message) -> View:
    """Return the view that `message.about` asks for. Raises `NotFound` when the thing is gone."""
    (kind, key), *_ = message.about.items()
    view = VIEWS[kind](session, message.type, key)
    if "replaces" in message.about:
        _set_apart(session, view, message.about["replaces"])
    references = [(document["resourceType"], document["id"]) for document in view.documents]
    if references:
        view.names = pulls.names_of(session, message.peer, references)
        view.theirs = records.sent_by(session, message.peer, references)
        view.own_patients = [parse(record) for record in records.patients_of(session, message.peer, references)]
    return view


def load_person(session: Session, type: str, person: int) -> View:
    """Return a person: the newest Patient record first, then everything else of theirs, newest first.

    `values["trackedEntity"]` is the tracker's side of the person, with enrollments and events.
    """
    found = records.of_subject(session, [person])
    found.sort(key=lambda record: (record.type != "Patient", -record.updated.timestamp(), record.pk))
    entity = documents.entities(session, [person], Parts(enrollments=Parts(events=Parts()))).get(person)
    values = {"trackedEntity": entity} if entity and not entity["deleted"] else {}
    if not found and not values:
        raise NotFound("the person is gone")
    return View("person", type, [parse(record) for record in found], values)


def _set_apart(session: Session, view: View, loser: int) -> None:
    """Take the Patient records that came with a merged person out of a view, and put them into `values["replaced"]`."""
    moved = records.by_pk(session, identity.absorbed(session, loser)).values()
    patients = [record for record in moved if record.type == "Patient" and not record.deleted]
    names = {record.reference for record in patients}
    view.values["replaced"] = [parse(record) for record in patients]
    view.documents = [one for one in view.documents if f"{one['resourceType']}/{one['id']}" not in names]


def load_record(session: Session, type: str, record: int) -> View:
    """Return one record, then every record it refers to, then those that these refer to."""
    found = records.by_pk(session, [record]).get(record)
    if found is None or found.deleted:
        raise NotFound("the record is gone")
    documents = {(found.type, found.id): parse(found)}
    wave = list(documents.values())
    for _ in range(2):
        wanted = [ref for document in wave for ref in references(document) if ref not in documents]
        wave = []
        for key, stored in records.read(session, list(dict.fromkeys(wanted))).items():
            if not stored.deleted:
                documents[key] = parse(stored)
                wave.append(documents[key])
    return View("record", type, list(documents.values()))


def references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield every literal relative reference `Type/id` inside `node`."""
    if isinstance(node, dict):
        reference = node.get("reference")
        if isinstance(reference, str) and reference.count("/") == 1:
            type_name, _, id = reference.partition("/")
            yield type_name, id
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def load_report(session: Session, type: str, submission: int) -> View:
    """Return one aggregate submission with its cells."""
    return View("report", type, values=aggregates.report_view(session, submission))


def load_reminder(session: Session, type: str, event: int) -> View:
    """Return what the reminder of one scheduled visit needs."""
    found = reminders.view(session, [event])
    if event not in found:
        raise NotFound("the visit is no longer planned")
    return View("reminder", type, values=found[event])


def load_notification(session: Session, type: str, about: dict[str, Any]) -> View:
    """Return what a subscriber is to be told: the subscription and the events of this notice."""
    values = notices.load(session, about)
    if values is None:
        raise NotFound("the subscription is gone")
    return View("notification", type, values=values)


VIEWS: dict[str, Callable[[Session, str, Any], View]] = {
    "person": load_person,
    "record": load_record,
    "report": load_report,
    "reminder": load_reminder,
    "notification": load_notification,
}
