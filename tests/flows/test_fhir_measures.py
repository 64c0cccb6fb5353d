"""Case reports as Measures, their numbers as MeasureReports: the same as the report's own runs, and back in again."""

from typing import Any

import httpx
import pytest

from hub import catalogue
from hub.runtime import Runtime
from tests.flows.test_aggregate import REPORT, UNIT, equip, send_case
from tracker_core import aggregates, history, peers
from tracker_core.aggregates import reports
from tracker_core.database import transaction

MARCH = {"periodStart": "2024-03-01", "periodEnd": "2024-03-31"}
URL = "urn:tracker-hub:case-report:FLOW"


@pytest.fixture
def clinic(client: httpx.Client, runtime: Runtime) -> httpx.Client:
    """A client of a hub with the report, its clinic and three cases in March, one of them a child."""
    equip(runtime)
    with transaction(runtime.pool) as session:
        peer = peers.ensure(session, "clinic", "fhir")
        assert not reports.save(session, history.open_change_set(session, "tester"), REPORT)
    send_case(runtime, peer, "1", "B54")
    send_case(runtime, peer, "2", "B50.9", born="1990-01-01")
    send_case(runtime, peer, "3", "B50.0", born="1991-01-01")
    send_case(runtime, peer, "4", "J45", born="1991-01-01")
    catalogue.turn(runtime)
    return client


def evaluate(client: httpx.Client, **query: str) -> dict[str, Any]:
    """The answer of `$evaluate-measure`."""
    answer = client.get("/fhir/Measure/FLOW/$evaluate-measure", params={**MARCH, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def strata(report: dict[str, Any]) -> dict[tuple[str, ...], int]:
    """Count by age and sex."""
    return {
        tuple(c["value"]["coding"][0]["code"] for c in one["component"]): one["measureScore"]["value"]
        for one in report["group"][0]["stratifier"][0]["stratum"]
    }


def test_a_case_report_is_a_measure(clinic: httpx.Client) -> None:
    """It is read, and found by its url."""
    measure = clinic.get("/fhir/Measure/FLOW").json()
    assert measure["url"] == URL
    assert measure["group"][0]["code"]["coding"][0]["code"] == "FLOW_MALARIA"
    found = clinic.get("/fhir/Measure", params={"url": URL}).json()["entry"]
    assert [one["resource"]["id"] for one in found] == ["FLOW"]


def test_an_evaluation_equals_the_run_and_writes_nothing(clinic: httpx.Client, runtime: Runtime) -> None:
    """Every stratum is the value that the aggregate run of the period writes."""
    told = evaluate(clinic)
    with transaction(runtime.pool) as session:
        assert session.execute("select count(*) from aggregate_value").fetchone() == (0,)
        context = history.open_change_set(session, "tester")
        aggregates.run(session, context, "FLOW", "202403")
        values = sorted(int(v) for (v,) in session.execute("select value from aggregate_value where not deleted"))
    assert sorted(strata(told).values()) == values == [1, 2]
    assert told["group"][0]["population"][0]["count"] == 3
    assert strata(evaluate(clinic)) == strata(told) == {("P0Y--P5Y", "F"): 1, ("P5Y--P9999Y", "F"): 2}
    quarter = evaluate(clinic, periodStart="2024-01-01", periodEnd="2024-03-31")
    assert strata(quarter) == strata(told)


def test_an_evaluation_is_of_an_org_unit_and_all_below(clinic: httpx.Client, runtime: Runtime) -> None:
    """The clinic has the cases, and so has what is above it; the Location is the subject."""
    here = evaluate(clinic, subject=f"Location/{UNIT['id']}")
    assert here["subject"] == {"reference": f"Location/{UNIT['id']}"}
    assert here["group"][0]["population"][0]["count"] == 3
    with transaction(runtime.pool) as session:
        other = session.execute("select uid from org_unit where uid <> %s limit 1", (UNIT["id"],)).fetchall()[0][0]
    there = evaluate(clinic, subject=f"Organization/{other}")
    assert there["group"][0]["population"][0]["count"] == 0


def test_subject_lists_name_the_patients_behind_a_number(clinic: httpx.Client) -> None:
    """Each population has its List of Patients; a report on one Patient says whether they are in."""
    told = evaluate(clinic, reportType="subject-list")
    lists = {f"#{one['id']}": [e["item"]["reference"] for e in one.get("entry", ())] for one in told["contained"]}
    stratum = told["group"][0]["stratifier"][0]["stratum"][1]
    assert sorted(lists[stratum["population"][0]["subjectResults"]["reference"]]) == ["Patient/p2", "Patient/p3"]
    single = evaluate(clinic, reportType="subject", subject="Patient/p2")
    assert (single["type"], single["subject"]) == ("individual", {"reference": "Patient/p2"})
    assert strata(single) == {("P0Y--P5Y", "F"): 0, ("P5Y--P9999Y", "F"): 1}


def test_an_evaluation_is_of_the_members_of_a_group(clinic: httpx.Client) -> None:
    """Of each number, the members who are in it; those who left the group do not count."""
    who = [{"entity": {"reference": f"Patient/p{n}"}, "inactive": n == 3} for n in (2, 3, 4)]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": who}
    assert clinic.put("/fhir/Group/g", json=group).status_code == 201
    told = evaluate(clinic, subject="Group/g", reportType="subject-list")
    assert told["subject"] == {"reference": "Group/g"}
    assert told["group"][0]["population"][0]["count"] == 1
    named = {entry["item"]["reference"] for one in told["contained"] for entry in one.get("entry", ())}
    assert named == {"Patient/p2"}
    assert sum(strata(evaluate(clinic, subject="Group/g")).values()) == 1


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("Measure/NONE", MARCH, 404),
        ("Measure/FLOW", {**MARCH, "periodEnd": "2024-03-30"}, 400),
        ("Measure/FLOW", {"periodStart": "soon"}, 400),
        ("Measure/FLOW", {**MARCH, "reportType": "everything"}, 400),
        ("Measure/FLOW", {**MARCH, "reportType": "subject"}, 400),
        ("Measure/FLOW", {**MARCH, "subject": "Patient/nobody"}, 404),
        ("Measure/FLOW", {**MARCH, "subject": "Location/nowhere"}, 404),
        ("Measure/FLOW", {**MARCH, "subject": "Group/x"}, 404),
        ("Measure/FLOW", {**MARCH, "subject": "Device/x"}, 422),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    clinic: httpx.Client, path: str, query: dict[str, str], status: int
) -> None:
    """Unknown measures and subjects, days that are no periods, types that do not go with the subject."""
    assert clinic.get(f"/fhir/{path}/$evaluate-measure", params=query).status_code == status


def test_computed_values_are_found_as_measure_reports(clinic: httpx.Client, runtime: Runtime) -> None:
    """By measure, subject, period, id and status; a stored report comes beside them."""
    with transaction(runtime.pool) as session:
        context = history.open_change_set(session, "tester")
        for period in ("202402", "202403"):
            aggregates.run(session, context, "FLOW", period)

    def ids(**query: str) -> list[str]:
        answer = clinic.get("/fhir/MeasureReport", params=query)
        assert answer.status_code == 200, answer.text
        return [one["resource"]["id"] for one in answer.json().get("entry", ())]

    (id,) = ids()
    report = clinic.get(f"/fhir/MeasureReport/{id}").json()
    assert strata(report) == strata(evaluate(clinic))
    assert report["period"] == {"start": "2024-03-01", "end": "2024-03-31"}
    assert ids(measure=URL, subject=f"Location/{UNIT['id']}", period="2024-03", status="complete") == [id]
    assert ids(period="ge2024-03-31") == ids(period="2024") == ids(_id=id) == ids(period="ap2024-03-15") == [id]
    assert ids(period="gt2024-04") == ids(measure="urn:other") == ids(reporter="Organization/x") == ids(_id="x") == []
    assert ids(status="error") == ids(period="lt2024-03-01") == []
    assert clinic.get("/fhir/MeasureReport", params={"_summary": "count"}).json()["total"] == 1
    assert clinic.get("/fhir/MeasureReport", params={"period": "then"}).status_code == 400
    assert clinic.get("/fhir/MeasureReport/v-0-202403-x").status_code == 404


def test_a_posted_measure_report_is_a_record_and_aggregate_values(clinic: httpx.Client, runtime: Runtime) -> None:
    """Numbers of known data elements become values; others stay in the record; wrong ones are warnings."""
    told = {
        **evaluate(clinic, subject=f"Location/{UNIT['id']}"),
        "period": {"start": "2024-01-01", "end": "2024-01-31"},
    }
    posted = clinic.post("/fhir/MeasureReport", json=told, headers={"prefer": "return=OperationOutcome"})
    assert posted.status_code == 201, posted.text
    with transaction(runtime.pool) as session:
        rows = session.execute("select value from aggregate_value where period = '202401' order by value").fetchall()
    assert rows == [("1",), ("2",)]
    unknown = {**told, "group": [{"code": {"coding": [{"code": "ELSEWHERE"}]}, "measureScore": {"value": 3}}]}
    assert clinic.post("/fhir/MeasureReport", json=unknown).status_code == 201
    crooked = {**told, "period": {"start": "2024-01-03", "end": "2024-01-31"}}
    answer = clinic.post("/fhir/MeasureReport", json=crooked, headers={"prefer": "return=OperationOutcome"})
    assert answer.status_code == 201
    assert {one["severity"] for one in answer.json()["issue"]} == {"warning"}
