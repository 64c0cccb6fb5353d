"""Records are written whole, versioned, found by what they match, and belong to a person."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tracker_core import history, peers, records
from tracker_core.changes import Method, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session


def change(document: dict[str, Any] | bytes, method: Method = "create", **more: Any) -> RecordChange:
    """A change of one record; its type is the document's."""
    parsed = json.loads(document) if isinstance(document, bytes) else document
    return RecordChange(more.pop("type", parsed.get("resourceType", "Patient")), document, method, **more)


def patient(**elements: Any) -> dict[str, Any]:
    """A Patient document."""
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> dict[str, Any]:
    """An Observation document."""
    return {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}, **elements}


def current(session: Session, type_: str, id: str) -> dict[str, Any]:
    """The stored document, parsed."""
    loaded: dict[str, Any] = json.loads(records.read(session, [(type_, id)])[(type_, id)].doc)
    return loaded


def test_documents_keep_every_digit_and_unknown_element(session: Session, context: Context) -> None:
    """What is not id or meta comes back byte for byte, escapes, digits, order and unknown elements included."""
    body = (
        b'"status":"final","code":{"text":"caf\\u00e9 \\/ \xc3\xa9"},'
        b'"valueQuantity":{"value":72.50,"unit":"kg"},"x-local":{"a" : 1.10E+2}'
    )
    made = records.apply(session, context, [change(b'{"resourceType":"Observation",' + body + b"}")])
    assert made.issues == []
    stored = records.read(session, [("Observation", made.outcomes[0].id)])[("Observation", made.outcomes[0].id)]
    assert stored.doc.endswith(b"," + body + b"}")
    parsed = json.loads(stored.doc)
    assert parsed["meta"]["versionId"] == "1"
    assert parsed["id"] == stored.id
    assert stored.doc == made.touched[0].doc


def test_parsed_documents_keep_decimals(session: Session, context: Context) -> None:
    """A document that a mapping built keeps its `Decimal`s digit for digit."""
    made = records.apply(session, context, [change(observation(valueQuantity={"value": Decimal("1.100")}))])
    assert b'"value":1.100' in made.touched[0].doc


def test_put_creates_updates_and_rests(session: Session, context: Context) -> None:
    """A put makes the record under the client's id, then a new version; putting the same again makes none."""
    first = records.apply(session, context, [change(patient(id="a", gender="male"), "put", id="a")])
    again = records.apply(session, context, [change(patient(id="a", gender="male"), "put", id="a")])
    third = records.apply(session, context, [change(patient(id="a", gender="female"), "put", id="a")])
    assert [r.outcomes[0].action for r in (first, again, third)] == ["created", "unchanged", "updated"]
    assert [v.version for v in records.versions(session, "Patient", "a")] == [2, 1]
    old = records.read_version(session, "Patient", "a", 1)
    assert old is not None
    assert json.loads(old.doc)["gender"] == "male"
    assert records.read_version(session, "Patient", "a", 3) is None


def test_version_conflict_writes_nothing(session: Session, context: Context) -> None:
    """A change meant for another version is refused, and with it the whole atomic set."""
    records.apply(session, context, [change(patient(id="a"), "put", id="a")])
    done = records.apply(
        session,
        context,
        [
            change(patient(id="b"), "put", id="b"),
            change(patient(id="a", active=True), "put", id="a", version=7, where="Bundle.entry[1]"),
        ],
    )
    assert [(i.code, i.where) for i in done.issues] == [("version-conflict", "Bundle.entry[1]")]
    assert done.outcomes == []
    assert records.read(session, [("Patient", "b")]) == {}


def test_items_that_stand_alone(session: Session, context: Context) -> None:
    """Without atomicity what is right is written and what is wrong is named."""
    changes = [
        change(patient(gender="female"), where="line 1"),
        change(patient(gender="f"), where="line 2"),
        change(patient(birthDate="1990-02-30"), where="line 3"),
        change({"resourceType": "Spaceship"}, where="line 4"),
        change(patient(id="b"), "put", id="c", where="line 5"),
        change(observation(subject={"reference": "Patient?identifier=urn:x|none"}), where="line 6"),
        change(patient(), "patch", id="nobody", where="line 7"),
    ]
    done = records.apply(session, context, changes, atomic=False)
    assert [o.where for o in done.outcomes] == ["line 1"]
    assert [(i.code, i.where) for i in done.issues] == [
        ("code-invalid", "line 2.gender"),
        ("value", "line 3.birthDate"),
        ("not-supported", "line 4"),
        ("value", "line 5"),
        ("not-found", "line 7"),
        ("unresolved-reference", "line 6"),
    ]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"{", "structure"),
        (b"[]", "structure"),
        (b"[" * 3000, "structure"),
        (b'{"resourceType":"Basic"}', "structure"),
        (b'{"resourceType":"Patient","name":[{"family":"a\\u0000"}]}', "value"),
        (b'{"resourceType":"Patient","x":1e999}', "structure"),
        (b'{"resourceType":"Patient","name":[{"family":"\xff"}]}', "structure"),
    ],
)
def test_what_is_no_such_resource(session: Session, context: Context, document: bytes, code: str) -> None:
    """Bytes that are no JSON, no object or of another type are refused with an issue."""
    done = records.apply(session, context, [RecordChange("Patient", document)])
    assert [i.code for i in done.issues] == [code]


def test_names_become_references(session: Session, context: Context) -> None:
    """Documents of one set refer to each other by name in any order; contained and foreign references stay."""
    urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
    done = records.apply(
        session,
        context,
        [
            change(observation(subject={"reference": urn}, device={"reference": "#c"}, encounter={"reference": "#e"})),
            change(patient(), name=urn),
            change({"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"}}, name="#e"),
        ],
    )
    made = current(session, "Observation", done.outcomes[0].id)
    assert made["subject"]["reference"] == f"Patient/{done.outcomes[1].id}"
    assert made["encounter"]["reference"] == f"Encounter/{done.outcomes[2].id}"
    assert made["device"]["reference"] == "#c"
    subjects = {stored.type: stored.subject for stored in done.touched}
    assert subjects["Observation"] == subjects["Patient"] is not None
    assert subjects["Encounter"] is None
    of_person = records.of_subject(session, [subjects["Patient"] or 0])
    assert [stored.type for stored in of_person] == ["Observation", "Patient"]
    assert [s.type for s in records.of_subject(session, [subjects["Patient"] or 0], ["Patient"])] == ["Patient"]


def test_names_of_what_is_there_already(session: Session, context: Context) -> None:
    """A name stands for the record that a conditional create found, and for what another entry of the set creates."""
    document = patient(identifier=[{"system": "urn:x", "value": "1"}])
    once = change(document, match=("identifier=urn:x|1",))
    (first,) = records.apply(session, context, [once]).outcomes
    new = patient(identifier=[{"system": "urn:x", "value": "2"}])
    names = ["urn:uuid:1", "urn:uuid:2", "urn:uuid:3"]
    changes = [
        change(document, name=names[0], match=("identifier=urn:x|1",)),
        change(new, name=names[1], match=("identifier=urn:x|2",)),
        change(new, name=names[2], match=("identifier=urn:x|2",)),
        *(change(observation(subject={"reference": name})) for name in names),
    ]
    done = records.apply(session, context, changes)
    ids = [first.id, done.outcomes[1].id, done.outcomes[1].id]
    seen = [one for one in done.touched if one.type == "Observation"]
    assert [current(session, "Observation", one.id)["subject"]["reference"] for one in seen] == [
        f"Patient/{id}" for id in ids
    ]
    assert all(one.subject is not None for one in seen)


def test_conditional_create_and_reference(session: Session, context: Context) -> None:
    """A create that something matches makes nothing; a conditional reference finds the one record it means."""
    document = patient(identifier=[{"system": "urn:x", "value": "1"}])
    first = records.apply(session, context, [change(document, match=("identifier=urn:x|1",))])
    second = records.apply(session, context, [change(document, match=("identifier=urn:x|1",))])
    assert [o.action for o in first.outcomes + second.outcomes] == ["created", "ignored"]
    assert first.outcomes[0].id == second.outcomes[0].id
    seen = records.apply(session, context, [change(observation(subject={"reference": "Patient?identifier=urn:x|1"}))])
    made = current(session, "Observation", seen.outcomes[0].id)
    assert made["subject"]["reference"] == f"Patient/{first.outcomes[0].id}"


def test_several_matches_are_refused(session: Session, context: Context) -> None:
    """Where a condition finds two records, the change says so instead of choosing."""
    document = patient(identifier=[{"system": "urn:x", "value": "1"}])
    records.apply(session, context, [change(document), change(document)])
    for method in ("create", "put", "delete"):
        done = records.apply(session, context, [change(document, method, match=("identifier=urn:x|1",))])  # type: ignore[arg-type]
        assert [i.code for i in done.issues] == ["multiple-matches"]
    seen = records.apply(session, context, [change(observation(subject={"reference": "Patient?identifier=urn:x|1"}))])
    assert [i.code for i in seen.issues] == ["unresolved-reference"]


def test_conditional_update(session: Session, context: Context) -> None:
    """A conditional put updates the record that matches, else makes one."""
    document = patient(identifier=[{"system": "urn:x", "value": "1"}])
    made = records.apply(session, context, [change(document, "put", match=("identifier=urn:x|1",))])
    done = records.apply(session, context, [change(document | {"active": True}, "put", match=("identifier=urn:x|1",))])
    assert [o.action for o in made.outcomes + done.outcomes] == ["created", "updated"]
    assert made.outcomes[0].id == done.outcomes[0].id
    twice = [change(document, "put", id="same") for _ in range(2)]
    assert [i.code for i in records.apply(session, context, twice).issues] == ["duplicate"]


def test_merge_keeps_replaces_and_clears(session: Session) -> None:
    """A merge replaces what it names, removes what is None, unites identifiers, and keeps to its own peer's records."""
    clinic = peers.ensure(session, "clinic", "hl7v2")
    other = peers.ensure(session, "other", "hl7v2")
    here = history.open_change_set(session, "tester", clinic)
    match = ("identifier=urn:x|1",)
    first = patient(
        identifier=[{"system": "urn:x", "value": "1"}], gender="male", birthDate="1990-04-01", telecom=[{"value": "1"}]
    )
    second = patient(
        identifier=[{"system": "urn:y", "value": "9"}, {"system": "urn:x", "value": "1", "use": "usual"}],
        gender="female",
        birthDate=None,
        name=[{"family": "Abara", "given": None}],
    )
    made = records.apply(session, here, [change(first, "merge", match=match)])
    done = records.apply(session, here, [change(second, "merge", match=match)])
    assert [o.action for o in made.outcomes + done.outcomes] == ["created", "updated"]
    merged = current(session, "Patient", made.outcomes[0].id)
    assert merged["identifier"] == [
        {"system": "urn:x", "value": "1", "use": "usual"},
        {"system": "urn:y", "value": "9"},
    ]
    assert merged["gender"] == "female"
    assert merged["name"] == [{"family": "Abara"}]
    assert merged["telecom"] == [{"value": "1"}]
    assert "birthDate" not in merged
    elsewhere = history.open_change_set(session, "tester", other)
    foreign = records.apply(session, elsewhere, [change(first, "merge", match=match)])
    assert foreign.outcomes[0].action == "created"
    twins = records.apply(
        session, here, [change(first, "merge", match=("identifier=urn:x|7",), name="#1") for _ in "ab"]
    )
    assert len(twins.touched) == 1
    assert {o.id for o in twins.outcomes} == {twins.touched[0].id}


def test_merge_goes_into_inner_objects(session: Session) -> None:
    """Inner objects are merged, a choice has one type, `clears` remove items, `defaults` serve new records."""
    clinic = peers.ensure(session, "clinic", "hl7v2")
    here = history.open_change_set(session, "tester", clinic)
    visit = {"resourceType": "Encounter", "identifier": [{"system": "urn:v", "value": "1"}]}
    first = {
        **visit,
        "class": {"code": "IMP"},
        "period": {"start": "2024-01-01"},
        "hospitalization": {"reAdmission": {"text": "R"}, "destination": {"display": "home"}, "origin": None},
        "extension": [{"url": "urn:a", "valueString": "1"}, {"url": "urn:a", "valueString": "2"}],
        "contained": [{"resourceType": "Location", "id": "old"}],
        "location": [{"status": "active", "location": {"reference": "#old"}}],
    }
    second = {
        **visit,
        "period": {"end": "2024-01-03"},
        "hospitalization": {"destination": None, "dischargeDisposition": {"text": "D"}},
        "extension": [{"url": "urn:b", "valueString": "3"}],
        "contained": [{"resourceType": "Location", "id": "new"}],
        "location": [{"status": "active", "location": {"reference": "#new"}}],
    }
    match = ("identifier=urn:v|1",)
    defaults = {"status": "unknown"}
    made = records.apply(session, here, [RecordChange("Encounter", first, "merge", match=match, defaults=defaults)])
    assert made.issues == []
    records.apply(session, here, [RecordChange("Encounter", {**visit, "status": "arrived"}, "merge", match=match)])
    last = RecordChange("Encounter", second, "merge", match=match, defaults=defaults)
    last.clears = [("extension", {"url": "urn:a", "valueString": "1"})]
    records.apply(session, here, [last])
    merged = current(session, "Encounter", made.outcomes[0].id)
    assert merged["status"] == "arrived"
    assert merged["period"] == {"start": "2024-01-01", "end": "2024-01-03"}
    assert merged["hospitalization"] == {"reAdmission": {"text": "R"}, "dischargeDisposition": {"text": "D"}}
    assert [e["valueString"] for e in merged["extension"]] == ["2", "3"]
    assert [held["id"] for held in merged["contained"]] == ["new"]
    result = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "c"},
        "identifier": visit["identifier"],
    }
    told = records.apply(
        session, here, [RecordChange("Observation", {**result, "valueString": "a"}, "merge", match=match)]
    )
    records.apply(session, here, [RecordChange("Observation", {**result, "valueInteger": 1}, "merge", match=match)])
    observation = current(session, "Observation", told.outcomes[0].id)
    assert ("valueString" in observation, observation["valueInteger"]) == (False, 1)


def test_delete_and_return(session: Session, context: Context) -> None:
    """A deleted record is gone from searches but its versions stay; putting it again brings it back."""
    records.apply(session, context, [change(patient(id="a", gender="male"), "put", id="a")])
    gone = records.apply(session, context, [change(patient(), "delete", id="a")])
    assert (gone.outcomes[0].action, gone.outcomes[0].version) == ("deleted", 2)
    assert records.read(session, [("Patient", "a")])[("Patient", "a")].deleted
    assert records.search(session, "Patient", [("gender", "male")]).matches == []
    again = records.apply(session, context, [change(patient(), "delete", id="a")])
    assert again.outcomes[0].action == "ignored"
    never = records.apply(session, context, [change(patient(), "delete", match=("identifier=urn:x|none",))])
    assert never.outcomes[0].action == "ignored"
    back = records.apply(session, context, [change(patient(id="a", gender="male"), "put", id="a")])
    assert (back.outcomes[0].action, back.outcomes[0].version) == ("created", 3)
    assert len(records.search(session, "Patient", [("gender", "male")]).matches) == 1


def test_retract(session: Session) -> None:
    """What a sender no longer says becomes entered-in-error, unless the same set writes it."""
    clinic = peers.ensure(session, "clinic", "emr")
    here = history.open_change_set(session, "tester", clinic)
    key = {"identifier": [{"system": "urn:row", "value": "7"}]}
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, **key}
    records.apply(session, here, [change(observation(id="a", **key), "put", id="a"), change(condition, "create")])
    retract = [
        RecordChange("Observation", {}, "retract", match=("identifier=urn:row|7",)),
        RecordChange("Condition", {}, "retract", match=("identifier=urn:row|7",)),
        RecordChange("Encounter", {}, "retract", match=("identifier=urn:row|7",)),
    ]
    kept = records.apply(
        session, here, [change(observation(id="a", **key, issued="2026-01-01T00:00:00Z"), "put", id="a"), retract[0]]
    )
    assert [o.action for o in kept.outcomes] == ["updated", "ignored"]
    done = records.apply(session, here, retract)
    assert [o.action for o in done.outcomes] == ["updated", "updated"]
    assert current(session, "Observation", "a")["status"] == "entered-in-error"
    verification = current(session, "Condition", done.outcomes[1].id)["verificationStatus"]
    assert verification["coding"][0]["code"] == "entered-in-error"


def test_a_record_may_come_before_its_patient(session: Session, context: Context) -> None:
    """A reference to a record nobody has sent yet is searchable, and gets its person when the patient arrives."""
    early = records.apply(session, context, [change(observation(subject={"reference": "Patient/late"}))])
    assert early.touched[0].subject is None
    assert records.read(session, [("Patient", "late")]) == {}
    assert len(records.search(session, "Observation", [("patient", "late")]).matches) == 1
    come = records.apply(session, context, [change(patient(id="late"), "put", id="late")])
    assert (come.outcomes[0].action, come.outcomes[0].version) == ("created", 1)
    found = records.search(session, "Observation", [("patient", "late")]).matches
    assert [one.subject for one in found] == [come.touched[0].subject]


def test_retraction_takes_every_match(session: Session) -> None:
    """A visit with many diagnoses loses all that its correction leaves out."""
    here = history.open_change_set(session, "tester", peers.ensure(session, "clinic", "emr"))
    key = {"identifier": [{"system": "urn:row", "value": "7"}]}
    records.apply(session, here, [change(observation(**key)) for _ in range(7)])
    done = records.apply(session, here, [RecordChange("Observation", {}, "retract", match=("identifier=urn:row|7",))])
    assert [outcome.action for outcome in done.outcomes] == ["updated"] * 7


def test_local_names_of_a_message_join_its_records(session: Session, context: Context) -> None:
    """`#Patient-1` names a change of the set: the record belongs to that person; a contained resource joins nobody."""
    named = change(patient(gender="male"), name="#Patient-1")
    about = change(observation(subject={"reference": "#Patient-1"}, performer=[{"reference": "#inner"}]))
    made = records.apply(session, context, [about, named])
    assert made.touched[0].subject is not None
    assert len({one.subject for one in made.touched}) == 1
    reference = current(session, "Observation", made.outcomes[0].id)["subject"]["reference"]
    assert reference == f"Patient/{made.outcomes[1].id}"
    assert records.search(session, "Observation", [("subject", made.outcomes[1].id)]).matches


def test_a_merge_replaces_what_is_no_list(session: Session) -> None:
    """An identifier that a type has once is replaced, not united."""
    here = history.open_change_set(session, "tester", peers.ensure(session, "clinic", "hl7v2"))
    base = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    match = ("identifier=urn:x|1",)
    first = {**base, "identifier": {"system": "urn:x", "value": "1"}}
    second = {**base, "identifier": {"system": "urn:x", "value": "1", "use": "usual"}}
    made = records.apply(session, here, [change(first, "merge", match=match)])
    done = records.apply(session, here, [change(second, "merge", match=match)])
    assert [o.action for o in made.outcomes + done.outcomes] == ["created", "updated"]
    assert current(session, "QuestionnaireResponse", made.outcomes[0].id)["identifier"]["use"] == "usual"
