"""An OpenMRS as its public API documents describe it: REST (patients, encounters, obs, idgen) and Atom feeds.

Kept: what a POST makes and changes, the uuids (an edited obs is voided and made anew), custom representations as far as
the hub asks for them, feeds in pages of five whose full pages are archives, Basic login, faults on demand.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.flows.listening import Answer, Listening

PAGE = 5
NUMBER_TYPE, CLINIC, VISIT_TYPE, SOURCE = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abcd")
CONCEPTS = {
    "weight": ("5089AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Weight (kg)", [("CIEL", "5089"), ("LOINC", "3141-9")]),
    "temperature": ("5088AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Temperature (C)", [("CIEL", "5088")]),
    "rdt": ("1643AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Malaria rapid test", [("CIEL", "1643")]),
    "positive": ("703AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Positive", [("CIEL", "703"), ("SNOMED CT", "10828004")]),
    "negative": ("664AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Negative", [("CIEL", "664"), ("SNOMED CT", "260385009")]),
    "malaria": ("116128AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Malaria", [("CIEL", "116128"), ("ICD-10-WHO", "B54")]),
    "problem": ("1284AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Problem list", [("CIEL", "1284")]),
    "vitals": ("1114AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Vital signs", [("CIEL", "1114")]),
    "comment": ("161011AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Comment", [("CIEL", "161011")]),
}


def concept(name: str) -> dict[str, Any]:
    """A concept in the representation asked for."""
    uuid, display, terms = CONCEPTS[name]
    mappings = [{"conceptReferenceTerm": {"code": code, "conceptSource": {"name": source}}} for source, code in terms]
    return {"uuid": uuid, "display": display, "mappings": mappings}


def find_concept(key: str) -> dict[str, Any] | None:
    """A concept by its uuid or by `SOURCE:code`."""
    for name, (uuid, _, terms) in CONCEPTS.items():
        if key == uuid or key in {f"{source}:{code}" for source, code in terms}:
            return concept(name)
    return None


@dataclass(slots=True)
class OpenMrs:
    """`faults` are answered first, one a request: (status, headers), status 0 drops the connection, 200 is no fault,
    -1 does what is asked and drops the connection. `calls` keeps method and path.
    """

    patients: dict[str, dict[str, Any]] = field(default_factory=dict)
    encounters: dict[str, dict[str, Any]] = field(default_factory=dict)
    obs: dict[str, dict[str, Any]] = field(default_factory=dict)
    feeds: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"patient": [], "encounter": []})
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    listening: Listening = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        self.listening = Listening(self.answer)

    @property
    def url(self) -> str:
        """The address of the application."""
        return f"{self.listening.url}/openmrs"

    def stop(self) -> None:
        """Stop listening."""
        self.listening.stop()

    def save_patient(self, number: str, family: str, **person: Any) -> str:
        """Register a patient, or change the one of that number."""
        known = next((u for u, one in self.patients.items() if one["identifiers"][0]["identifier"] == number), "")
        uuid = known or str(uuid4())
        kind = {"uuid": NUMBER_TYPE, "display": "OpenMRS ID"}
        self.patients[uuid] = {
            "uuid": uuid,
            "voided": False,
            "identifiers": [{"identifier": number, "preferred": True, "voided": False, "identifierType": kind}],
            "person": {
                "uuid": uuid,
                "gender": "F",
                "birthdate": "1990-02-03T00:00:00.000+0000",
                "birthdateEstimated": False,
                "dead": False,
                "deathDate": None,
                "names": [{"givenName": "Rose", "middleName": None, "familyName": family, "preferred": True}],
                "addresses": [],
                "attributes": [],
                **person,
            },
        }
        self.note("patient", uuid)
        return uuid

    def save_encounter(self, patient: str, obs: list[dict[str, Any]], uuid: str = "", **more: Any) -> str:
        """Write an encounter down, or change it; `obs` are in full."""
        uuid = uuid or str(uuid4())
        self.encounters[uuid] = {
            "uuid": uuid,
            "voided": False,
            "encounterDatetime": "2026-03-05T09:30:00.000+0300",
            "patient": patient,
            "encounterType": {"uuid": VISIT_TYPE, "display": "Adult Visit"},
            "location": {"uuid": CLINIC, "display": "Clinic A"},
            "visit": None,
            "obs": obs,
            "diagnoses": [],
            **more,
        }
        self.note("encounter", uuid)
        return uuid

    def note(self, feed: str, uuid: str) -> None:
        """Let a feed tell that something changed."""
        self.feeds[feed].append((f"tag:atomfeed.ict4h.org:{uuid4()}", uuid))

    def answer(self, method: str, target: str, sent: Mapping[str, str], raw: bytes) -> Answer:
        """Return status, headers and body."""
        path = urlsplit(target).path.removeprefix("/openmrs/ws/")
        self.calls.append(f"{method} {path}")
        status, headers = self.faults.pop(0) if self.faults else (200, {})
        if status not in (200, -1):
            return status, headers, b""
        if not sent.get("authorization", "").startswith("Basic "):
            return 401, {}, b""
        if path.startswith("atomfeed/"):
            return self._feed(*path.removeprefix("atomfeed/").split("/"))
        body = json.loads(raw) if raw else {}
        resource, _, uuid = path.removeprefix("rest/v1/").partition("/")
        found = {
            ("GET", True): self._read,
            ("POST", False): self._create,
            ("POST", True): self._edit,
            ("DELETE", True): self._void,
        }[method, bool(uuid)](resource, uuid, body)
        code, document = found
        return (code if status == 200 else -1), {"content-type": "application/json"}, json.dumps(document).encode()

    def _feed(self, feed: str, number: str) -> Answer:
        entries, at = self.feeds[feed], (int(number) - 1) * PAGE
        if at > len(entries) or not entries:
            return 404, {}, b""
        archive = len(entries) > at + PAGE
        following = (
            f'<link rel="next-archive" href="{self.url}/ws/atomfeed/{feed}/{int(number) + 1}"/>' if archive else ""
        )
        items = "".join(
            f"<entry><title>{feed}</title><id>{id}</id><updated>{datetime.now(UTC).isoformat()}</updated>"
            f"<content type='application/vnd.atomfeed+xml'><![CDATA[/openmrs/ws/rest/v1/{feed}/{uuid}?v=full]]>"
            "</content>"
            "</entry>"
            for id, uuid in entries[at : at + PAGE]
        )
        text = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{feed}</title>{following}{items}</feed>'
        return 200, {"content-type": "application/atom+xml"}, text.encode()

    def _table(self, resource: str) -> dict[str, dict[str, Any]]:
        return {"patient": self.patients, "encounter": self.encounters, "obs": self.obs}[resource]

    def _read(self, resource: str, uuid: str, _body: Any) -> tuple[int, Any]:
        found = self._table(resource).get(uuid)
        if found is None:
            return 404, {"error": {"message": "Object with given uuid doesn't exist"}}
        if resource == "encounter":
            held = [one for one in self.obs.values() if one.get("encounter") == uuid and not one["voided"]]
            found = {**found, "patient": self.patients[found["patient"]], "obs": [*found["obs"], *held]}
        return 200, found

    def _create(self, resource: str, _uuid: str, body: dict[str, Any]) -> tuple[int, Any]:
        uuid = body.get("uuid") or str(uuid4())
        if resource == "patient":
            return self._register(uuid, body)
        if resource == "encounter":
            if body["patient"] not in self.patients or not body.get("encounterType"):
                return 400, {"error": {"message": "Invalid Submission", "globalErrors": [{"message": "no type"}]}}
            kind, place = {"uuid": body["encounterType"], "display": "Adult Visit"}, {"uuid": body.get("location")}
            about = {"encounterDatetime": body["encounterDatetime"], "encounterType": kind, "location": place}
            self.save_encounter(body["patient"], [], uuid, **about)
            return 201, {"uuid": uuid}
        known = find_concept(str(body["concept"]))
        if known is None:
            return 400, {"error": {"message": "concept on class org.openmrs.Obs"}}
        value = find_concept(str(body["value"])) or body["value"]
        self.obs[uuid] = {**body, "uuid": uuid, "concept": known, "value": value, "voided": False}
        return 201, {"uuid": uuid}

    def _register(self, uuid: str, body: dict[str, Any]) -> tuple[int, Any]:
        if not body.get("identifiers"):
            missing = {"identifiers": [{"message": "At least one identifier is required"}]}
            return 400, {"error": {"message": "Invalid Submission", "fieldErrors": missing}}
        person = body["person"]
        number = body["identifiers"][0]["identifier"]
        name = person["names"][0]
        made = self.save_patient(number, name["familyName"], **{**person, "uuid": uuid})
        self.patients[uuid] = {**self.patients.pop(made), "uuid": uuid}
        self.feeds["patient"][-1] = (self.feeds["patient"][-1][0], uuid)
        return 201, {"uuid": uuid}

    def _edit(self, resource: str, uuid: str, body: dict[str, Any]) -> tuple[int, Any]:
        if resource == "idgen":
            return 201, {"identifier": f"100{len(self.patients)}"}
        found = self._table(resource).get(uuid)
        if found is None:
            return 404, {"error": {"message": "Object with given uuid doesn't exist"}}
        if resource == "obs":
            value = find_concept(str(body.get("value"))) or body.get("value")
            fresh = str(uuid4())
            self.obs[fresh] = {**found, **body, "value": value, "uuid": fresh}
            found["voided"] = True
            return 200, {"uuid": fresh}
        objects = {key: {"uuid": body.pop(key)} for key in ("encounterType", "location") if key in body}
        found.update({**body, **objects})
        return 200, {"uuid": uuid}

    def _void(self, resource: str, uuid: str, _body: Any) -> tuple[int, Any]:
        self._table(resource)[uuid]["voided"] = True
        return 204, {}


def obs(name: str, value: Any, uuid: str = "", **more: Any) -> dict[str, Any]:
    """An obs in the representation asked for."""
    return {
        "uuid": uuid or str(uuid4()),
        "obsDatetime": "2026-03-05T09:40:00.000+0300",
        "voided": False,
        "concept": concept(name),
        "value": value,
        **more,
    }


def diagnosis(name: str, rank: int = 1, certainty: str = "CONFIRMED") -> dict[str, Any]:
    """A diagnosis in the representation asked for."""
    return {
        "uuid": str(uuid4()),
        "voided": False,
        "certainty": certainty,
        "rank": rank,
        "diagnosis": {"coded": concept(name), "nonCoded": None},
    }
