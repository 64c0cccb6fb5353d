"""`/hub/reports` and `/hub/why`: computing case reports, submitting them, and drilling a number down to its bytes."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel

from hub.runtime import Runtime
from tracker_core import aggregates, history, metadata, peers
from tracker_core.aggregates import lineage, reports, values, vocabulary
from tracker_core.aggregates.definitions import parse
from tracker_core.database import transaction
from tracker_core.errors import Malformed, NotFound
from tracker_core.issues import Report
from tracker_core.metadata import Metadata


class SubmissionBody(BaseModel):
    """What to send to whom."""

    period: str
    peer: str


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes of case reports, to be mounted below `/hub`."""
    router = APIRouter()
    _definition_routes(router, runtime)
    _run_routes(router, runtime)
    _lineage_routes(router, runtime)
    return router


def _definition_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.put("/reports/{code}")
    def save_report(code: str, request: Request, doc: Annotated[dict[str, Any], Body()]) -> Any:
        """Store a case report definition; what is wrong with it comes back as issues and nothing is stored."""
        with transaction(runtime.pool) as session:
            context = history.open_change_set(session, request.state.user.username)
            issues = reports.save(session, context, {**doc, "code": code})
        if any(issue.severity == "error" for issue in issues):
            raise Malformed("; ".join(f"{issue.where}: {issue.text}" for issue in issues))
        return Report(issues=issues).as_json()

    @router.post("/reports/metadata")
    def report_metadata(doc: Annotated[dict[str, Any], Body()]) -> Any:
        """Return the DHIS2 metadata payload that a definition needs, here and at its receivers."""
        definition, issues = parse(doc)
        if definition is None:
            raise Malformed("; ".join(f"{issue.where}: {issue.text}" for issue in issues))
        return aggregates.metadata_of(definition)


def _run_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.post("/reports/{code}/runs")
    def run_report(code: str, request: Request, period: Annotated[str, Query()]) -> Any:
        """Compute a report for a period, everything committed so far included; only cells that changed are written."""
        with transaction(runtime.pool) as session:
            context = history.open_change_set(session, request.state.user.username)
            return asdict(aggregates.run(session, context, code, period))

    @router.post("/reports/{code}/submissions")
    def submit_report(code: str, request: Request, body: SubmissionBody) -> Any:
        """Queue what the peer lacks of a computed report; `submission` is null when it lacks nothing."""
        with transaction(runtime.pool) as session:
            peer = peers.read(session, body.peer)
            context = history.open_change_set(session, request.state.user.username)
            submission = aggregates.submit(session, context, peer, code, body.period)
            if submission is not None:
                aggregates.queue(session, peer, submission)
        runtime.wake.set()
        return {"submission": submission}

    @router.get("/submissions/{submission}")
    def read_submission(submission: int) -> Any:
        """Return the cells of one submission, as they were sent."""
        with transaction(runtime.pool) as session:
            return aggregates.report_view(session, submission)

    @router.get("/owed")
    def list_owed(peer: str) -> Any:
        """List the cells whose present value a peer has not taken, with the reason."""
        with transaction(runtime.pool) as session:
            return [asdict(cell) for cell in aggregates.owed(session, peers.read(session, peer))]


def _lineage_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/why")
    def why(request: Request, submission: int = 0) -> Any:
        """Return the cases behind one number, each with the message that brought it.

        The number is named by `dataElement`, `period`, `orgUnit` and `categoryOptionCombo`, by uid or code each;
        with `submission`, as it was when that was made.
        """
        with transaction(runtime.pool) as session:
            known = metadata.load(session)
            found = lineage.find(session, _key(known, dict(request.query_params)))
            return asdict(aggregates.why(session, found, submission))


def _key(known: Metadata, query: dict[str, str]) -> values.Key:
    unit = _named(known, "organisationUnits", query.get("orgUnit", ""))
    return values.Key(
        element=_named(known, "dataElements", query.get("dataElement", "")),
        period=query.get("period", ""),
        org_unit=known.org_units[unit].pk,
        combo=_named(known, "categoryOptionCombos", query.get("categoryOptionCombo", "default")),
    )


def _named(known: Metadata, type: str, key: str) -> str:
    for scheme in ("UID", "CODE", "NAME"):
        found = vocabulary.named(known, type, scheme, key)
        if found:
            return found
    raise NotFound(f"there is nothing called {key!r} among the {type}")
