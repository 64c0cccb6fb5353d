"""Documents validated by the policy of the peer that sent them, and the report of what was found."""

from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from adapters.contract import Accepted, Envelope
from hub import work
from hub.runtime import Runtime
from tests.tracker_core.profiles.structures import at, profile
from tracker_core import peers
from tracker_core.database import transaction

WRONG = {"resourceType": "Patient", "id": "ada", "name": [{"family": "Obi"}], "contact": [{"gender": "male"}]}
RIGHT = {"resourceType": "Patient", "id": "uju", "name": [{"family": "Eze"}]}
TAG = {"system": "urn:tracker-hub:validation", "code": "invalid"}


def send(runtime: Runtime, settings: dict[str, Any], document: dict[str, Any], path: str = "") -> Accepted:
    """Put a document, or post a bundle, as a peer with these settings."""
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "clinic", "fhir", settings=settings)
    target = path or f"/fhir/{document['resourceType']}/{document['id']}"
    envelope = Envelope("application/fhir+json", "POST" if path else "PUT", target)
    return work.accept(runtime, peer, orjson.dumps(document), envelope, "tester")


def stored(client: httpx.Client, reference: str) -> dict[str, Any] | None:
    """A stored record, or None."""
    answer = client.get(f"/fhir/{reference}")
    return answer.json() if answer.status_code == 200 else None


def test_strict_refuses_what_is_not_valid(client: httpx.Client, runtime: Runtime) -> None:
    """Nothing is stored, and the answer says what is wrong and where; what is valid goes through."""
    refused = send(runtime, {"validation": "strict"}, WRONG)
    assert refused.report.rejected
    assert [(one.code, one.where) for one in refused.report.errors] == [("invariant", "Patient.contact[0]")]
    assert stored(client, "Patient/ada") is None
    assert not send(runtime, {"validation": "strict"}, RIGHT).report.rejected
    assert stored(client, "Patient/uju") is not None


def test_a_strict_peer_is_answered_with_422(client: httpx.Client, runtime: Runtime) -> None:
    """Over HTTP a document that breaks rules is unprocessable, whatever rule it breaks first."""
    with transaction(runtime.pool) as session:
        peers.save(session, "fhir", "fhir", settings={"validation": "strict"})
    answer = client.put("/fhir/Patient/ada", json=WRONG)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Patient.contact[0]"]
    extra = RIGHT | {"colour": "red"}
    assert client.put("/fhir/Patient/uju", json=extra).status_code == 422


def test_lenient_stores_and_marks(client: httpx.Client, runtime: Runtime) -> None:
    """What is not valid is stored with a tag that can be searched, and loses it when it is put right."""
    taken = send(runtime, {"validation": "lenient"}, WRONG)
    assert not taken.report.rejected
    assert [(one.code, one.severity) for one in taken.report.issues] == [("invariant", "warning")]
    found = stored(client, "Patient/ada")
    assert found is not None
    assert found["meta"]["tag"] == [TAG]
    tagged = client.get("/fhir/Patient", params={"_tag": f"{TAG['system']}|{TAG['code']}"}).json()
    assert [one["resource"]["id"] for one in tagged["entry"]] == ["ada"]
    again = send(runtime, {"validation": "lenient"}, WRONG)
    assert [one.action for one in again.report.outcomes] == ["unchanged"]
    send(runtime, {"validation": "lenient"}, {key: value for key, value in found.items() if key != "contact"})
    right = stored(client, "Patient/ada")
    assert right is not None
    assert "tag" not in right["meta"]


def test_off_leaves_it_at_the_structural_check(client: httpx.Client, runtime: Runtime) -> None:
    """Without a policy nothing is validated, marked or counted."""
    assert send(runtime, {}, WRONG).report.issues == []
    found = stored(client, "Patient/ada")
    assert found is not None
    assert "tag" not in found["meta"]
    assert client.get("/hub/quality").json() == {"findings": [], "totals": []}


def bundle(kind: str) -> dict[str, Any]:
    """A patient that is not valid, an observation of it by name, and one that is valid."""
    name = "urn:uuid:6f1f6f5e-8a5e-4b36-9d43-2f7f0a1b2c3d"
    seen = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": name}}
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"fullUrl": name, "resource": WRONG, "request": {"method": "PUT", "url": "Patient/ada"}},
            {"resource": seen, "request": {"method": "POST", "url": "Observation"}},
            {"resource": RIGHT, "request": {"method": "PUT", "url": "Patient/uju"}},
        ],
    }


def test_bundles(client: httpx.Client, runtime: Runtime) -> None:
    """A transaction is refused whole, of a batch what is not valid; a marked record is referred to as any."""
    refused = send(runtime, {"validation": "strict"}, bundle("transaction"), "/fhir")
    assert [one.where for one in refused.report.errors] == ["Bundle.entry[0].resource.contact[0]"]
    assert stored(client, "Patient/uju") is None
    send(runtime, {"validation": "strict"}, bundle("batch"), "/fhir")
    assert (stored(client, "Patient/ada"), stored(client, "Patient/uju") is None) == (None, False)
    assert not send(runtime, {"validation": "lenient"}, bundle("transaction"), "/fhir").report.rejected
    found = client.get("/fhir/Observation", params={"subject": "Patient/ada"}).json()["entry"]
    assert {one["resource"]["subject"]["reference"] for one in found} == {"Patient/ada"}
    everything = client.get("/fhir/Patient/ada/$everything").json()["entry"]
    assert {one["resource"]["resourceType"] for one in everything} == {"Patient", "Observation"}


def test_profiles_of_a_peer(client: httpx.Client, runtime: Runtime) -> None:
    """A peer's documents are validated against the profiles that its settings name for their type."""
    rule = profile("named", "Patient", at("Patient.gender", min=1))
    client.put("/fhir/StructureDefinition/named", json=rule).raise_for_status()
    settings = {"validation": "strict", "validation_profiles": {"Patient": rule["url"]}}
    assert [one.text for one in send(runtime, settings, RIGHT).report.errors] == ["gender is missing"]
    assert not send(runtime, settings, RIGHT | {"gender": "female"}).report.rejected


def test_the_report(client: httpx.Client, runtime: Runtime) -> None:
    """It counts by peer, type, path and text, over days, with samples; and documents, valid and not."""
    began = datetime.now(UTC).date()
    for number in range(7):
        send(runtime, {"validation": "lenient"}, WRONG | {"id": f"p{number}"})
    send(runtime, {"validation": "lenient"}, RIGHT)
    send(runtime, {"validation": "lenient"}, RIGHT | {"id": "x", "gender": 3})
    report = client.get("/hub/quality", params={"peer": "clinic"}).json()
    first = report["findings"][0]
    assert (first["peer"], first["type"], first["path"], first["code"]) == (
        "clinic",
        "Patient",
        "Patient.contact",
        "invariant",
    )
    assert (first["count"], sum(first["days"].values()), len(first["samples"])) == (7, 7, 5)
    days = {began.isoformat(), datetime.now(UTC).date().isoformat()}  # two when midnight came in between
    assert set(first["days"]) <= days
    assert first["samples"][0]["where"] == "Patient.contact[0]"
    assert {one["path"] for one in report["findings"]} == {"Patient.contact", "Patient.gender"}
    (total,) = report["totals"]
    assert (total["type"], total["documents"], total["invalid"]) == ("Patient", 9, 8)
    assert client.get("/hub/quality", params={"type": "Observation"}).json() == {"findings": [], "totals": []}
    assert client.get("/hub/quality", params={"since": "2999-01-01"}).json() == {"findings": [], "totals": []}
    assert client.get("/hub/quality", params={"peer": "nobody"}).status_code == 404
    assert client.get("/hub/quality", auth=("nurse", "also-secret-enough")).status_code == 403


@pytest.mark.parametrize(("policy", "state"), [("strict", "AE"), ("lenient", "AA")])
def test_other_formats_are_judged_as_the_records_they_become(runtime: Runtime, policy: str, state: str) -> None:
    """An HL7 v2 message whose record breaks a profile is refused by its acknowledgement, or taken and marked."""
    with transaction(runtime.pool) as session:
        from tracker_core import history, records
        from tracker_core.changes import RecordChange

        rule = profile("photo", "Patient", at("Patient.photo", min=1))
        context = history.open_change_set(session, "tester")
        records.apply(session, context, [RecordChange("StructureDefinition", rule, "put", id="photo")])
        settings = {"validation": policy, "validation_profiles": {"Patient": [rule["url"]]}}
        peer = peers.save(session, "hospital", "hl7v2", settings=settings)
    raw = (
        b"MSH|^~\\&|LAB|HOSP|HUB|MOH|20260301080000||ADT^A04^ADT_A01|1|P|2.5.1\r"
        b"EVN||20260301080000\rPID|1||11^^^HOSP^MR||Abara^Lewa||19900101|F\r"
    )
    done = work.accept(runtime, peer, raw, Envelope(), "tester")
    assert done.error is None
    assert f"MSA|{state}|".encode() in done.answer
