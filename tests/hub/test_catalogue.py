"""The catalogue: metadata and accounts as FHIR records, brought up to date by the worker."""

from typing import Any

import orjson
import pytest

from hub import catalogue
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.hub.bound.district import settle
from tracker_core import history, metadata, records, users
from tracker_core.changes import RecordChange
from tracker_core.database import Pool, Session, transaction
from tracker_core.metadata.removing import remove_objects


@pytest.fixture
def runtime(pool: Pool) -> Runtime:
    """A hub with a district of two clinics."""
    with transaction(pool) as session:
        settle(session)
        users.create(session, "nurse", "secret-enough", doc={"firstName": "Rose", "surname": "Auma"})
    return Runtime(pool=pool, adapters=ADAPTERS)


def found(session: Session, type: str, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    """The documents that a FHIR search gives."""
    return [orjson.loads(one.doc) for one in records.search(session, type, pairs).matches]


def test_metadata_are_records_after_a_turn(runtime: Runtime) -> None:
    """Places with their hierarchy, users with their roles; a second turn finds nothing to do."""
    assert catalogue.turn(runtime) > 0
    with transaction(runtime.pool) as session:
        clinics = found(session, "Location", ("partof.name", "District"))
        assert {one["name"] for one in clinics} == {"Clinic A", "Clinic B"}
        assert len(found(session, "Organization", ("identifier", "urn:tracker-hub:org-unit|CLINIC-A"))) == 1
        (nurse,) = found(session, "Practitioner", ("identifier", "urn:tracker-hub:user|nurse"))
        assert found(session, "PractitionerRole", ("practitioner", nurse["id"]))
        assert catalogue.progress(session) == catalogue.Progress(up_to_date=True, records=0)
    assert catalogue.turn(runtime) == 0


def test_only_what_changed_is_written(runtime: Runtime) -> None:
    """A unit renamed makes new versions of its two records alone; one that is removed takes its records along."""
    catalogue.turn(runtime)
    with transaction(runtime.pool) as session:
        context = history.open_change_set(session, "tester")
        renamed = {"id": "ClinicBbbbb", "code": "CLINIC-B", "name": "Clinic Bee", "shortName": "B"}
        unit = {**renamed, "openingDate": "1990-01-01", "parent": {"id": "DistrictAaa"}}
        assert not metadata.import_objects(session, context, {"organisationUnits": [unit]}).issues
    with transaction(runtime.pool) as session:
        assert catalogue.progress(session) == catalogue.Progress(up_to_date=False, records=2)
    assert catalogue.turn(runtime) == 2
    with transaction(runtime.pool) as session:
        assert [one["id"] for one in found(session, "Location", ("name", "Clinic Bee"))] == ["ClinicBbbbb"]
        context = history.open_change_set(session, "tester")
        payload = {"organisationUnits": [{**unit, "id": "ClinicCcccc", "code": "CLINIC-C", "name": "Clinic C"}]}
        assert not metadata.import_objects(session, context, payload).issues
    catalogue.turn(runtime)
    with transaction(runtime.pool) as session:
        remove_objects(session, history.open_change_set(session, "tester"), [("organisationUnits", "ClinicCcccc")])
    catalogue.turn(runtime)
    with transaction(runtime.pool) as session:
        assert not found(session, "Location", ("name", "Clinic C"))


def test_a_changed_account_is_shown(runtime: Runtime) -> None:
    """Accounts change without the metadata."""
    catalogue.turn(runtime)
    with transaction(runtime.pool) as session:
        users.create(session, "doctor", "secret-enough")
    assert catalogue.turn(runtime) > 0
    with transaction(runtime.pool) as session:
        assert found(session, "Practitioner", ("identifier", "doctor"))


def test_a_record_of_others_keeps_its_id(runtime: Runtime) -> None:
    """What a client put under the uid of a unit before is not overwritten."""
    theirs = {"resourceType": "Location", "id": "ClinicAaaaa", "name": "Theirs"}
    with transaction(runtime.pool) as session:
        context = history.open_change_set(session, "tester")
        records.apply(session, context, [RecordChange("Location", theirs, "put", id="ClinicAaaaa")])
    catalogue.turn(runtime)
    with transaction(runtime.pool) as session:
        assert [one["id"] for one in found(session, "Location", ("name", "Theirs"))] == ["ClinicAaaaa"]


def test_one_process_at_a_time(runtime: Runtime) -> None:
    """While another transaction writes the catalogue, a turn does nothing."""
    from tracker_core import catalogue as stored

    with transaction(runtime.pool) as session:
        assert stored.claim(session)
        assert catalogue.turn(runtime) == 0
    assert catalogue.turn(runtime) > 0


def test_programs_are_forms_and_plans(runtime: Runtime) -> None:
    """Questionnaire, PlanDefinition and ValueSet are searched as any record; codes come from the bindings."""
    catalogue.turn(runtime)
    with transaction(runtime.pool) as session:
        (form,) = found(session, "Questionnaire", ("url", "urn:tracker-hub:program-stage:ThPsMalCase"))
        codes = [code for item in form["item"] for code in item.get("code", ())]
        assert {"system": "http://loinc.org", "code": "8310-5"} in codes
        assert found(session, "PlanDefinition", ("definition", "urn:tracker-hub:program-stage:ThPsMalCase"))
        assert found(session, "ValueSet", ("url", "urn:tracker-hub:value-set:WDUwjiW2rGH"))
