"""Records become attributes, enrollments and events, whatever the order in which they arrive."""

from itertools import permutations

import pytest

from hub import bound
from tests.hub.bound.district import (
    CASE,
    FOLLOW_UP,
    LOINC,
    MALARIA,
    NID,
    SCT,
    TB,
    TB_LAB,
    TB_VISIT,
    District,
    coded,
    condition,
    encounter,
    observation,
    patient,
    rapid_test,
    settle,
    temperature,
)
from tracker_core.changes import RecordChange
from tracker_core.database import Session

DAY = "2026-03-05"


@pytest.fixture
def district(session: Session) -> District:
    """A district in which nothing has happened yet."""
    return settle(session)


def test_a_coded_case_enrols_makes_its_event_and_schedules_the_next(district: District) -> None:
    """One visit with a malaria diagnosis: an active enrollment, an event with its values, a follow-up in three days."""
    district.receive(
        patient(), encounter(DAY), condition("B50.9", DAY), condition("J06.9", DAY), temperature("39.10", DAY),
        rapid_test("10828004", DAY),
    )  # fmt: skip
    assert district.report.issues == []
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]
    assert district.events() == [
        (CASE, "COMPLETED", DAY, {"MAL_DIAGNOSIS": "B50.9", "MAL_TEMP": "39.10", "MAL_RDT": "POSITIVE"}),
        (FOLLOW_UP, "SCHEDULE", "2026-03-08", {}),
    ]
    (episode,) = district.documents("EpisodeOfCare")
    assert episode["status"] == "active"
    assert episode["period"] == {"start": DAY}
    units = district.session.execute(
        "select distinct u.uid from event e join org_unit u on u.pk = e.org_unit"
    ).fetchall()
    assert units == [("ClinicBbbbb",)]


def test_lineage_names_the_records(district: District) -> None:
    """The enrollment's origin is the Condition, the event's the Encounter."""
    touched = {record.type: record for record in district.receive(patient(), encounter(DAY), condition("B54", DAY))}
    origins = district.session.execute("select origin from enrollment").fetchall()
    assert origins == [(touched["Condition"].pk,)]
    rows = district.session.execute("select origin from event where status <> 'SCHEDULE'").fetchall()
    assert rows == [(touched["Encounter"].pk,)]


def test_the_same_again_changes_nothing(district: District) -> None:
    """A repeated message writes no row, no version and no change."""
    visit = [patient(), encounter(DAY), condition("B50.9", DAY, "c1"), temperature("39.1", DAY, "o1")]
    district.receive(*visit)
    before = (district.versions(), district.session.execute("select max(id) from change").fetchall())
    district.receive(*visit)
    assert (district.versions(), district.session.execute("select max(id) from change").fetchall()) == before
    assert district.report.outcomes == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_does_not_matter(district: District, order: tuple[int, ...]) -> None:
    """Diagnosis, measurements and a laboratory result in three messages, in any order, give the same program state."""
    parts: list[RecordChange] = [
        condition("A15.0", DAY),
        observation(LOINC, "29463-7", DAY, valueQuantity={"value": 52, "unit": "kg", "code": "kg"}),
        observation(LOINC, "648-6", DAY, valueCodeableConcept=coded(SCT, "10828004")),
    ]
    for n in order:
        district.receive(patient(), encounter(DAY), parts[n])
    assert district.enrollments() == [(TB, "ACTIVE", DAY)]
    done = [event for event in district.events() if event[1] != "SCHEDULE"]
    assert done == [
        (TB_LAB, "COMPLETED", DAY, {"TB_SPUTUM": "POSITIVE"}),
        (TB_VISIT, "COMPLETED", DAY, {"TB_DIAGNOSIS": "A15.0", "TB_WEIGHT": "52"}),
    ]


def test_repeats_join_the_episode_and_later_cases_open_the_next(district: District) -> None:
    """Within 28 days it is the same malaria; after that the old episode is complete; before it, one that is over."""
    for day in ("2026-03-05", "2026-03-20", "2026-04-25", "2026-01-02"):
        district.receive(patient(), encounter(day), condition("B50.9", day))
        assert [issue.text for issue in district.report.issues] == []
    assert district.enrollments() == [
        (MALARIA, "COMPLETED", "2026-01-02"),
        (MALARIA, "COMPLETED", "2026-03-05"),
        (MALARIA, "ACTIVE", "2026-04-25"),
    ]
    assert [event[2] for event in district.events() if event[0] == CASE] == [
        "2026-01-02",
        "2026-03-05",
        "2026-03-20",
        "2026-04-25",
    ]


def test_an_encounter_fulfils_the_visit_that_was_scheduled(district: District) -> None:
    """Back after three days with a negative test: the scheduled event is the one that happened."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY))
    uid = district.session.execute("select uid from event where status = 'SCHEDULE'").fetchall()
    district.receive(patient(), encounter("2026-03-08"), rapid_test("260385009", "2026-03-08", "r"))
    assert district.events()[1] == (FOLLOW_UP, "COMPLETED", "2026-03-08", {"MAL_RDT": "NEGATIVE"})
    assert district.session.execute("select uid from event where occurred_at > '2026-03-07'").fetchall() == uid
    district.receive(patient(), encounter("2026-03-08"), rapid_test("10828004", "2026-03-08", "r"))
    assert [event[3] for event in district.events()] == [{"MAL_DIAGNOSIS": "B50.9"}, {"MAL_RDT": "POSITIVE"}]


def test_a_test_without_diagnosis_on_the_day_is_no_follow_up_of_the_diagnosis(district: District) -> None:
    """Result first, diagnosis of the same encounter later: the event of the wrong stage goes away."""
    district.receive(patient(), encounter("2026-03-01"), condition("B50.9", "2026-03-01"))
    district.receive(patient(), encounter(DAY), rapid_test("10828004", DAY))
    assert [(e[0], e[2]) for e in district.events()] == [(CASE, "2026-03-01"), (FOLLOW_UP, "2026-03-05")]
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY))
    assert [(e[0], e[2]) for e in district.events()] == [(CASE, "2026-03-01"), (CASE, "2026-03-05")]


def test_corrections_and_retractions_reach_the_event(district: District) -> None:
    """A corrected value replaces, a retracted or deleted one clears, a retracted visit undoes the event."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY, "c"), temperature("39.1", DAY, "t"))
    district.receive(patient(), encounter(DAY), temperature("38.6", DAY, "t"))
    assert district.events()[0][3]["MAL_TEMP"] == "38.6"
    wrong = temperature("38.6", DAY, "t")
    assert isinstance(wrong.document, dict)
    wrong.document["status"] = "entered-in-error"
    district.receive(patient(), encounter(DAY), wrong)
    assert "MAL_TEMP" not in district.events()[0][3]
    district.receive(patient(), encounter(DAY), rapid_test("10828004", DAY, "r"))
    assert district.events()[0][3]["MAL_RDT"] == "POSITIVE"
    district.receive(RecordChange("Observation", {}, "delete", id="r"))
    assert "MAL_RDT" not in district.events()[0][3]
    district.receive(patient(), encounter(DAY, status="entered-in-error"))
    assert [event[0] for event in district.events()] == [FOLLOW_UP]


def test_a_refuted_case_cancels_unless_another_supports_it(district: District) -> None:
    """The enrollment stands while any diagnosis of the episode does; confirmed again, it is open again."""
    refuted = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY, "c1"), condition("B54", DAY, "c2"))
    origin = district.session.execute("select r.id from enrollment n join record r on r.pk = n.origin").fetchall()[0][0]
    other = "c2" if origin == "c1" else "c1"
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY, origin, **refuted))
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]
    district.receive(patient(), encounter(DAY), condition("B54", DAY, other, **refuted))
    district.receive(patient(), encounter(DAY), condition("B50.8", DAY, origin, **refuted))
    assert district.enrollments() == [(MALARIA, "CANCELLED", DAY)]
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY, origin))
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]


def test_a_deleted_event_stays_deleted(district: District) -> None:
    """Somebody deleted it in the program: its records don't bring it back, and the sender is told."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY))
    district.session.execute("update event set deleted = true where status = 'COMPLETED'")
    district.receive(patient(), encounter(DAY), temperature("39.1", DAY))
    assert [event[0] for event in district.events()] == [FOLLOW_UP]
    assert [issue.code for issue in district.report.issues] == ["event-deleted"]


def test_results_without_encounter_join_the_visit_of_the_day(district: District) -> None:
    """A laboratory names the patient and the time only."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY))
    alone = temperature("39.1", DAY)
    assert isinstance(alone.document, dict)
    del alone.document["encounter"]
    district.receive(patient(), alone)
    assert district.events()[0][3]["MAL_TEMP"] == "39.1"
    later = temperature("37.0", "2026-03-09")
    test = rapid_test("260385009", "2026-03-09")
    for change in (later, test):
        assert isinstance(change.document, dict)
        del change.document["encounter"]
    district.receive(patient(), later, test)
    assert district.events()[1] == (FOLLOW_UP, "ACTIVE", "2026-03-09", {"MAL_TEMP": "37.0", "MAL_RDT": "NEGATIVE"})


def test_persons_of_no_program_get_their_attributes(district: District) -> None:
    """Whoever has a Patient record can be found by name in the tracker; the shared identifier fills its attribute."""
    district.receive(patient())
    assert district.attributes() == [
        {
            "GIVEN_NAME": "Rose",
            "FAMILY_NAME": "Auma",
            "PATINFO_SEX": "FEMALE",
            "PATINFO_DOB": "1994-02-03",
            "NATIONAL_ID": "NID-1",
            "PHONE_LOCAL": "+256772123456",
        }
    ]
    assert district.enrollments() == []


def test_the_newest_statement_wins_and_repeating_is_none(district: District) -> None:
    """A second source corrects the name; the first one sending its old name again changes nothing back."""
    district.receive(patient())
    other = patient(name="#other")
    assert isinstance(other.document, dict)
    other.document["identifier"] = [{"system": NID, "value": "NID-1"}, {"system": "urn:lab", "value": "L1"}]
    other.document["name"] = [{"family": "Awuma", "given": ["Rose"]}]
    other.match = ("identifier=urn:lab|L1",)
    district.receive(other, peer="lab")
    assert [a["FAMILY_NAME"] for a in district.attributes()] == ["Awuma"]
    district.receive(patient(address=[{"text": "Hill Road"}]))
    assert [(a["FAMILY_NAME"], a["ADDRESS"]) for a in district.attributes()] == [("Awuma", "Hill Road")]


def test_a_peer_of_higher_priority_is_believed(district: District) -> None:
    """While the civil registry states a name, others don't change it."""
    district.session.execute("update peer set settings = settings || '{\"priority\": 5}' where code = 'emr'")
    district.receive(patient())
    other = patient("2")
    assert isinstance(other.document, dict)
    other.document["identifier"] = [{"system": NID, "value": "NID-1"}, {"system": "urn:emr:mrn", "value": "2"}]
    other.document["name"] = [{"family": "Wrong", "given": ["Rose"]}]
    district.receive(other, peer="lab")
    assert [a["FAMILY_NAME"] for a in district.attributes()] == ["Auma"]


def test_what_nobody_states_any_more_falls_back(district: District) -> None:
    """The only statement withdrawn: the next best record gives the value, or nobody does."""
    district.receive(patient())
    district.receive(patient(telecom=None))
    assert "PHONE_LOCAL" not in district.attributes()[0]


def test_a_unique_value_of_another_person_is_left_out(district: District) -> None:
    """A man with a woman's national id: two persons, a suspicion, and the attribute stays with the first."""
    district.receive(patient())
    district.receive(
        patient(
            "2", identifier=[{"system": NID, "value": "NID-1"}, {"system": "urn:emr:mrn", "value": "2"}], gender="male"
        )
    )
    assert [a.get("NATIONAL_ID") for a in district.attributes()] == ["NID-1", None]
    assert [issue.code for issue in district.report.issues] == ["not-unique"]
    assert district.session.execute("select count(*) from potential_duplicate").fetchone() == (1,)


def test_what_the_program_refuses_is_a_warning(district: District) -> None:
    """A clinic that doesn't offer the program: the records are stored, and the report says why nobody was enrolled."""
    district.session.execute(
        "update metadata_object set doc = jsonb_set(doc, '{organisationUnits}', '[]') where uid = %s", (MALARIA,)
    )
    district.session.execute("update metadata_version set version = nextval('object_pk')")
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY))
    assert district.enrollments() == []
    assert {issue.severity for issue in district.report.issues} == {"warning"}
    assert len(district.documents("Condition")) == 1


def test_a_new_binding_enrols_the_cases_of_yesterday(district: District) -> None:
    """Replay, page by page; again, it changes nothing."""
    text = (
        "binding flu\nprogram MALARIA_CASE\nvalueset flu icd-10 J09-J11\n"
        "case Condition.code in flu enrol window 10 days\nstage MAL_CASE Condition.code in flu\n"
        "occurredAt -> Encounter.period.start dateTime\ndataValues.MAL_DIAGNOSIS -> Condition.code icd10\n"
    )
    for n, day in enumerate(("2025-10-01", "2025-10-04", "2025-11-20"), 1):
        district.receive(patient(), encounter(day), condition("J10.1", day, f"c{n}"))
    assert district.enrollments() == []
    context = district.context()
    flu = bound.save(district.session, context, text, "flu")
    assert flu.issues == ()
    after: int | None = 0
    pages = 0
    while after is not None:
        done = bound.replay(district.session, context, flu, after, limit=2)
        after, pages = done.after, pages + done.seen
        assert done.report.issues == []
    assert pages == 6
    assert district.enrollments() == [(MALARIA, "COMPLETED", "2025-10-01"), (MALARIA, "ACTIVE", "2025-11-20")]
    assert [e[2] for e in district.events()] == ["2025-10-01", "2025-10-04", "2025-11-20"]
    assert bound.replay(district.session, context, flu).report.outcomes == []
