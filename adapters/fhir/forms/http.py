"""The routes of `$populate` and `$extract` (SDC 3.0), on types and on records; neither stores anything."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir import outcomes
from adapters.fhir.formats import negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.parameters import Given, Json, parameters, read
from mappings.forms.extracting import extract
from mappings.forms.populating import Lookup, populate
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.records import documents, validation

_SDC = "http://hl7.org/fhir/uv/sdc/OperationDefinition/"
# type -> operations with their definitions, for the CapabilityStatement
OPERATIONS = {
    "Questionnaire": {"populate": f"{_SDC}Questionnaire-populate"},
    "QuestionnaireResponse": {"extract": f"{_SDC}QuestionnaireResponse-extract"},
}
_DAYS = {
    "d": 1,
    "day": 1,
    "wk": 7,
    "week": 7,
    "mo": 31,
    "month": 31,
    "a": 366,
    "year": 366,
    "h": 1 / 24,
    "hour": 1 / 24,
}
Answer = Callable[[Session, str, Given], bytes]


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes."""

    def operation(path: str, sole: str, answer: Answer) -> BaseRoute:
        async def operated(request: HttpRequest) -> Response:
            given = read(request.url.query, await request.body(), request.headers.get("content-type", ""), sole)
            return await run_in_threadpool(_run, access, answer, request.path_params.get("id", ""), given)

        return Route(prefix + path, negotiated(operated), methods=["GET", "POST"])

    return [
        operation("/Questionnaire/$populate", "Questionnaire", _populated),
        operation("/Questionnaire/{id}/$populate", "Questionnaire", _populated),
        operation("/QuestionnaireResponse/$extract", "QuestionnaireResponse", _extracted),
        operation("/QuestionnaireResponse/{id}/$extract", "QuestionnaireResponse", _extracted),
    ]


def _run(access: Access, answer: Answer, id: str, given: Given) -> Response:
    with access.session() as session:
        return Response(answer(session, id, given), media_type=CONTENT_TYPE)


def _populated(session: Session, id: str, given: Given) -> bytes:
    questionnaire = _questionnaire(session, id, given)
    told = given.one("subject") or {}
    subject = told if isinstance(told, dict) else {"reference": str(told)}
    launch = _launch(session, given)
    if not subject and "patient" in launch:
        subject = {"reference": f"Patient/{launch['patient'].get('id', '')}"}
    reference = str(subject.get("reference") or "")
    if not reference:
        raise Malformed("$populate needs a subject", where="subject")
    known = _local(session, reference)
    if reference.startswith("Patient/") and known:
        launch.setdefault("patient", known)
    response, issues = populate(questionnaire, subject, launch, _observations(session, reference))
    wrong = [("issues", "resource", outcomes.outcome(issues))] if issues else []
    return parameters(("response", "resource", response), *wrong)


def _extracted(session: Session, id: str, given: Given) -> bytes:
    held = given.object("questionnaire-response") or given.object("resource")
    response = _local(session, f"QuestionnaireResponse/{id}") if held is None and id else held
    if response is None:
        raise Malformed("$extract needs a QuestionnaireResponse", where="questionnaire-response")
    _checked(response, "QuestionnaireResponse")
    own = given.object("questionnaire")
    questionnaire = (
        _checked(own, "Questionnaire") if own else _by_canonical(session, str(response.get("questionnaire") or ""))
    )
    subject = str((response.get("subject") or {}).get("reference") or "")
    known = _local(session, subject)
    return documents.encode(extract(questionnaire, response, {subject: known} if known else {}))


def _questionnaire(session: Session, id: str, given: Given) -> Json:
    held = given.object("questionnaire") if isinstance(given.one("questionnaire"), dict) else given.object("resource")
    if held is not None:
        return _checked(held, "Questionnaire")
    if id:
        found = _local(session, f"Questionnaire/{id}")
        if found is None:
            raise NotFound(f"there is no Questionnaire/{id}")
        return found
    canonical = given.text("canonical") or given.text("questionnaire") or given.text("identifier")
    if not canonical:
        raise Malformed("$populate needs a questionnaire", where="questionnaire")
    return _by_canonical(session, canonical)


def _checked(document: Json, type: str) -> Json:
    """Return a document that is structurally what it is expected to be. Raises `Malformed`."""
    if document.get("resourceType") != type:
        raise Malformed(f"a {type} is expected, not {document.get('resourceType') or 'this'}", where=type)
    for issue in validation.check(type, document, type):
        if issue.severity == "error":
            raise Malformed(issue.text, where=issue.where)
    return document


def _by_canonical(session: Session, canonical: str) -> Json:
    """Return the Questionnaire of a canonical, the newest of those without the version that is asked for."""
    url, _, version = canonical.partition("|")
    pairs = [("url", url.replace(",", "\\,")), ("_sort", "-_lastUpdated")]
    found = [documents.decode(one.doc) for one in records.search(session, "Questionnaire", pairs).matches]
    same = [one for one in found if not version or str(one.get("version", "")) == version]
    direct = _local(session, "/".join(url.split("/")[-2:])) if "Questionnaire/" in url else None
    chosen: Json | None = next(iter(same or found), direct)
    if chosen is None:
        raise NotFound(f"there is no Questionnaire {canonical or 'named'} here")
    return chosen


def _launch(session: Session, given: Given) -> dict[str, Json]:
    """Return the launch context: resources by the name that expressions call them."""
    launch: dict[str, Json] = {}
    for one in given.all("context"):
        if isinstance(one, Given):
            content = one.one("content")
            if isinstance(content, dict) and "resourceType" not in content:
                content = _local(session, str(content.get("reference") or ""))
            if isinstance(content, dict):
                launch[one.text("name", "patient")] = content
    return launch


def _local(session: Session, reference: str) -> Json | None:
    type, _, id = reference.rpartition("/")
    found = records.read(session, [(type.rpartition("/")[2], id)]) if type and id else {}
    live = [one for one in found.values() if not one.deleted]
    return documents.decode(live[0].doc) if live else None


def _observations(session: Session, subject: str) -> Lookup:
    def newest(codings: Sequence[Json], period: Mapping[str, Any]) -> Json | None:
        codes = ",".join(f"{one.get('system', '')}|{one.get('code', '')}" for one in codings)
        days = float(period.get("value") or 0) * _DAYS.get(str(period.get("code") or period.get("unit")), 1)
        since = (datetime.now(UTC) - timedelta(days=days)).date().isoformat()
        pairs = [
            *(("subject", subject), ("code", codes), ("date", f"ge{since}")),
            *(("status", "final,amended,corrected,preliminary"), ("_sort", "-date"), ("_count", "1")),
        ]
        found = records.search(session, "Observation", pairs).matches
        return documents.decode(found[0].doc) if found else None

    return newest
