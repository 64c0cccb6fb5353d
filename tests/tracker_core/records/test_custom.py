"""Search parameters of one's own: compiled or refused, written by at once, searched by when old records are in."""

import json
import time
from typing import Any

import pytest

from tests.tracker_core.records.searching import found, put
from tracker_core import history, records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Pool, Session, transaction
from tracker_core.errors import Malformed
from tracker_core.records import custom, reindexing
from tracker_core.records.definitions import parameters

EYES = "urn:example:eyes"


def parameter(code: str = "eye-colour", **elements: Any) -> dict[str, Any]:
    """An active SearchParameter on an extension of patients."""
    return {
        "resourceType": "SearchParameter",
        "id": "eyes",
        "url": "urn:example:parameter",
        "name": "EyeColour",
        "status": "active",
        "description": "Colour of the eyes",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        "expression": f"Patient.extension('{EYES}').value.as(code)",
        **elements,
    }


def patient(id: str, colour: str) -> dict[str, Any]:
    """A patient with eyes of a colour."""
    return {"resourceType": "Patient", "id": id, "extension": [{"url": EYES, "valueCode": colour}]}


def store(pool: Pool, *documents: dict[str, Any]) -> None:
    """Store documents in a change set of their own."""
    with transaction(pool) as session:
        put(session, history.open_change_set(session, "tester"), *documents)


def search(pool: Pool, query: str, type_: str = "Patient") -> str:
    """The ids that a search in a new transaction finds."""
    with transaction(pool) as session:
        custom.refresh(session)
        return found(session, type_, query)


def walk(pool: Pool, limit: int = 500) -> list[int]:
    """Let a worker index until every walk has ended; return what each turn did.

    A server that is shared may have transactions of others open: those are waited for.
    """
    turns = []
    while True:
        with transaction(pool) as session:
            done = reindexing.advance(session, limit)
            left = any(one.state in ("waiting", "running") for one in reindexing.walks(session))
        if done:
            turns.append(done)
        elif not left:
            return turns
        else:
            time.sleep(0.05)


def test_old_and_new_records_are_found(pool: Pool) -> None:
    """A parameter is refused until the records of before are indexed; then it finds them and those written since."""
    store(pool, patient("old", "brown"), patient("other", "blue"))
    store(pool, parameter())
    store(pool, patient("new", "brown"))
    with pytest.raises(Malformed, match="being indexed"):
        search(pool, "eye-colour=brown")
    assert walk(pool)[:2] == [1, 1]
    assert search(pool, "eye-colour=brown") == "new old"
    assert search(pool, "eye-colour:missing=true") == ""
    assert search(pool, "_sort=eye-colour") == "other new old"
    store(pool, patient("old", "green"))
    assert search(pool, "eye-colour=brown") == "new"
    with transaction(pool) as session:
        (one,) = reindexing.walks(session)
    assert (one.state, one.total, one.done, one.errors, one.types) == ("done", 3, 3, 0, ("Patient",))
    assert one.started is not None
    assert one.finished is not None


def test_an_older_view_takes_nothing_back(pool: Pool) -> None:
    """A transaction that began before a parameter was written leaves the process knowing it."""
    with transaction(pool) as old:
        old.execute("set transaction isolation level repeatable read")
        old.execute("select from search_parameter_version")
        store(pool, parameter())
        with transaction(pool) as new:
            custom.refresh(new)
        custom.refresh(old)
        assert "eye-colour" in parameters("Patient")


def test_a_walk_goes_on_where_it_was(pool: Pool) -> None:
    """Batches are committed one by one, and none is done twice."""
    store(pool, *(patient(f"p{n}", "brown") for n in range(5)))
    store(pool, parameter())
    assert walk(pool, 2) == [1, 1, 2, 2, 1, 1]
    assert search(pool, "eye-colour=brown") == "p0 p1 p2 p3 p4"


def test_a_walk_waits_for_those_who_do_not_know(pool: Pool) -> None:
    """While a transaction that began before is open, the walk does not begin: what it writes would be missed."""
    with transaction(pool) as late:
        context = history.open_change_set(late, "slow")
        put(late, context, patient("early", "brown"))
        store(pool, parameter())
        for expected in (1, 0, 0):
            with transaction(pool) as session:
                assert reindexing.advance(session) == expected
    assert walk(pool)[0] == 1
    assert search(pool, "eye-colour=brown") == "early"


def test_a_changed_parameter_is_another_one(pool: Pool) -> None:
    """A change of the expression starts anew, a deletion ends it; what is retired is no parameter."""
    store(pool, patient("p", "brown"), parameter())
    with transaction(pool) as session:
        reindexing.advance(session)
    store(pool, parameter(expression="Patient.gender"))
    store(pool, {"resourceType": "Patient", "id": "q", "gender": "male"})
    walk(pool)
    assert search(pool, "eye-colour=male") == "q"
    assert search(pool, "eye-colour=brown") == ""
    with transaction(pool) as session:
        assert [one.state for one in reindexing.walks(session)] == ["done", "replaced"]
        context = history.open_change_set(session, "tester")
        change = RecordChange("SearchParameter", b"", "delete", id="eyes")
        assert records.apply(session, context, [change]).issues == []
    with transaction(pool) as session:
        custom.refresh(session)
        assert [i.where for i in records.search(session, "Patient", [("eye-colour", "x")]).issues] == ["eye-colour"]


def test_other_types_and_kinds(pool: Pool) -> None:
    """A parameter for every type, one that is a reference, one of a date, a composite."""
    tagged = {"id": "tags", "code": "any-tag", "base": ["Resource"], "expression": "Resource.meta.tag"}
    seen = {
        "id": "seen",
        "code": "seen",
        "type": "date",
        "expression": f"Patient.extension('{EYES}').value.as(dateTime)",
    }
    by = {"id": "by", "code": "by", "type": "reference", "target": ["Practitioner"],
          "expression": f"Patient.extension('{EYES}').value.as(Reference)"}  # fmt: skip
    pair = {
        "id": "pair",
        "code": "status-category",
        "base": ["Observation"],
        "type": "composite",
        "expression": "Observation",
        "component": [
            {"definition": "http://hl7.org/fhir/SearchParameter/Observation-status", "expression": "status"},
            {"definition": "http://hl7.org/fhir/SearchParameter/Observation-category", "expression": "category"},
        ],
    }
    store(pool, *(parameter(**{"url": f"urn:{one['id']}", **one}) for one in (tagged, seen, by, pair)))
    extensions = [
        {"url": EYES, "valueDateTime": "2024-05"},
        {"url": EYES, "valueReference": {"reference": "Practitioner/d"}},
    ]
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
                   "category": [{"coding": [{"code": "c"}]}], "meta": {"tag": [{"code": "t"}]}}  # fmt: skip
    store(pool, {"resourceType": "Patient", "id": "p", "extension": extensions}, observation)
    walk(pool)
    assert search(pool, "seen=2024&by=d&by:Practitioner=Practitioner/d") == "p"
    assert search(pool, "any-tag=t&status-category=final$c", "Observation") == "o"


REFUSED = {
    "expression": {"expression": "Patient.name.first().family"},
    "expression ": {"expression": "Patient.name"},
    "expression  ": {"expression": ""},
    "expression   ": {"type": "composite"},
    "code": {"code": "birthdate"},
    "code ": {"code": "a b"},
    "base": {"base": ["Thing"]},
    "type": {"type": "special"},
}


@pytest.mark.parametrize("element", REFUSED)
def test_what_cannot_be_indexed_is_refused(session: Session, context: Context, element: str) -> None:
    """A parameter that could never be searched by is refused when it is sent, at the element that is why."""
    document = {key: value for key, value in parameter(**REFUSED[element]).items() if value != ""}
    document["base"] = ["Thing"] if element == "base" else ["Patient"]
    change = RecordChange("SearchParameter", json.dumps(document).encode(), "put", id="eyes")
    applied = records.apply(session, context, [change])
    named = [issue.where for issue in applied.issues]
    # A base and a type that R4 does not have are refused by its required codes already.
    assert named[0].startswith(f"SearchParameter.{element.strip()}")
    assert applied.touched == []


def test_drafts_and_published_ones_are_only_kept(session: Session, context: Context) -> None:
    """A parameter that is not active, or is R4's own, is a record like any other."""
    put(session, context, parameter(status="draft", expression="anything()"))
    put(session, context, {**parameter("birthdate", url="http://hl7.org/fhir/SearchParameter/x"), "id": "x"})
    assert reindexing.walks(session) == []


def test_everything_anew(pool: Pool) -> None:
    """A walk over all records writes lost entries again, and names what it cannot index."""
    store(
        pool,
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Abara"}], "birthDate": "1990", "gender": "female"},
        {"resourceType": "Observation", "id": "o", "status": "final",
         "code": {"coding": [{"code": "c", "display": "Cough"}]},
         "subject": {"reference": "Patient/p"}, "valueQuantity": {"value": 3, "unit": "kg"}},
    )  # fmt: skip
    queries = {
        "Patient": "family=ab&birthdate=1990&gender=female",
        "Observation": "code:text=cough&value-quantity=3||kg&subject=p",
    }
    with transaction(pool) as session:
        for table in ("record_string", "record_date", "record_number", "record_term"):
            session.execute(f"delete from {table}")
        session.execute("update record set tokens = '{}', subject = case when id = 'p' then subject end")
    assert [search(pool, query, type_) for type_, query in queries.items()] == ["", ""]
    with transaction(pool) as session:
        reindexing.order(session)
    walk(pool)
    assert [search(pool, query, type_) for type_, query in queries.items()] == ["p", "o"]
    with transaction(pool) as session:
        persons = session.execute("select distinct subject from record").fetchall()
        session.execute(
            "update record_version set doc = '{\"subject\": 5}' where pk = (select pk from record where id = 'o')"
        )
        reindexing.order(session)
        reindexing.order(session)
    assert len(persons) == 1
    walk(pool)
    with transaction(pool) as session:
        last, replaced, first = reindexing.walks(session)
    assert (last.state, last.errors, first.errors, replaced.state) == ("done", 1, 0, "replaced")
    assert last.examples[0].startswith("Observation/o: ")
