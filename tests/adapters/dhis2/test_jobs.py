"""Imports whose sender does not wait: the job, its notifications, its report, and what a crash leaves."""

from typing import Any

import httpx

from hub.access import HubAccess
from hub.worker import run_inbound
from tests.adapters.dhis2.conftest import Client, client_of
from tests.adapters.dhis2.samples import person
from tracker_core import messages
from tracker_core.database import Pool, transaction


def started(client: Client, payload: Any, **parameters: str) -> str:
    """Send a payload without waiting for its end; return the job."""
    response = client.post("/api/42/tracker", json=payload, params=parameters)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["message"], answer["response"]["responseType"]) == ("Tracker job added", "TrackerJob")
    job: str = answer["response"]["id"]
    assert answer["response"]["location"] == f"http://hub.example/api/42/tracker/jobs/{job}"
    return job


def report_of(client: Client, job: str, mode: str = "FULL") -> httpx.Response:
    """Ask for a job's report."""
    return client.get(f"/api/tracker/jobs/{job}/report", params={"reportMode": mode})


def test_a_job_is_queued_then_done(client: Client, way: HubAccess) -> None:
    """No notification and no report before a worker had it; afterwards both, and they are not to be cached."""
    job = started(client, {"trackedEntities": [person()]})
    assert client.get(f"/api/tracker/jobs/{job}").json() == []
    missing = report_of(client, job)
    assert (missing.status_code, missing.json()["message"]) == (404, f"Summary for job {job} does not exist")
    assert run_inbound(way.runtime, "worker") == 1
    done, begun = client.get(f"/api/tracker/jobs/{job}").json()
    assert (done["completed"], done["level"], done["category"]) == (True, "INFO", "TRACKER_IMPORT_JOB")
    assert done["message"] == "Import complete with status OK, 3 created, 0 updated, 0 deleted, 0 ignored"
    assert (begun["completed"], begun["id"]) == (False, job)
    report = report_of(client, job, "errors")
    assert report.json()["stats"]["created"] == 3
    assert report.headers["cache-control"] == "no-store"


def test_a_running_job_tells_that_it_started(client: Client, way: HubAccess, pool: Pool) -> None:
    """While a worker has it, a job has one notification that is not the last."""
    job = started(client, {"trackedEntities": [person()]})
    with transaction(pool) as session:
        messages.claim(session, "in", "worker", 1)
    [note] = client.get(f"/api/tracker/jobs/{job}").json()
    assert (note["completed"], note["message"]) == (False, "Process started")


def test_wrong_data_is_in_the_report_of_a_job(client: Client, way: HubAccess) -> None:
    """A job whose payload was refused is complete; its report tells why. Its summary is the same report."""
    job = started(client, {"trackedEntities": [person(orgUnit="Nowhere0001")]})
    run_inbound(way.runtime, "worker")
    assert "status ERROR" in client.get(f"/api/tracker/jobs/{job}").json()[0]["message"]
    report = report_of(client, job).json()
    assert report["validationReport"]["errorReports"][0]["errorCode"] == "E1049"
    assert client.get(f"/api/system/taskSummaries/TRACKER_IMPORT_JOB/{job}").json() == report
    assert client.get("/api/system/taskSummaries/TRACKER_IMPORT_JOB").json() == {job: report}


def test_tasks_list_jobs_by_type(client: Client, way: HubAccess) -> None:
    """`/system/tasks` lists notifications by type and job; types that never run here are empty, others are 400."""
    job = started(client, {})
    run_inbound(way.runtime, "worker")
    notes = client.get(f"/api/system/tasks/TRACKER_IMPORT_JOB/{job}").json()
    assert [note["completed"] for note in notes] == [True, False]
    assert list(client.get("/api/system/tasks/TRACKER_IMPORT_JOB").json()) == [job]
    assert client.get("/api/system/tasks").json()["TRACKER_IMPORT_JOB"].keys() == {job}
    assert client.get("/api/system/tasks/ANALYTICS_TABLE").json() == {}
    assert client.get("/api/system/tasks/BREWING").status_code == 400


def test_unknown_jobs_and_those_of_others_are_404(client: Client, way: HubAccess, limited: Client) -> None:
    """A job that does not exist, or is another user's, has no notifications, no report and no summary."""
    other = client_of(way, [], "other")
    job = started(limited, {"trackedEntities": [person()]})
    run_inbound(way.runtime, "worker")
    assert report_of(client, job).status_code == 200
    for asker, id in ((client, "Other000001"), (other, job)):
        assert asker.get(f"/api/tracker/jobs/{id}").json() == []
        assert report_of(asker, id).json()["httpStatusCode"] == 404
        assert asker.get(f"/api/system/tasks/TRACKER_IMPORT_JOB/{id}").status_code == 404
        assert asker.get(f"/api/system/taskSummaries/TRACKER_IMPORT_JOB/{id}").status_code == 404
    assert client.get(f"/api/system/tasks/METADATA_IMPORT/{job}").status_code == 404


def test_what_is_no_payload_is_refused_at_once(client: Client) -> None:
    """Bytes that are not JSON make no job."""
    answer = client.post("/api/tracker", content=b"{not json", headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_a_job_whose_worker_died_is_done_by_the_next(client: Client, way: HubAccess, pool: Pool) -> None:
    """A claim whose lease ran out leaves nothing behind, and the job is done once by another worker."""
    job = started(client, {"trackedEntities": [person()]})
    with transaction(pool) as session:
        messages.claim(session, "in", "dead", 1)
        session.execute("update message set lease_until = now() - interval '1 second'")
    assert run_inbound(way.runtime, "next") == 1
    assert report_of(client, job).json()["stats"]["created"] == 3


def test_a_job_waits_while_the_world_is_away(client: Client, pool: Pool) -> None:
    """A job that could not be done is tried again, and its notifications say so; one that is parked has failed."""
    job = started(client, {})
    with transaction(pool) as session:
        [message] = messages.claim(session, "in", "worker", 1)
        messages.postpone(session, message, "the database is away")
    [note] = client.get(f"/api/tracker/jobs/{job}").json()
    assert (note["level"], note["completed"]) == ("WARN", False)
    with transaction(pool) as session:
        messages.finish(session, message.id, "parked", error="ValueError: broken")
    assert client.get(f"/api/tracker/jobs/{job}").json()[0]["level"] == "ERROR"
