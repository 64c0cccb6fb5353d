"""Conversions to and from the tracker run the whole flow and leave nothing behind."""

import json
from datetime import date
from importlib import resources

import pytest

from adapters.contract import Envelope
from hub import trying
from hub.convert import Converted
from hub.demo import district, writing
from hub.demo.people import make_day
from hub.runtime import Runtime
from tracker_core import history, metadata, persons
from tracker_core.database import transaction
from tracker_core.errors import Unsupported

POST = Envelope("application/fhir+json", "POST", "/fhir")


@pytest.fixture
def surveyed(runtime: Runtime) -> Runtime:
    """A hub with the demonstration's programs and facilities."""
    programs = json.loads((resources.files("hub.demo") / "metadata" / "programs.json").read_text("utf-8"))
    for program in programs["programs"]:
        program["organisationUnits"] = [{"id": unit["id"]} for unit in district.org_units()]
    with transaction(runtime.pool) as session:
        context = history.open_change_set(session, "tester")
        for payload in ({"organisationUnits": district.org_units()}, programs):
            assert metadata.import_objects(session, context, payload).errors == []
    return runtime


def attempt(runtime: Runtime, raw: bytes, source: str, target: str, envelope: Envelope) -> Converted:
    """Convert on the hub's database."""
    with transaction(runtime.pool) as session:
        return trying.convert(session, runtime.adapters, raw, source, target, envelope=envelope)


def nothing_is_left(runtime: Runtime) -> bool:
    """Whether the hub knows nobody and kept no message and no peer of the trial."""
    with transaction(runtime.pool) as session:
        counts = persons.counts(session)
        rows = session.execute("select (select count(*) from message), (select count(*) from record)").fetchone()
    return (counts["persons"], counts["enrollments"], rows) == (0, 0, (0, 0))


def test_a_bundle_becomes_a_tracker_payload(surveyed: Runtime) -> None:
    """A malaria case shows as a person with an enrollment and a visit with its values; nothing is stored."""
    visits = make_day(date(2026, 3, 2)).visits["fhir"]
    visit = next(visit for visit in visits if writing.program_of(visit) == "malaria")
    result = attempt(surveyed, writing.fhir_bundle(visit), "fhir", "tracker", POST)
    [entity] = json.loads(result.body)["trackedEntities"]
    [enrollment] = entity["enrollments"]
    assert enrollment["program"] == writing.PROGRAMS["malaria"][0]
    values = {
        value["dataElement"]: value["value"] for event in enrollment["events"] for value in event.get("dataValues", ())
    }
    assert values["ThDeMalDiag"] == visit.diagnoses[0]
    assert values["ThDeMalTemp"] == str(visit.temperature)
    assert nothing_is_left(surveyed)


def test_a_tracker_payload_becomes_records(surveyed: Runtime) -> None:
    """What a health post captured shows as Patient, Encounter and Observation; nothing is stored."""
    visits = make_day(date(2026, 3, 2)).visits["dhis2"]
    visit = next(visit for visit in visits if writing.program_of(visit) == "malaria")
    envelope = Envelope("application/json", "POST", "/api/tracker", {"async": "false"})
    result = attempt(surveyed, writing.dhis2_payload([visit], {}), "dhis2", "fhir", envelope)
    found = {entry["resource"]["resourceType"] for entry in json.loads(result.body)["entry"]}
    assert found >= {"Patient", "Encounter", "Observation"}
    assert nothing_is_left(surveyed)


def test_what_has_no_way_is_refused(surveyed: Runtime) -> None:
    """Unknown formats are named; wrong bytes are refused as in the flow; nothing is stored."""
    with pytest.raises(Unsupported):
        attempt(surveyed, b"{}", "smoke-signals", "tracker", POST)
    with pytest.raises(Unsupported):
        attempt(surveyed, b'{"trackedEntities": []}', "dhis2", "fhir", Envelope("application/json"))
    assert nothing_is_left(surveyed)
