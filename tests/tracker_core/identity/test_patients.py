"""A sender joins two of its own Patient records."""

from typing import Any

import pytest

from tracker_core import history, identity, peers, records
from tracker_core.changes import MergeChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity.patients import merge_patients, part_patients
from tracker_core.metadata import bootstrap
from tracker_core.records.documents import decode

OTHER = {"other": {"reference": "Patient/elsewhere"}, "type": "seealso"}
STAYS, ENDS = "identifier=urn:a|1", "identifier=urn:a|2"


def context_of(session: Session, code: str) -> Context:
    """A change set of one sender."""
    return history.open_change_set(session, "tester", peers.save(session, code, "hl7v2"), None)


def patient(session: Session, context: Context, *numbers: str, **elements: Any) -> records.Stored:
    """A Patient record of the sender with these numbers."""
    identifiers = [{"system": number.split("|")[0], "value": number.split("|")[1]} for number in numbers]
    document = {"resourceType": "Patient", "identifier": identifiers, **elements}
    return records.apply(session, context, [RecordChange("Patient", document)]).touched[0]


@pytest.fixture
def clinic(session: Session) -> Context:
    """A sender."""
    bootstrap(session)
    return context_of(session, "clinic")


def subjects(session: Session, *found: records.Stored) -> list[int | None]:
    """The persons of some records now."""
    now = records.by_pk(session, [record.pk for record in found])
    return [now[record.pk].subject for record in found]


def test_only_the_senders_record_moves_while_others_know_the_person(session: Session, clinic: Context) -> None:
    """Another sender's record of the losing person stays with that person."""
    shared = {"name": [{"family": "Mbeki", "given": ["Amara"]}], "birthDate": "1985-07-14", "gender": "female"}
    survivor = patient(session, clinic, "urn:a|1")
    loser = patient(session, clinic, "urn:a|2", "urn:nid|9", **shared)
    other = patient(session, context_of(session, "lab"), "urn:nid|9", **shared)
    session.execute("update record set subject = %s where pk = %s", (loser.subject, other.pk))
    session.execute("update person_facts set person = %s where record = %s", (loser.subject, other.pk))
    outcomes, issues = merge_patients(session, clinic, [MergeChange(STAYS, ENDS, "MRG:1")])
    assert [outcome.action for outcome in outcomes] == ["updated"]
    assert issues == []
    assert subjects(session, survivor, loser, other) == [survivor.subject, survivor.subject, loser.subject]


def test_earlier_links_are_kept_and_a_repeat_changes_nothing(session: Session, clinic: Context) -> None:
    """A patient that replaces two others names both; the same merge again is unchanged."""
    survivor = patient(session, clinic, "urn:a|1")
    for number in ("2", "3"):
        patient(session, clinic, f"urn:a|{number}")
        merge_patients(session, clinic, [MergeChange(STAYS, f"identifier=urn:a|{number}")])
    outcomes, _ = merge_patients(session, clinic, [MergeChange(STAYS, ENDS)])
    assert [outcome.action for outcome in outcomes] == ["unchanged"]
    assert records.by_pk(session, [survivor.pk])[survivor.pk].doc.count(b'"replaces"') == 2


def test_a_merge_taken_back_leaves_no_link(session: Session, clinic: Context) -> None:
    """Both records are as they were, each with its person; a link to a third one stays."""
    survivor, loser = patient(session, clinic, "urn:a|1", link=[OTHER]), patient(session, clinic, "urn:a|2")
    merge_patients(session, clinic, [MergeChange(STAYS, ENDS)])
    (merge,) = identity.merges_of(session, survivor.subject or 0)
    assert part_patients(session, clinic, merge) == loser.subject
    assert subjects(session, survivor, loser) == [survivor.subject, loser.subject]
    now = records.by_pk(session, [survivor.pk, loser.pk])
    assert decode(now[survivor.pk].doc)["link"] == [OTHER]
    after = decode(now[loser.pk].doc)
    assert (after["active"], "link" in after) == (True, False)


def test_what_cannot_be_merged_is_told(session: Session, clinic: Context) -> None:
    """Nobody to stay, nobody to end, one patient with both numbers, two patients with one number."""
    patient(session, clinic, "urn:a|1", "urn:a|4")
    patient(session, clinic, "urn:a|5")
    patient(session, clinic, "urn:a|5")
    patient(session, context_of(session, "lab"), "urn:a|2")
    told = {}
    for query in (ENDS, "identifier=urn:a|4", "identifier=urn:a|5"):
        (issue,) = merge_patients(session, clinic, [MergeChange(STAYS, query)])[1]
        told[query] = (issue.code, issue.severity)
    assert list(told.values()) == [
        ("merge-not-found", "warning"),
        ("merge-same", "information"),
        ("merge-ambiguous", "error"),
    ]
    (issue,) = merge_patients(session, clinic, [MergeChange(ENDS, STAYS)])[1]
    assert (issue.code, issue.severity) == ("merge-not-found", "error")
