"""A surveillance program is defined today: tried out, stored, and last year's cases enrol, page by page."""

from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from hub import bound, replays
from hub.binding_commands import bindings_app
from hub.runtime import Runtime
from tests.hub.bound.district import District, condition, encounter, patient, settle, temperature
from tracker_core import replays as stored
from tracker_core.database import transaction
from tracker_core.errors import Malformed, NotFound

TEXT = {"content-type": "text/plain"}
FEVER = """binding fever
program MALARIA_CASE
valueset fevers  icd-10  R50
case     Condition.code in fevers  enrol  window 28 days
concepts visit-status  fhir:encounter-status
  COMPLETED  finished
stage MAL_CASE  Condition.code in fevers
occurredAt           <-> Encounter.period.start  dateTime
status               <-> Encounter.status  code:visit-status
dataValues.MAL_TEMP  <-> Observation[code=loinc|8310-5].valueQuantity  quantity:Cel
new Encounter    status=finished  class=v3-ActCode|AMB  subject=@person
new Observation  status=final  subject=@person  encounter=@Encounter
"""


@pytest.fixture
def past(runtime: Runtime) -> Runtime:
    """A hub with the records of three persons with fever, one of them with a temperature in another unit."""
    with transaction(runtime.pool) as session:
        district = settle(session)
        for number in ("1", "2", "3"):
            day = f"2025-03-0{number}"
            one = temperature("39.5", day)
            if number == "3":
                assert isinstance(one.document, dict)
                one.document["valueQuantity"] |= {"unit": "degF", "code": "[degF]"}
            district.receive(patient(number), encounter(day), condition("R50.9", day), one)
        assert district.enrollments() == []
    return runtime


def enrolled(runtime: Runtime) -> tuple[int, int]:
    """How many enrollments and events there are."""
    with transaction(runtime.pool) as session:
        district = District(session)
        return len(district.enrollments()), len(district.events())


def test_a_binding_is_tried_out_before_it_is_stored(client: httpx.Client, past: Runtime) -> None:
    """Counts, samples and values that don't fit; and nothing is stored."""
    trial = client.post("/hub/bindings/fever/trial", content=FEVER, headers=TEXT).json()
    assert (trial["complete"], trial["counts"]["enrollment created"], trial["counts"]["event created"]) == (True, 3, 3)
    samples = {(one["kind"], one["action"]) for one in trial["samples"]}
    assert samples == {("enrollment", "create"), ("event", "create")}
    assert {"ThDeMalTemp": "39.5"} in [one.get("data") for one in trial["samples"]]
    assert any("fever.map" in one.get("row", "") and "degF" in one["text"] for one in trial["issues"])
    assert enrolled(past) == (0, 0)
    assert "fever" not in [one["name"] for one in client.get("/hub/bindings").json()["bindings"]]


def test_old_cases_enrol_page_by_page(client: httpx.Client, past: Runtime) -> None:
    """Ordered, worked off with progress, ended; again it changes nothing."""
    assert client.put("/hub/bindings/fever", content=FEVER, headers=TEXT).json() == {"name": "fever", "issues": []}
    ordered = client.post("/hub/bindings/fever/replay")
    assert (ordered.status_code, ordered.json()["state"], ordered.json()["seen"]) == (202, "waiting", 0)
    assert replays.turn(past) > 0
    done = client.get(f"/hub/replays/{ordered.json()['id']}").json()
    assert (done["state"], done["seen"], done["counts"]["enrollment created"]) == ("done", done["total"], 3)
    assert done["issues"] == 1
    assert "degF" in done["examples"][0]
    assert (enrolled(past), replays.turn(past)) == ((3, 3), 0)
    client.post("/hub/bindings/fever/replay")
    replays.turn(past)
    assert client.get("/hub/replays").json()[0]["counts"] == {}
    assert len(client.get("/fhir/EpisodeOfCare").json()["entry"]) == 3


def test_a_replay_goes_on_where_it_was(client: httpx.Client, past: Runtime) -> None:
    """A page that was not committed is done again; a cancelled one, or one without its binding, is not gone on with."""
    client.put("/hub/bindings/fever", content=FEVER, headers=TEXT)
    first = client.post("/hub/bindings/fever/replay").json()["id"]
    with transaction(past.pool) as session, session.transaction(force_rollback=True):
        replay = stored.claim(session)
        assert replay is not None
        replays.work_off(session, replay)
    assert enrolled(past) == (0, 0)
    second = client.post("/hub/bindings/fever/replay").json()["id"]
    assert client.get(f"/hub/replays/{first}").json()["state"] == "cancelled"
    assert client.delete(f"/hub/replays/{second}").json()["state"] == "cancelled"
    assert replays.turn(past) == 0
    client.post("/hub/bindings/fever/replay")
    assert client.delete("/hub/bindings/fever").status_code == 200
    assert (replays.turn(past), enrolled(past)) == (0, (0, 0))
    assert client.get("/hub/replays").json()[0]["state"] == "cancelled"
    assert client.post("/hub/bindings/fever/replay").status_code == 404


def test_bindings_are_read_and_refused_with_their_lines(client: httpx.Client, past: Runtime) -> None:
    """Shipped and stored ones, what one would begin with, and all that is wrong with a file."""
    listed = client.get("/hub/bindings").json()
    assert {"malaria", "tb", "person"} <= {one["name"] for one in listed["bindings"]}
    assert client.get("/hub/bindings/malaria").text.startswith("# Malaria")
    assert client.get("/hub/bindings/TB_CASE").text.startswith("binding program-")
    for path in ("/hub/bindings/nothing", "/hub/replays/1"):
        assert client.get(path).status_code == 404
    assert client.delete("/hub/bindings/malaria").status_code == 404
    wrong = FEVER.replace("quantity:Cel", "quantitty").replace("Encounter.status ", "Encounter.statuss ")
    refused = client.put("/hub/bindings/fever", content=wrong, headers=TEXT)
    assert refused.status_code == 400
    assert "fever.map:9" in refused.text
    assert "fever.map:10" in refused.text
    absent = client.put("/hub/bindings/fever", content=FEVER.replace("MAL_TEMP", "MAL_TEMPS"), headers=TEXT).json()
    assert absent["issues"][0]["row"].startswith("fever.map:10")
    useless = client.post("/hub/bindings/x/trial", content="binding x\n", headers=TEXT)
    assert useless.status_code == 400
    assert client.get("/hub/catalogue").json()["up_to_date"] is False


def run(database_url: str, *arguments: str) -> Result:
    """Run one command of `bindings`."""
    given = () if arguments[0] == "check" else ("--database-url", database_url)
    return CliRunner().invoke(bindings_app, [*arguments, *given])


def test_the_commands_do_the_same(past: Runtime, database_url: str, tmp_path: Path) -> None:
    """Check, try, put, list and replay from the command line."""
    file = tmp_path / "fever.map"
    file.write_text(FEVER)
    assert run(database_url, "check", str(file)).exit_code == 0
    tried = run(database_url, "try", "fever", str(file)).output
    assert "3  enrollment created" in tried
    assert enrolled(past) == (0, 0)
    assert "fever is stored" in run(database_url, "put", "fever", str(file)).output
    listed = run(database_url, "list").output
    assert "fever  stored  Malaria" in listed
    assert "made of the metadata" not in listed
    replayed = run(database_url, "replay", "fever")
    assert (replayed.exit_code, enrolled(past)) == (0, (3, 3))
    assert "3 enrollment created" in replayed.output
    file.write_text(FEVER.replace("quantity:Cel", "quantitty"))
    checked = run(database_url, "check", str(file))
    assert (checked.exit_code, checked.output.startswith("fever.map:10")) == (1, True)
    assert isinstance(run(database_url, "put", "fever", str(file)).exception, Malformed)
    assert isinstance(run(database_url, "check", str(tmp_path / "none")).exception, NotFound)
    with transaction(past.pool) as session, pytest.raises(NotFound):
        bound.find(session, "nothing")
