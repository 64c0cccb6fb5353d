"""Identity messages through the hub: merges, moves, changed numbers, links, removals, and whose numbers are taken."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub.runtime import Runtime
from tests.flows.test_hl7v2 import Send, found, search, wire
from tracker_core import history, identity, messages, peers
from tracker_core.database import transaction
from tracker_core.identity.patients import part_patients
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted

COUNT = iter(range(1, 10_000))


@pytest.fixture
def send(runtime: Runtime) -> Iterator[Send]:
    """A sender connected to the hub, which has told of two patients with a visit, a result and an account each."""
    with wire(runtime) as sending:
        for number in ("1", "2"):
            assert sending(adt("A04", pid(f"P{number}", f"ACC{number}"), visit(f"V{number}"))) == "AA"
            assert sending(result(number)) == "AA"
        yield sending


def adt(event: str, *segments: str) -> bytes:
    """An ADT message of the clinic."""
    header = f"MSH|^~\\&|CLINIC|KIVU|HUB|MOH|20260310090000+0200||ADT^{event}|I{next(COUNT)}|P|2.5.1"
    return "\r".join([header, f"EVN|{event}|20260310090000+0200", *segments, ""]).encode()


def pid(numbers: str, account: str = "") -> str:
    """A PID with these numbers of the clinic, separated by spaces."""
    listed = "~".join(f"{number}^^^KIVU^MR" for number in numbers.split())
    return f"PID|1||{listed}||Okoye^Daniel||19920417|M||||||||||" + (f"{account}^^^KIVU^AN" if account else "")


def visit(number: str) -> str:
    """A PV1 of an outpatient visit."""
    return "PV1|1|O|OPD" + "|" * 16 + f"{number}^^^KIVU^VN" + "|" * 25 + "20260310085500+0200"


def mrg(**fields: str) -> str:
    """A MRG: patient (1), account (3), external (4), visit (5)."""
    at = {"patient": 1, "alternate": 2, "account": 3, "external": 4, "visit": 5}
    values = [""] * 6
    for name, value in fields.items():
        values[at[name]] = f"{value}^^^KIVU"
    return "MRG|" + "|".join(values[1:])


def result(number: str) -> bytes:
    """A result of a visit."""
    header = f"MSH|^~\\&|CLINIC|KIVU|HUB|MOH|20260310093000+0200||ORU^R01|I{next(COUNT)}|P|2.5.1"
    order = f"OBR|1||LAB{number}|MAL^Malaria test^L|||20260310093000+0200" + "|" * 18 + "F"
    seen = "OBX|1|ST|MAL^Malaria test^L||positive||||||F|||20260310093000+0200"
    return "\r".join([header, pid(f"P{number}"), visit(f"V{number}"), order, seen, ""]).encode()


def reference(runtime: Runtime, type: str, number: str) -> str:
    """How the record with this number is referred to."""
    (document,) = found(runtime, type, f"identifier={number}")
    return f"{type}/{document['id']}"


def issues(runtime: Runtime) -> list[dict[str, Any]]:
    """What was wrong with the newest message."""
    with transaction(runtime.pool) as session:
        (newest,) = searching.search(session, Wanted(direction="in"), limit=1).messages
        return list((messages.read(session, newest["id"]).report or {})["issues"])


def persons(runtime: Runtime) -> dict[str, int | None]:
    """The person of every record, by type and first number."""
    people = {}
    with transaction(runtime.pool) as session:
        for type in ("Patient", "Encounter", "Observation"):
            for number, record in enumerate(sorted(search(session, type, ""), key=lambda one: one.pk), 1):
                people[f"{type}{number}"] = record.subject
    return people


@pytest.mark.parametrize("event", ["A18", "A30", "A34", "A36", "A39", "A40"])
def test_every_event_that_merges_patients_merges_them(runtime: Runtime, send: Send, event: str) -> None:
    """The loser is inactive and replaced, everything is the survivor's; what comes later for the loser too."""
    segments = [pid("P1", "ACC1"), mrg(patient="P2", account="ACC2")]
    assert send(adt(event, *segments)) == "AA"
    (loser,) = found(runtime, "Patient", "identifier=P2")
    assert (loser["active"], loser["link"][0]["type"]) == (False, "replaced-by")
    assert send(adt("A04", pid("P2"), visit("V9"))) == "AA"
    assert len(set(persons(runtime).values())) == 1
    assert len(persons(runtime)) == 7


def test_a_merge_that_is_taken_back_gives_everybody_their_own(runtime: Runtime, send: Send) -> None:
    """Also what came after the merge under the losing number goes back to the person with that number."""
    before = persons(runtime)
    send(adt("A40", pid("P1"), mrg(patient="P2")))
    send(adt("A04", pid("P2"), visit("V9")))
    with transaction(runtime.pool) as session:
        (merge,) = identity.merges_of(session, before["Patient1"] or 0)
        part_patients(session, history.open_change_set(session, "tester"), merge)
    after = persons(runtime)
    assert {name: after[name] for name in before} == before
    assert after["Encounter3"] == before["Patient2"]
    (patient,) = found(runtime, "Patient", "identifier=P2")
    assert (patient["active"], "link" in patient) == (True, False)


def test_a_changed_number_keeps_the_old_one_as_old(runtime: Runtime, send: Send) -> None:
    """ADT^A47: the record has the new number, and messages under either still find it."""
    assert send(adt("A47", pid("P7"), mrg(patient="P1"))) == "AA"
    (patient,) = found(runtime, "Patient", "identifier=P7")
    numbers = [(one["value"], one.get("use")) for one in patient["identifier"]]
    assert numbers == [("P7", None), ("P1", "old")]
    assert send(adt("A08", pid("P1"))) == "AA"
    assert len(found(runtime, "Patient")) == 2
    assert [one.get("use") for one in found(runtime, "Patient", "identifier=P7")[0]["identifier"]] == [None, "old"]


def test_visits_and_accounts_change_their_numbers_too(runtime: Runtime, send: Send) -> None:
    """ADT^A50 and A49 do for a visit and an account what A47 does for a patient."""
    assert send(adt("A50", pid("P1"), mrg(visit="V1"), visit("V8"))) == "AA"
    assert send(adt("A49", pid("P1", "ACC8"), mrg(account="ACC1"))) == "AA"
    assert reference(runtime, "Encounter", "V8") == reference(runtime, "Encounter", "V1")
    assert reference(runtime, "Account", "ACC8") == reference(runtime, "Account", "ACC1")


def test_a_number_that_somebody_else_has_is_no_change_of_number(runtime: Runtime, send: Send) -> None:
    """That would be a merge: refused with condition 205. An unknown old number is a warning, a repeat a remark."""
    assert send(adt("A47", pid("P2"), mrg(patient="P1"))) == "AE"
    assert [issue["code"] for issue in issues(runtime)] == ["duplicate-identifier"]
    assert send(adt("A47", pid("P7"), mrg(patient="P6"))) == "AA"
    assert [issue["code"] for issue in issues(runtime)] == ["renumber-not-found"]
    assert send(adt("A47", pid("P7"), mrg(patient="P6"))) == "AA"
    assert [issue["code"] for issue in issues(runtime)] == ["renumber-done"]


def test_a_visit_moves_to_another_patient(runtime: Runtime, send: Send) -> None:
    """ADT^A45: the visit and its results are about the other patient, and the other person's."""
    before = persons(runtime)
    assert send(adt("A45", pid("P2"), mrg(patient="P1", visit="V1"), visit("V1"))) == "AA"
    (moved,) = found(runtime, "Encounter", "identifier=V1")
    assert moved["subject"]["reference"] == reference(runtime, "Patient", "P2")
    after = persons(runtime)
    assert {after[name] for name in ("Encounter1", "Observation1")} == {before["Patient2"]}
    assert after["Patient1"] == before["Patient1"]
    assert send(adt("A45", pid("P1"), mrg(patient="P2", visit="V1"), visit("V1"))) == "AA"
    assert persons(runtime) == before


def test_an_account_takes_its_visits_along(runtime: Runtime, send: Send) -> None:
    """ADT^A44: the account, the visits on it and their results move."""
    assert send(adt("A44", pid("P2", "ACC1"), mrg(patient="P1", account="ACC1"))) == "AA"
    (account,) = found(runtime, "Account", "identifier=ACC1")
    assert account["subject"] == [{"reference": reference(runtime, "Patient", "P2")}]
    people = persons(runtime)
    assert people["Encounter1"] == people["Observation1"] == people["Patient2"]


def test_everything_of_a_patient_moves_and_the_patient_stays(runtime: Runtime, send: Send) -> None:
    """ADT^A43: what hangs on one patient record hangs on the other; both records stay active."""
    assert send(adt("A43", pid("P2"), mrg(patient="P1"))) == "AA"
    people = persons(runtime)
    assert {people[name] for name in ("Encounter1", "Observation1")} == {people["Patient2"]}
    assert people["Patient1"] != people["Patient2"]
    assert "active" not in found(runtime, "Patient", "identifier=P1")[0]


@pytest.mark.parametrize("event", ["A41", "A35"])
def test_accounts_are_merged(runtime: Runtime, send: Send, event: str) -> None:
    """The losing account is in error, its visits are on the other, and its number leads there."""
    assert send(adt(event, pid("P1", "ACC1"), mrg(patient="P1", account="ACC2"))) == "AA"
    (survivor,) = found(runtime, "Account", "identifier=ACC2")
    assert [(one["value"], one.get("use")) for one in survivor["identifier"]] == [("ACC1", None), ("ACC2", "old")]
    accounts = {visit["account"][0]["reference"] for visit in found(runtime, "Encounter")}
    assert accounts == {f"Account/{survivor['id']}"}
    assert sorted(account["status"] for account in found(runtime, "Account")) == ["active", "entered-in-error"]


def test_visits_are_merged_and_later_messages_follow(runtime: Runtime, send: Send) -> None:
    """ADT^A42: results of the losing visit are of the other, and a later message under its number goes there."""
    assert send(adt("A42", pid("P1"), mrg(patient="P1", visit="V2"), visit("V1"))) == "AA"
    survivor = reference(runtime, "Encounter", "V1")
    assert {one["encounter"]["reference"] for one in found(runtime, "Observation")} == {survivor}
    assert reference(runtime, "Encounter", "V2") == survivor
    assert send(adt("A42", pid("P1"), mrg(visit="V2"), visit("V1"))) == "AA"
    assert [issue["code"] for issue in issues(runtime)] == ["merge-same"]
    assert send(adt("A42", pid("P1"), mrg(visit="V6"), visit("V1"))) == "AA"
    assert [issue["code"] for issue in issues(runtime)] == ["merge-not-found"]


def test_linked_patients_see_each_other_and_no_longer(runtime: Runtime, send: Send) -> None:
    """ADT^A24 links both ways and moves nothing; A37 takes it back."""
    before = persons(runtime)
    assert [send(adt("A24", pid("P1"), pid("P2"))), send(adt("A24", pid("P1"), pid("P2")))] == ["AA", "AA"]
    one, other = (found(runtime, "Patient", f"identifier={number}")[0] for number in ("P1", "P2"))
    assert one["link"] == [{"other": {"reference": f"Patient/{other['id']}"}, "type": "seealso"}]
    assert other["link"] == [{"other": {"reference": f"Patient/{one['id']}"}, "type": "seealso"}]
    assert persons(runtime) == before
    assert send(adt("A37", pid("P1"), pid("P2"))) == "AA"
    assert [patient for patient in found(runtime, "Patient") if "link" in patient] == []
    assert send(adt("A24", pid("P1"))) == "AE"
    assert send(adt("A24", pid("P1"), pid("P1"))) == "AE"


def test_only_a_patient_without_data_is_deleted(runtime: Runtime, send: Send) -> None:
    """ADT^A29: refused while visits and results hang on the record; else the record and the person go."""
    assert send(adt("A29", pid("P1"))) == "AE"
    assert "Encounter" in issues(runtime)[0]["text"]
    assert send(adt("A28", pid("P3"))) == "AA"
    assert send(adt("A29", pid("P3"))) == "AA"
    assert found(runtime, "Patient", "identifier=P3") == []
    with transaction(runtime.pool) as session:
        assert session.execute("select count(*) from tracked_entity where deleted").fetchone() == (1,)
    assert send(adt("A29", pid("P3"))) == "AA"
    assert [issue["code"] for issue in issues(runtime)] == ["removal-not-found"]


@pytest.mark.parametrize(
    ("event", "segments", "where"),
    [
        ("A40", [pid("P1")], "MRG"),
        ("A40", [pid("P1"), "MRG|"], "MRG:1-1"),
        ("A42", [pid("P1"), mrg(visit="V1")], "PV1-19"),
        ("A44", [pid("P1"), "MRG|P2^^^KIVU"], "MRG:1-3"),
        ("A29", ["PID|1||"], "PID-3"),
        ("A37", [pid("P1")], "PID"),
    ],
)
def test_what_is_missing_is_named(runtime: Runtime, send: Send, event: str, segments: list[str], where: str) -> None:
    """A message that lacks a number or a segment is refused, with the place."""
    before = persons(runtime)
    assert send(adt(event, *segments)) == "AE"
    assert where in [issue["where"] for issue in issues(runtime) if issue["severity"] == "error"]
    assert persons(runtime) == before


def test_what_is_not_there_cannot_move(runtime: Runtime, send: Send) -> None:
    """A visit that nobody knows is a warning: there is nothing to move."""
    assert send(adt("A45", pid("P2"), mrg(patient="P1", visit="V6"), visit("V6"))) == "AA"
    assert [issue["code"] for issue in issues(runtime)] == ["move-not-found"]


def configure(runtime: Runtime, **settings: Any) -> None:
    """Give the clinic these settings."""
    with transaction(runtime.pool) as session:
        peers.save(session, "CLINIC|KIVU", "hl7v2", settings=settings)


def test_an_authority_goes_by_any_of_its_names(runtime: Runtime) -> None:
    """Namespace, OID and URI of one authority are one system by the peer's table."""
    names = {"http://kivu.example/ids": ["KIVU", "1.2.3.4"]}
    configure(runtime, authorities=names, unknown_authority="refuse")
    with wire(runtime) as send:
        for number in ("9^^^KIVU", "9^^^&1.2.3.4&ISO", "9^^^&http://kivu.example/ids&URI", "9^^^&urn:oid:1.2.3.4&URI"):
            assert send(adt("A28", f"PID|1||{number}||Okoye^Daniel")) == "AA"
    (patient,) = found(runtime, "Patient")
    assert [one["system"] for one in patient["identifier"]] == ["http://kivu.example/ids"]


@pytest.mark.parametrize(("policy", "answer"), [("refuse", "AE"), ("warn", "AA"), ("", "AA")])
def test_unknown_and_foreign_authorities_are_refused_by_policy(runtime: Runtime, policy: str, answer: str) -> None:
    """The answer names the place of the number; a warning lets it in."""
    names = {"urn:kivu": ["KIVU"], "urn:goma": ["GOMA"]}
    configure(runtime, authorities=names, assigns=["KIVU"], unknown_authority=policy, foreign_authority=policy)
    with wire(runtime) as send:
        assert send(adt("A28", "PID|1||1^^^KIVU~2^^^GOMA||Okoye^Daniel")) == answer
        told = [(issue["code"], issue["where"]) for issue in issues(runtime) if "authority" in issue["code"]]
        assert told == ([("authority-foreign", "PID[1]-3(2).4")] if policy else [])
        assert send(adt("A28", "PID|1||3^^^BUKAVU||Okoye^Daniel")) == answer
        told = [(issue["code"], issue["where"]) for issue in issues(runtime) if "authority" in issue["code"]]
        assert told == ([("authority-unknown", "PID[1]-3(1).4")] if policy else [])


def allergies(runtime: Runtime) -> dict[str, str]:
    """The verification status of each allergy by its code; empty where nothing is said."""
    found_ = found(runtime, "AllergyIntolerance")
    return {
        one["code"]["coding"][0]["code"]: one.get("verificationStatus", {}).get("coding", [{"code": ""}])[0]["code"]
        for one in found_
    }


def iam(code: str, action: str = "") -> str:
    """An IAM of one allergen."""
    return f"IAM|1|DA|{code}^x^L|SV|rash" + (f"|{action}^x^HL70323" if action else "")


def test_allergies_are_added_and_deleted_one_by_one(runtime: Runtime, send: Send) -> None:
    """ADT^A60: each IAM speaks of itself only; one that is deleted is entered in error."""
    assert send(adt("A60", pid("P1"), iam("PEN"), iam("NUT"))) == "AA"
    assert allergies(runtime) == {"PEN": "", "NUT": ""}
    assert send(adt("A60", pid("P1"), iam("EGG", "A"), iam("NUT", "D"))) == "AA"
    assert allergies(runtime) == {"PEN": "", "NUT": "entered-in-error", "EGG": ""}
    assert send(adt("A60", pid("P1"), iam("EGG", "D"))) == "AA"
    assert allergies(runtime) == {"PEN": "", "NUT": "entered-in-error", "EGG": "entered-in-error"}
