"""Arrival: everything the day's systems send, over real sockets, with what each of them was answered."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from hub.demo import writing
from hub.demo.people import Day, Visit
from hub.demo.processes import Wire

FORMATS = {"fhir": "FHIR R4", "hl7v2": "HL7 v2", "emr": "EMR rows", "dhis2": "DHIS2"}
BROKEN_HL7 = b"MSH|^~\\&|CLINIC|KIV-HC1|HUB|MOH|20261124||ADT^A04^ADT_A01|BROKEN-1|P|2.5.1\rPID|1||"
BROKEN_ROW = "HC29999,,Zulwa,Esi,F,1990-02-31,,KIV-HC2,KIV-HC2-999-1,2026-11-24,B54,37.0,60,,\r\n"


@dataclass(slots=True)
class Tally:
    """What was sent and how it was answered, by format."""

    sent: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    def note(self, format: str, taken: bool, count: int = 1) -> None:
        """Count `count` messages or rows of `format`."""
        self.sent[format] += count
        (self.accepted if taken else self.rejected)[format] += count


def send_day(day: Day, client: httpx.Client, mllp: int, tally: Tally) -> Iterator[int]:
    """Send the whole day; yield how many visits each step carried."""
    yield from _send_fhir(day, client, tally)
    yield from _send_hl7(day, mllp, tally)
    yield from _send_emr(day, client, tally)
    yield from _send_dhis2(day, client, tally)


def _send_fhir(day: Day, client: httpx.Client, tally: Tally) -> Iterator[int]:
    headers = {"content-type": "application/fhir+json"}
    for visit in day.visits["fhir"]:
        response = client.post("/fhir", content=writing.fhir_bundle(visit), headers=headers)
        tally.note("fhir", response.status_code == 200)
        yield 1
    refused = client.post("/fhir", content=b"this is not JSON", headers=headers)
    tally.note("fhir", refused.status_code == 200)


def _send_emr(day: Day, client: httpx.Client, tally: Tally) -> Iterator[int]:
    body = writing.emr_csv(day.visits["emr"]) + BROKEN_ROW.encode()
    response = client.post("/hub/emr/KIV-HC2", content=body, headers={"content-type": "text/csv"})
    for line in response.text.splitlines()[1:]:
        tally.note("emr", "rejected" not in line)
    yield len(day.visits["emr"])


def _send_dhis2(day: Day, client: httpx.Client, tally: Tally) -> Iterator[int]:
    """The health post looks a person up by the national id before registering, as its capture app makes it do."""
    visits = day.visits["dhis2"]
    for start in range(0, len(visits), 20):
        batch = visits[start : start + 20]
        response = client.post(
            "/api/tracker?async=false",
            content=writing.dhis2_payload(batch, _look_up(client, batch)),
            headers={"content-type": "application/json"},
        )
        tally.note("dhis2", response.status_code == 200)
        yield len(batch)


def _look_up(client: httpx.Client, visits: list[Visit]) -> dict[str, str]:
    attribute = writing.ATTRIBUTES["national_id"]
    known = {}
    for visit in visits:
        wanted = visit.person.national_id
        asked = {"trackedEntityType": "MCPQUTHX1Ze", "orgUnitMode": "ACCESSIBLE", "filter": f"{attribute}:eq:{wanted}"}
        found = client.get("/api/tracker/trackedEntities", params=asked).json().get("trackedEntities", ())
        if wanted and found:
            known[wanted] = found[0]["trackedEntity"]
    return known


def _send_hl7(day: Day, mllp: int, tally: Tally) -> Iterator[int]:
    wire = Wire(mllp)
    try:
        for visit in day.visits["hl7v2"]:
            for _, message in writing.hl7_messages([visit]):
                tally.note("hl7v2", wire.send(message) == "AA")
            yield 1
        for message in _registration_twice(day):
            tally.note("hl7v2", wire.send(message) == "AA")
        tally.note("hl7v2", wire.send(BROKEN_HL7) == "AA")
    finally:
        wire.close()


def _registration_twice(day: Day) -> list[bytes]:
    """One person was registered twice at the same health centre, and the centre noticed (ADT^A40)."""
    visit = day.visits["hl7v2"][0]
    again = writing.hl7_arrival(visit, "TWICE-1", "T")
    return [again[1], writing.hl7_merge(visit, "TWICE-1")[1]]
