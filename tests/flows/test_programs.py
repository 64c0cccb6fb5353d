"""One visit, three formats, one program state; and two messages of one person at once."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest

from adapters.contract import Envelope
from adapters.emr.importing import result_file
from hub import work
from hub.demo import people, writing
from hub.demo.people import Visit
from hub.imports import cut_files, work_off
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.flows.synthea import write_synthea
from tests.hub.bound.district import CASE, FOLLOW_UP, TB_LAB, TB_VISIT, District, programs, settle
from tracker_core import history, metadata, peers
from tracker_core.database import Pool, Session, transaction

DAY = date(2026, 3, 5)
Send = Callable[[Runtime, list[Visit]], None]


@pytest.fixture
def runtime(pool: Pool) -> Runtime:
    """A hub with the demo's facilities as org units and peers, and the case programs offered at all of them."""
    with transaction(pool) as session:
        settle(session)
        context = history.open_change_set(session, "tester")
        units = [
            {"id": f.uid, "code": f.code, "name": f.name, "shortName": f.name, "openingDate": "2000-01-01"}
            for f in people.FACILITIES
        ]
        parent = {"parent": {"id": "DistrictAaa"}}
        payload = programs()
        for program in payload["programs"]:
            program["organisationUnits"] = [{"id": unit["id"]} for unit in units]
        for part in ({"organisationUnits": [unit | parent for unit in units]}, payload):
            assert not metadata.import_objects(session, context, part).issues
        for facility in people.FACILITIES:
            settings = {"naming": {"NID": writing.NATIONAL_ID}, "org_unit": facility.code, "table": "visits"}
            for format in ("fhir", "hl7v2", "emr"):
                peers.save(session, f"{facility.code}-{format}", format, settings=settings)
    return Runtime(pool=pool, adapters=ADAPTERS)


def deliver(runtime: Runtime, visit: Visit, format: str, raw: bytes, envelope: Envelope) -> None:
    """Hand one message to the hub; it must be applied."""
    with transaction(runtime.pool) as session:
        peer = peers.read(session, f"{visit.facility.code}-{format}")
    done = work.accept(runtime, peer, raw, envelope, "tester")
    assert done.error is None
    assert not done.report.rejected, done.report.issues


def by_fhir(runtime: Runtime, visits: list[Visit]) -> None:
    """One transaction bundle per visit."""
    for visit in visits:
        envelope = Envelope(content_type="application/fhir+json", method="POST", target="/fhir")
        deliver(runtime, visit, "fhir", writing.fhir_bundle(visit), envelope)


def by_hl7(runtime: Runtime, visits: list[Visit]) -> None:
    """An arrival and its results per visit."""
    for visit in visits:
        for _, raw in writing.hl7_messages([visit]):
            deliver(runtime, visit, "hl7v2", raw, Envelope())


def by_hl7_backwards(runtime: Runtime, visits: list[Visit]) -> None:
    """The results of all visits before any arrival."""
    for visit in visits:
        deliver(runtime, visit, "hl7v2", writing.hl7_messages([visit])[1][1], Envelope())
    for visit in visits:
        deliver(runtime, visit, "hl7v2", writing.hl7_messages([visit])[0][1], Envelope())


def by_emr(runtime: Runtime, visits: list[Visit]) -> None:
    """One file per visit."""
    for visit in visits:
        out = io.StringIO()
        rows = csv.DictWriter(out, writing.EMR_COLUMNS)
        rows.writeheader()
        rows.writerows(writing.emr_rows([visit]))
        deliver(runtime, visit, "emr", out.getvalue().encode(), Envelope(content_type="text/csv"))


def by_synthea(runtime: Runtime, visits: list[Visit]) -> None:
    """All visits as one folder of files in Synthea's layout."""
    with TemporaryDirectory() as name:
        write_synthea(Path(name), visits)
        take_folder(runtime, "synthea", [Path(name)])


def by_synthea_backwards(runtime: Runtime, visits: list[Visit]) -> None:
    """The same files one by one, patients last: what refers to them waits for them."""
    with TemporaryDirectory() as name:
        write_synthea(Path(name), visits)
        for stem in ("observations", "conditions", "encounters", "organizations", "patients"):
            take_folder(runtime, "synthea", [Path(name) / f"{stem}.csv"])


def take_folder(runtime: Runtime, table: str, paths: list[Path]) -> None:
    """Import files of a set, every row of which must be applied."""
    with transaction(runtime.pool) as session:
        naming = {"organization-number": writing.ORG_UNIT}
        peer = peers.save(session, table, "emr", settings={"table": table, "naming": naming})
    found = cut_files(runtime, peer, paths, Envelope(), "tester")
    for part in range(found.parts):
        work_off(runtime, found.id, part)
    with transaction(runtime.pool) as session:
        lines = b"".join(result_file(session, found)).decode().splitlines()[1:]
    assert [line for line in lines if ",rejected," in line] == []
    assert len(lines) == found.rows


def cases() -> list[Visit]:
    """First visits of the demo's day, malaria and TB among them, each person known by a national id."""
    made = people.make_day(DAY)
    every = [visit for visits in made.visits.values() for visit in visits if visit.person.national_id]
    malaria = [visit for visit in every if visit.diagnoses[0].startswith("B5")][:3]
    tb = [visit for visit in every if visit.diagnoses[0].startswith("A1")][:2]
    return [*malaria, *tb, *[visit for visit in every if visit.diagnoses[0] == "R50.9"][:1]]


def state(session: Session) -> dict[str, Any]:
    """What the programs say, by national id, uids left out."""
    district = District(session)
    rows = session.execute(
        "select v.value, m.code, n.status, n.enrolled_at::date::text, u.code from enrollment n"
        " join metadata_object m on m.pk = n.program join org_unit u on u.pk = n.org_unit"
        " join attribute_value v on v.entity = n.entity join metadata_object a on a.pk = v.attribute"
        " where a.code = 'NATIONAL_ID' order by 1, 2"
    )
    return {
        "attributes": sorted((sorted(one.items()) for one in district.attributes()), key=str),
        "enrollments": rows.fetchall(),
        "events": [(stage, day, data) for stage, _, day, data in district.events()],
    }


def expected(visits: list[Visit]) -> dict[str, Any]:
    """What the programs should say, reckoned from the visits alone."""
    enrollments, events = [], []
    for visit in visits:
        day, code = DAY.isoformat(), visit.diagnoses[0]
        program = {"B": "MALARIA_CASE", "A": "TB_CASE"}.get(code[0])
        if program:
            enrollments.append((visit.person.national_id, program, "ACTIVE", day, visit.facility.code))
        if code[0] == "B":
            values = {"MAL_DIAGNOSIS": code, "MAL_TEMP": str(visit.temperature), "MAL_WEIGHT": str(visit.weight)}
            events.append((CASE, day, values | {"MAL_RDT": visit.malaria_test.upper()}))
            events.append((FOLLOW_UP, later(3), {}))
        if code[0] == "A":
            events.append((TB_VISIT, day, {"TB_DIAGNOSIS": code, "TB_WEIGHT": str(visit.weight)}))
            events.append((TB_LAB, day, {"TB_SPUTUM": visit.sputum_test.upper()}))
            events += [(TB_VISIT, later(days), {}) for days in (14, 30, 60)]
    people = [
        {
            "NATIONAL_ID": visit.person.national_id,
            "FAMILY_NAME": visit.person.family,
            "GIVEN_NAME": visit.person.given,
            "PATINFO_SEX": {"F": "FEMALE", "M": "MALE"}[visit.person.sex],
            "PATINFO_DOB": visit.person.born.isoformat(),
            **({"PHONE_LOCAL": visit.person.phone} if visit.person.phone else {}),
        }
        for visit in visits
    ]
    return {
        "attributes": sorted((sorted(one.items()) for one in people), key=str),
        "enrollments": sorted(enrollments),
        "events": events,
    }


def later(days: int) -> str:
    """The day so many days after the visits."""
    return (DAY + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("send", [by_fhir, by_hl7, by_hl7_backwards, by_emr, by_synthea, by_synthea_backwards])
def test_every_format_gives_the_same_program_state(runtime: Runtime, send: Send) -> None:
    """Attributes, enrollments, events and their values are what the visits say, whoever tells of them."""
    visits = cases()
    send(runtime, visits)
    with transaction(runtime.pool) as session:
        found, wanted = state(session), expected(visits)
    assert found["attributes"] == wanted["attributes"]
    assert found["enrollments"] == wanted["enrollments"]
    for events in (found["events"], wanted["events"]):
        events[:] = sorted((stage, day, sorted(data.items())) for stage, day, data in events)
    assert found["events"] == wanted["events"]


def test_messages_of_one_person_at_once_make_one_enrollment(runtime: Runtime) -> None:
    """Two peers report the same case in the same moment: one person, one enrollment."""
    visit = cases()[0]
    sends = (by_fhir, by_hl7, by_emr)
    threads = [Thread(target=send, args=(runtime, [visit])) for send in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(runtime.pool) as session:
        found = state(session)
        open_ones = session.execute("select count(*) from potential_duplicate where status = 'OPEN'").fetchall()
    assert len(found["attributes"]) == 1
    assert len(found["enrollments"]) == 1
    assert open_ones == [(0,)]
