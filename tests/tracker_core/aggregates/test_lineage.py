"""Lineage: from a number to its cases and their bytes, now and as it was sent."""

import hashlib
from typing import Any

import pytest

from tracker_core import aggregates, history, messages, peers
from tracker_core.aggregates import lineage
from tracker_core.aggregates.values import Key
from tracker_core.errors import NotFound
from tracker_core.messages import Arrival


def computed(district: Any) -> int:
    """Compute the month and return its one value."""
    (value,) = aggregates.run(district.session, district.context(), "IDSR", "202403").changed
    return int(value)


def test_a_number_leads_to_its_cases_and_their_bytes(district: Any) -> None:
    """Each case names its record, version and person, and the message with digest, size, type and peer."""
    district.install(district.malaria())
    person = district.person()
    condition = district.case(person)
    body = b'{"resourceType":"Bundle"}'
    (message,) = messages.store(
        district.session, [Arrival(district.emr.id, "fhir", body, type="transaction", content_type="application/json")]
    )
    district.session.execute(
        "update change_set set message = %s where id = (select updated_in from record where pk = %s)",
        (message.id, condition),
    )
    found = aggregates.why(district.session, computed(district))
    assert (found.number, found.report, found.definition_version, found.org_unit) == ("1", "IDSR", 1, "HealthPostA")
    (fact,) = found.facts
    assert (fact.kind, fact.id, fact.version, fact.pk) == ("Condition", "c-v1", 1, condition)
    assert (fact.person, str(fact.day)) == (f"Person{person:05d}", "2024-03-05")
    origin = fact.origin
    assert origin is not None
    assert (origin.message, origin.type, origin.peer, origin.format) == (message.id, "transaction", "emr", "fhir")
    assert (origin.size, origin.digest) == (len(body), hashlib.sha256(body).hexdigest())


def test_a_past_submission_is_explained_by_what_it_saw(district: Any) -> None:
    """After edits and deletions the old number still shows the cases and the versions it was made of."""
    district.install(district.malaria())
    person = district.person()
    first = district.case(person)
    district.case(person)
    value = computed(district)
    ministry = peers.save(district.session, "ministry", "aggregate")
    submission = aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403")
    assert submission is not None
    district.session.commit()
    district.record("Condition", person, {}, "c-v2", deleted=True)
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B51.0"}]}
    district.record("Condition", person, {"code": code, "encounter": {"reference": "Encounter/v1"}}, "c-v1")
    aggregates.run(district.session, district.context(), "IDSR", "202403")
    now, then = aggregates.why(district.session, value), aggregates.why(district.session, value, submission)
    assert (now.number, [(fact.pk, fact.version) for fact in now.facts]) == ("1", [(first, 2)])
    assert (then.number, [(fact.id, fact.version) for fact in then.facts]) == ("2", [("c-v1", 1), ("c-v2", 1)])
    assert then.submission == submission


def test_what_does_not_exist_is_not_found(district: Any) -> None:
    """Unknown values, keys and submissions raise."""
    district.install(district.malaria())
    district.case(district.person())
    value = computed(district)
    key = aggregates.why(district.session, value).key
    assert lineage.find(district.session, key) == value
    with pytest.raises(NotFound):
        lineage.find(district.session, Key("nothing", "202403", 1))
    with pytest.raises(NotFound):
        aggregates.why(district.session, 0)
    with pytest.raises(NotFound):
        aggregates.why(district.session, value, 12345)
    assert history.open_change_set(district.session, "x").peer is None
