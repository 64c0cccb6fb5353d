"""The story of the day in steps, each with a check of its own; a step whose check fails ends the demonstration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any

import httpx

from hub.demo import district, writing
from hub.demo.people import Day, make_day
from hub.demo.processes import PASSWORD, Gateway, HubProcess, Laboratory
from hub.demo.reports import DIAGNOSES, MALARIA, expected_cases, expected_diagnoses
from hub.demo.sending import Tally, send_day

PATIENCE = 90.0

Cells = dict[tuple[str, str, str], str]


class Failed(Exception):
    """A step's own check did not hold."""


@dataclass(slots=True)
class Story:
    """What the demonstration knows as it goes on: its cast, and what each step found."""

    district: HubProcess
    national: HubProcess
    gateway: Gateway
    laboratory: Laboratory
    today: date
    say: Callable[[str], None]
    advance: Callable[[int], None]
    day: Day = field(default_factory=Day)
    tally: Tally = field(default_factory=Tally)
    found: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def period(self) -> str:
        """The month being reported."""
        return f"{self.today:%Y%m}"


def tell(story: Story) -> None:
    """Run every step in order. Raises `Failed` with what was expected and what was found."""
    steps: tuple[tuple[str, Callable[[Story, httpx.Client, httpx.Client], None]], ...] = (
        ("set up programs, reports and peers", _prepare),
        ("receive the district's day", _receive),
        ("recognise persons, enrol cases, plan visits", _recognise),
        ("remind patients, tell the laboratory", _remind),
        ("report the month", _report),
        ("correct one case late, send the difference", _correct),
        ("ask why", _why),
    )
    with _timed(story, "start two hubs"):
        _start(story)
    with story.district.client() as client, story.national.client() as receiver:
        for title, step in steps:
            with _timed(story, title):
                step(story, client, receiver)


@contextmanager
def _timed(story: Story, title: str) -> Iterator[None]:
    story.say(title)
    begun = monotonic()
    yield
    story.seconds[title] = monotonic() - begun


def _check(holds: bool, text: str) -> None:
    if not holds:
        raise Failed(text)


def _until(ask: Callable[[], Any], done: Callable[[Any], bool], text: str) -> Any:
    """Ask again until the answer is the right one: background work is given time, not trusted."""
    until = monotonic() + PATIENCE
    while not done(answer := ask()):
        _check(monotonic() < until, f"{text}; it is {answer}")
        sleep(0.2)
    return answer


def _start(story: Story) -> None:
    for hub in (story.district, story.national):
        hub.start()
    for hub in (story.district, story.national):
        hub.wait()


def _prepare(story: Story, client: httpx.Client, receiver: httpx.Client) -> None:
    address = f"{story.national.url}/api/dataValueSets"
    district.prepare_district(client, address, f"admin:{PASSWORD}", story.laboratory.address, story.gateway.url)
    district.prepare_national(receiver)


def _receive(story: Story, client: httpx.Client, _receiver: httpx.Client) -> None:
    story.day = make_day(story.today)
    for carried in send_day(story.day, client, story.district.mllp, story.tally):
        story.advance(carried)
    wrong = {"fhir": 1, "hl7v2": 1, "emr": 1, "dhis2": 0}
    refused = {name: story.tally.rejected[name] for name in wrong}
    _check(refused == wrong, f"one broken FHIR body, HL7 message and EMR row should be refused; refused were {refused}")
    waiting = [row for row in _get(client, "/hub/balance") if row["direction"] == "in" and row["state"] == "waiting"]
    _check(not waiting, f"every message should be applied or refused; waiting are {waiting}")


def _get(client: httpx.Client, path: str, **params: Any) -> Any:
    response = client.get(path, params=params)
    _check(
        response.is_success, f"GET {response.request.url} was answered {response.status_code}: {response.text[:500]}"
    )
    return response.json()


def _recognise(story: Story, client: httpx.Client, _receiver: httpx.Client) -> None:
    counts = _get(client, "/hub/counts")
    story.found["counts"] = counts
    expected = len(story.day.persons)
    _check(counts["persons"] == expected, f"{expected} persons arrived; the hub recognises {counts['persons']}")
    _check(counts["merged"] == 1, f"one person was registered twice and merged; merged are {counts['merged']}")
    for program, code in (("malaria", "MALARIA_CASE"), ("tb", "TB_CASE")):
        cases = expected_cases(story.day, program)
        enrolled = counts["programs"].get(code, 0)
        _check(enrolled == cases, f"{cases} persons have {program}; enrolled are {enrolled}")
    _check(counts["planned"] > 0, "follow-up visits should be planned; none is")


def _remind(story: Story, client: httpx.Client, _receiver: httpx.Client) -> None:
    def open_work() -> list[Any]:
        return [row for row in _get(client, "/hub/balance") if row["direction"] == "out" and row["state"] == "waiting"]

    soon = datetime.combine(story.today + timedelta(days=2), time(7), tzinfo=UTC)
    client.post("/hub/schedule", params={"at": soon.isoformat()}).raise_for_status()
    _until(open_work, lambda left: not left, "every outbound message should be delivered")
    story.found["reminders"] = len(story.gateway.sent)
    story.found["laboratory"] = len(story.laboratory.received)
    _check(bool(story.gateway.sent), "patients with a visit due should get a text message; none was sent")
    _check(bool(story.laboratory.received), "the laboratory should be told of patients; it received nothing")


def _report(story: Story, client: httpx.Client, receiver: httpx.Client) -> None:
    for definition in (DIAGNOSES, MALARIA):
        _submit(story, client, str(definition["code"]))
    sent = _cells(client, story.period)
    taken = _until(
        lambda: _cells(receiver, story.period), lambda cells: cells == sent, "both hubs should hold the same"
    )
    expected = sum(expected_diagnoses(story.day).values())
    total = sum(int(value) for (code, *_), value in sent.items() if code.startswith("DG_"))
    _check(total == expected, f"{expected} diagnosed persons by an independent count; reported are {total}")
    story.found["cells"] = len(taken)


def _submit(story: Story, client: httpx.Client, code: str) -> int | None:
    client.post(f"/hub/reports/{code}/runs", params={"period": story.period}).raise_for_status()
    answer = client.post(f"/hub/reports/{code}/submissions", json={"period": story.period, "peer": district.NATIONAL})
    answer.raise_for_status()
    submission: int | None = answer.json()["submission"]
    return submission


def _cells(client: httpx.Client, period: str) -> Cells:
    """Return the stored values of both reports by (data element, org unit, disaggregation), by code."""
    cells = {}
    for definition in (DIAGNOSES, MALARIA):
        answer = _get(
            client,
            "/api/dataValueSets.json",
            dataSet=definition["dataSet"],
            period=period,
            orgUnit="KIV",
            children="true",
            idScheme="code",
            categoryOptionComboIdScheme="name",
        )
        for value in answer.get("dataValues", ()):
            cells[value["dataElement"], value["orgUnit"], value.get("categoryOptionCombo", "default")] = value["value"]
    return cells


def _correct(story: Story, client: httpx.Client, receiver: httpx.Client) -> None:
    """A clinician corrects a row: what was called malaria was not. Nobody asks for a new report."""
    visit = next(v for v in story.day.visits["emr"] if writing.program_of(v) == "malaria")
    corrected = writing.as_csv([{**writing.emr_rows([visit])[0], "diagnoses": "J06.9"}])
    before, last = _cells(receiver, story.period), _reports(client)[0]
    response = client.post("/hub/emr/KIV-HC2", content=corrected, headers={"content-type": "text/csv"})
    response.raise_for_status()

    def after() -> Cells:
        return _cells(receiver, story.period)

    taken = _until(after, lambda cells: cells not in ({}, before), "the correction should arrive")
    taken = _until(after, _cells(client, story.period).__eq__, "both hubs should hold the same again")
    changed = {key for key in before.keys() | taken.keys() if before.get(key) != taken.get(key)}
    sent = [_get(client, f"/hub/messages/{id}")["about"]["report"] for id in _reports(client) if id > last]
    delta = sum(len(_get(client, f"/hub/submissions/{submission}")["cells"]) for submission in sent)
    _check(delta == len(changed) > 0, f"only the {len(changed)} changed cells should be sent; sent: {delta}")
    story.found["delta"] = [(key, before.get(key, "–"), taken.get(key, "–")) for key in sorted(changed)]


def _reports(client: httpx.Client) -> list[int]:
    """Return the messages that carried submissions, newest first."""
    listed = _get(client, "/hub/messages", direction="out", format="aggregate")["messages"]
    return [message["id"] for message in listed]


def _why(story: Story, client: httpx.Client, _receiver: httpx.Client) -> None:
    cells = _cells(client, story.period)
    key, value = max(
        ((key, int(value)) for key, value in cells.items() if key[0] == "DG_MALARIA"), key=lambda item: item[1]
    )
    lineage = _get(
        client,
        "/hub/why",
        dataElement=key[0],
        orgUnit=key[1],
        categoryOptionCombo=key[2],
        period=story.period,
    )
    facts = lineage["facts"]
    persons = {fact["person"] for fact in facts}
    _check(len(persons) == value, f"the number is {value}; the persons behind it are {len(persons)}")
    origin = facts[0]["origin"]
    body = client.get(f"/hub/messages/{origin['message']}/body")
    body.raise_for_status()
    _check(len(body.content) == origin["size"], "the bytes should be those that came in")
    story.found["why"] = {"key": key, "value": value, "facts": facts, "body": body.content}
